// bullmq.mjs work | produce SOCKET QUEUE ...: one side of a BullMQ queue on its own Redis: jobs with priorities 1 to 8 and 1 kB
// of data, no skills. The worker takes 100 at once and has nothing to do with them: BullMQ's best case.
//   work SOCKET QUEUE                          tells on stdout, when stdin ends, what it did
//   produce SOCKET QUEUE closed COUNT WINDOW   adds so many, with at most WINDOW added and not yet taken
//   produce SOCKET QUEUE open COUNT RATE       adds so many, evenly spaced, whatever happens
// Both clocks are CLOCK_MONOTONIC, which all processes of a machine share.
import {createRequire} from 'node:module';
import path from 'node:path';

// Packages are installed beside package.json's copy in the build folder, not here.
const require = createRequire(path.join(process.env.USHER_BENCH_MODULES, 'package.json'));
const {Queue, Worker} = require('bullmq');
const Redis = require('ioredis');

const text = 'Where is my parcel? '.repeat(50);
const at_once = 100;
const warm_up = 5000;
const [what, socket, name, ...rest] = process.argv.slice(2);
const connection = new Redis({path: socket, maxRetriesPerRequest: null});
const now = () => Number(process.hrtime.bigint());

async function work() {
  const taken = new Map();
  const taken_ns = [];
  let twice = 0;
  const counter = new Redis({path: socket});
  let unsaid = 0;
  const say = () => {
    if (unsaid === 0) return;
    counter.incrby(`${name}:taken`, unsaid);
    unsaid = 0;
  };
  const saying = setInterval(say, 5);
  const worker = new Worker(name, async job => {
    const at = now();
    ++unsaid;
    if (job.data.warming) return;
    if (taken.has(job.data.number)) ++twice;
    taken.set(job.data.number, at);
    taken_ns.push(at - job.data.due);
  }, {connection, concurrency: at_once, removeOnComplete: {count: 0}});
  await worker.waitUntilReady();
  console.log('ready');
  for await (const _ of process.stdin);
  clearInterval(saying);
  taken_ns.sort((a, b) => a - b);
  const last = Math.max(...[...taken.values()].slice(-at_once));
  console.log(JSON.stringify({jobs: taken.size, twice, last, p99: taken_ns[Math.floor(taken_ns.length * 0.99)]}));
  process.exit(0);
}

async function produce(kind, count, limit) {
  const queue = new Queue(name, {connection});
  const reader = new Redis({path: socket});
  const taken = async () => Number(await reader.get(`${name}:taken`) ?? 0);
  const pause = ms => new Promise(done => setTimeout(done, ms));
  const add = (number, due, warming = false) => queue.add('m', {number, due, warming, text}, {priority: 1 + number % 8, removeOnComplete: true});
  const all_taken = async wanted => {
    const until = now() + 60e9;
    while (await taken() < wanted && now() < until) await pause(2);
  };
  await queue.waitUntilReady();
  // Both processes compile what they run often; that is no part of the figure.
  for (let done = 0; done < warm_up; done += at_once)
    await Promise.all(Array.from({length: at_once}, (_, number) => add(number, 0, true)));
  await all_taken(warm_up);
  const begin = now();
  let next = 0;
  // One of `at_once` loops, so that so many commands are pipelined.
  const add_some = async () => {
    while (next < count) {
      const number = next++;
      if (number % 256 === 0) while (number + warm_up - await taken() > limit) await pause(1);
      await add(number, now());
    }
  };
  if (kind === 'closed') {
    await Promise.all(Array.from({length: at_once}, add_some));
  } else {
    const added = [];
    for (let number = 0; number < count; ++number) {
      const due = begin + number * 1e9 / limit;
      if (due > now()) await pause((due - now()) / 1e6);
      added.push(add(number, due));
    }
    await Promise.all(added);
  }
  await all_taken(warm_up + count);
  console.log(JSON.stringify({begin}));
  process.exit(0);
}

if (what === 'work') await work();
else await produce(rest[0], Number(rest[1]), Number(rest[2]));
