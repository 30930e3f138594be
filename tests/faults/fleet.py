"""One installation as processes by role on Kafka and Redis: what faults happen to, as Node is in the embedded form.

To the load it looks like one Usher: input goes to the edge, agents go to the desks in turn, questions to the router that owns
the partition. The audit reads the topics and Redis while the processes work.
"""
import json
import os
import pathlib
import signal
import subprocess
import time

from audited import Audited
from load import Ledger, Load, SteadyAgent
from node import TIED, short_times
from redis_link import RedisLink, Watch, wait_until
from servers import Servers, Share
from world import PROGRAMS, Answer, World, free_port

ROLES = ("edge", "router", "router", "desk", "desk")
SECRET = "cluster-secret-0123456789abcdef0123456789abcdef"
TEXTS_WITHIN = 30


class Machines(Servers):
    """One broker and one Redis, which may be killed."""

    def pid(self, part):
        name = {"kafka": "pid", "redis": "redis.pid"}[part]
        return int((self.folder / part / name).read_text())

    def kill(self, part):
        pid = self.pid(part)
        os.kill(pid, signal.SIGKILL)
        # It was started by a script that has ended, so it is no child of ours to wait for.
        assert wait_until(lambda: ended(pid), 10, every=0.01), f"{part} does not die"

    def start(self, part):
        self.start_kafka() if part == "kafka" else self.start_redis()

    def redis_files(self):
        return self.folder / "redis/appendonlydir"


