"""bullmq.*: the same load through BullMQ, the queue a Node team would take, on a Redis of its own that keeps nothing.

Its best case: a prioritised queue without skills, one worker of 100 jobs at once with nothing to do, one producer; three
processes. A job is 1 kB. Every job must be taken once. The packages come from npm, into the build folder.
"""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import server_form

HERE = pathlib.Path(__file__).resolve().parent
WINDOW = 2048
RATE = 1000
WITHIN = 120
GUESSED_WITH = 5000


def modules(options):
    """The folder with BullMQ in it; installed when it is not there."""
    folder = options.scratch.resolve() / "rivals"
    wanted = (HERE / "package.json").read_text()
    if not (folder / "node_modules/bullmq").exists() or (folder / "package.json").read_text() != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(wanted)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"], cwd=folder,
                              capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(f"npm install failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    return folder


@contextlib.contextmanager
def bare_redis():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="usher-bench-redis-"))
    socket = folder / "redis.sock"
    with open(folder / "redis.log", "w", encoding="utf-8") as log:
        server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no",
                                   "--dir", folder], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 10
        while not socket.exists():
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError("redis-server does not start")
            time.sleep(0.02)
        yield socket
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def slice_of(options, kind, count, limit):
    """One run of BullMQ: jobs a second, or the 99th percentile in ns."""
    environment = {**os.environ, "USHER_BENCH_MODULES": str(modules(options)), "NODE_ENV": "production"}
    script = ["node", HERE / "bullmq.mjs"]
    with bare_redis() as socket:
        worker = subprocess.Popen([*script, "work", socket, "bench"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  env=environment)
        try:
            if worker.stdout.readline().strip() != "ready":
                raise RuntimeError("BullMQ's worker does not start")
            made = subprocess.run([*script, "produce", socket, "bench", kind, str(count), str(limit)], stdout=subprocess.PIPE,
                                  text=True, env=environment, timeout=WITHIN)
            said, _ = worker.communicate(timeout=WITHIN)
        finally:
            worker.kill()
            worker.wait()
        if made.returncode != 0 or worker.returncode != 0:
            raise RuntimeError("BullMQ failed")
    begin, seen = json.loads(made.stdout)["begin"], json.loads(said)
    if seen["jobs"] != count or seen["twice"]:
        raise RuntimeError(f"BullMQ took {seen['jobs']} of {count} jobs, {seen['twice']} twice")
    return count * 1e9 / (seen["last"] - begin) if kind == "closed" else seen["p99"]


def rounds(options, ours, theirs):
    figures = {"a": [], "b": []}
    for _ in range(options.rounds):
        first_a, first_b, second_b, second_a = ours(), theirs(), theirs(), ours()
        figures["a"].append([first_a, second_a])
        figures["b"].append([first_b, second_b])
    return figures


def closed(options):
    """A slice of BullMQ as long as the others."""
    guess = slice_of(options, "closed", GUESSED_WITH, WINDOW)
    count = int(guess * options.seconds) + 1
    return lambda: slice_of(options, "closed", count, WINDOW)


def on_kafka(options):
    with server_form.servers() as started:
        ours = lambda: server_form.figures_of(options, "usher_bench_server", "closed", *started.words(), "--seconds",
                                              options.seconds)["figure"]
        return rounds(options, ours, closed(options))


def embedded(options):
    ours = lambda: server_form.figures_of(options, "usher_bench_embedded", "closed", "--scratch", options.scratch, "--seconds",
                                          options.seconds)["figure"]
    return rounds(options, ours, closed(options))


def latency(options):
    count = int(RATE * options.seconds)
    with server_form.servers() as started:
        ours = lambda: server_form.figures_of(options, "usher_bench_server", "open", *started.words(), "--rate", RATE,
                                              "--seconds", options.seconds)["figure"]
        theirs = lambda: slice_of(options, "open", count, RATE)
        ours()
        theirs()
        return {**rounds(options, ours, theirs), "rate": RATE}