def ended(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


class Parcel(Share):
    """Share, and the way to its keys for the harness."""

    def __init__(self, machines):
        super().__init__(machines)
        self.producer = None
        self.operator = pathlib.Path(self.password).with_name("usher-operator.password")

    @property
    def address(self):
        return self.redis.removeprefix("redis://")

    @property
    def prefix(self):
        return f"usher:{self.name}"

    def key(self, name):
        return f"{self.prefix}:{{0}}:{name}"

    def append(self, topic, value, headers=None):
        """Many records past every check of ours; flush() waits for them."""
        from confluent_kafka import Producer
        self.producer = self.producer or Producer({"bootstrap.servers": self.brokers})
        self.producer.produce(f"{self.name}.{topic}.v1", value=value, partition=0,
                              headers=headers)

    def flush(self):
        assert self.producer.flush(30) == 0, "Kafka does not take records"

    def redis_link(self):
        return RedisLink(self.address, self.operator.read_text().strip())


class Member(World):
    """One process of the fleet."""
    program = "usherd"

    def ensure_topics(self):
        self.share.ensure_topics(PROGRAMS / "usherctl", self.config_file)

    def spawn(self, data=None):
        self.ensure_topics()
        with open(self.log, "ab") as out:
            return subprocess.Popen(
                [*TIED, PROGRAMS / self.program, "run", "--config", self.config_file, "--data", data or self.data, "--roles",
                 self.roles], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=self.folder)

    def status(self):
        try:
            answer = self.operate("GET", "/v1/status")
            return answer.json() if answer.status == 200 else {}
        except (OSError, ValueError):
            return {}

    def phase(self):
        return self.status().get("phase")

    def alive(self):
        return self.process is not None and self.process.poll() is None


class Fleet(Audited):
    def __init__(self, task, machines, roles=ROLES, change=None):
        """`change(member, index)` edits the configuration of one member."""
        super().__init__(Ledger(), task.totals)
        self.task, self.machines = task, machines
        self.share = Parcel(machines)
        self.members = []
        self.turn = 0
        self.texts_within = TEXTS_WITHIN
        for index, role in enumerate(roles):
            member = Member(self.configure, start=False, share=self.share, roles=role)
            self.members.append(member)
            member.config["http"]["public_url"] = self.members[0].url
            member.config["node"] = {"name": f"n{index}"}
            member.secret("cluster.secret", SECRET)
            if change:
                change(member, index)
            member.write_config()
        self.edge = self.with_role("edge")[0]
        self.watch = Watch(self.share, self.ledger)

    @staticmethod
    def configure(config):
        short_times(config)
        config["zmq"] = {"agents": "off", "cluster_secret_file": "cluster.secret", "fabric": f"tcp://127.0.0.1:{free_port()}"}

    def with_role(self, role):
        return [member for member in self.members if role in member.roles.split(",")]

    def __enter__(self):
        try:
            for member in self.members:
                member.begin()
            for member in self.members:
                member.wait_ready()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind, *_):
        self.watch.close()
        self.share.producer = None  # It would complain of a broker that has ended.
        if kind or self.totals.troubles:
            for member in self.members:
                print(f"--- the end of the log of {member.config['node']['name']} ({member.roles})\n"
                      f"{member.log_text()[-1500:]}\n---", flush=True)
        for member in self.members:
            member.close()

    # --- as one Usher -----------------------------------------------------------------------------------------------
    token_of = staticmethod(World.token_of)

    def form(self, *words, **fields):
        return self.edge.form(*words, **fields)

    def post(self, *words, **fields):
        return self.edge.post(*words, **fields)

    @property
    def url(self):
        """A desk, the next one at each look."""
        desks = [desk for desk in self.with_role("desk") if desk.alive()] or self.with_role("desk")
        self.turn += 1
        return desks[self.turn % len(desks)].url

    def operate(self, *words):
        owner = self.owner(within=2)
        try:
            return owner.operate(*words) if owner else Answer(503, {}, b"{}")
        except OSError:
            return Answer(503, {}, b"{}")

    def load(self):
        # In a long run customers leave agents the time to serve them, so that work comes to its end with the run.
        pace = 0.3 if self.task.rounds == "all" else 0.08
        return Load(self, f"{self.task.name}{self.task.random.randrange(10**6)}", desk=SteadyAgent, pace=pace)

    def owner(self, within=15):
        """The router that owns the partition, or None."""
        found = []

        def look():
            found[:] = [router for router in self.with_role("router") if router.alive() and router.phase() == "routing"]
            return found
        return found[-1] if wait_until(look, within) else None

    def standby(self, owner):
        return next(router for router in self.with_role("router") if router is not owner)

    # --- faults -----------------------------------------------------------------------------------------------------
    def recovers(self, load, what, within=60, since=None, **counts):
        """Things move on; how long that took, from now or `since`."""
        begin = since or time.monotonic()
        if not load.works_again(within=within, **counts):
            self.totals.trouble(f"{what}: nothing moves on; routers "
                                f"{[(r.phase(), r.status().get('reason')) for r in self.with_role('router')]}")
        took = time.monotonic() - begin
        self.task.say(f"{what}: moves on after {took:.1f} s, {sum(self.ledger.counts())} acknowledged")
        return took

    def ends(self, load):
        """Nobody sends any more, all work is done, and the last audit is made."""
        if not load.comes_to_rest(within=240):
            self.totals.trouble(f"{self.task.name}: work does not come to an end")
        self.finish()
        self.task.say(f"audited: {self.records} records, {self.found_last['sightings']} positions seen in Redis")

    def killed(self, member):
        if member.alive():
            member.kill()

    # --- the audit --------------------------------------------------------------------------------------------------
    def audit(self):
        """Adds what is wrong to the totals. Texts that Redis lost come back bit by bit: they have a while for it."""
        end = time.monotonic() + self.texts_within
        while True:
            told = self.ledger.so_far()
            found, problem = self.look()
            coming = found and found["differences"] and all(
                one.startswith("the text of") and one.endswith("is not stored") for one in found["differences"])
            if not coming or time.monotonic() > end:
                break
            time.sleep(0.5)
        self.found_last = found
        if self.watch.backwards and self.first(("backwards", self.watch.backwards)):
            self.totals.stale_writes += 1
        self.compare(told, found, problem)

    def look(self):
        sightings = self.edge.folder / "sightings"
        self.watch.write(sightings)
        share = self.share
        done = subprocess.run([PROGRAMS / "usher_audit", share.brokers, share.name, share.address, share.prefix,
                               share.password, sightings], capture_output=True, text=True, timeout=180)
        lines = done.stdout.splitlines()
        found = json.loads(lines[-1]) if lines else {"problem": done.stderr or f"usher_audit ended with {done.returncode}"}
        return (None, found["problem"]) if "problem" in found else (found, None)


def fresh_redis(machines):
    """An empty Redis: what damages files should find nothing of others there."""
    machines.stop_redis()
    for file in machines.redis_files().glob("*"):
        file.unlink()
    machines.start_redis()
