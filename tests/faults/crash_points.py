"""A crash at every write and every sync: of the start that makes the database, and of a scenario of 100 messages on one that
is there, up to and with the clean stop. strace counts the calls of an undisturbed run, then kills usherd as it enters
the one that is to be hit; strace counts for each thread and file apart, so a point is (phase, file, call, number).
"""
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import threading
from collections import Counter

from load import Agent, Ledger, Worker, deliver
from node import STRACE, Node, Totals, can_trace
from world import wait_for

CALLS = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate")
# Of the start: what is written until the first messages are through.
MESSAGES = {"start": 3, "scenario": 100}
LINE = re.compile(r"^(\d+) +(\w+)\(\d+<([^>]*)>")
RUN_MAX = 180  # Seconds a scenario may take under strace before the run counts as stuck.


class OneByOne:
    """The client side of the scenario: one customer, one agent. Looks like a Load to the worker."""

    def __init__(self, node):
        self.node, self.ledger, self.desk = node, node.ledger, Agent
        self.stopping, self.pressing = threading.Event(), threading.Event()
        self.worker = Worker(self, "ana")

    def run(self, messages):
        """Sends message after message until all are acknowledged or usherd is dead; then stops it."""
        agent = threading.Thread(target=self.worker.run, daemon=True)
        watch = threading.Thread(target=self.watch, daemon=True)
        agent.start()
        watch.start()
        for number in range(1, messages + 1):
            if not deliver(self.node, self.ledger, f"point-{number}", number, self.stopping):
                break
        if not self.stopping.is_set():
            self.node.signal(signal.SIGTERM)
        watch.join(timeout=RUN_MAX)
        self.stopping.set()
        agent.join(timeout=60)

    def watch(self):
        """When usherd is dead, nobody waits for it any longer."""
        try:
            self.node.process.wait(timeout=RUN_MAX)
        except subprocess.TimeoutExpired:
            self.ledger.trouble("the scenario is stuck under strace")
            self.node.kill()
        self.stopping.set()


def kind_of(path, data):
    """Which file it is, by a name that is the same in every run; None: not of the data folder."""
    if not path.startswith(f"{data}"):
        return None
    name = path.removesuffix(" (deleted)")[len(str(data)):].lstrip("/")
    return name if name.startswith("usher.") or not name else "blobs"


def run_once(node, phase, words):
    """One run under strace with these words; True when usherd came to be ready."""
    node.under = [*STRACE, "-D", *words]
    node.process = node.spawn()
    try:
        wait_for(lambda: not node.alive() or node.ready(), "ready or dead", within=RUN_MAX)
        if node.alive():
            OneByOne(node).run(MESSAGES[phase])
        return node.process.wait(timeout=30)
    finally:
        node.under = []


def template(totals):
    """A data folder as the first start leaves it."""
    node = Node(Ledger(), totals)
    node.start()
    code = node.terminate()
    if code != 0:
        totals.trouble(f"the first stop ended with {code}")
    return node


def begin(phase, made, totals):
    """A node of its own for one point."""
    node = Node(Ledger(), totals)
    if phase == "scenario":
        shutil.copytree(made.data, node.data)
    return node


def count(phase, made, totals):
    """The points of a phase: {(file, call): how often the busiest thread does it}, and blob writes by number."""
    node = begin(phase, made, totals)
    log = node.folder / "count.log"
    try:
        code = run_once(node, phase, ["-e", "trace=" + ",".join(CALLS), "-o", log])
        if code != 0:
            totals.trouble(f"undisturbed, the scenario ended with {code}")
        node.audit()
        return points_in(log, node.data)
    finally:
        node.close()


def points_in(log, data):
    by_thread, writes, syncs, blobs = Counter(), Counter(), Counter(), set()
    for line in log.read_text(errors="replace").splitlines():
        found = LINE.match(line)
        if not found:
            continue
        thread, call, path = found.groups()
        kind = kind_of(path, data)
        writes[thread] += call == "write"
        syncs[thread] += call == "fsync"
        if kind == "blobs" and call in ("write", "fsync"):
            # Their names differ from run to run, so strace cannot be told them: by number among all such calls of a thread.
            blobs.add(("", call, writes[thread] if call == "write" else syncs[thread]))
        elif kind is not None:
            by_thread[thread, kind, call] += 1
    most = Counter()
    for (_, kind, call), times in by_thread.items():
        most[kind, call] = max(most[kind, call], times)
    named = [(kind or ".", call, number) for (kind, call), times in sorted(most.items()) for number in range(1, times + 1)]
    return named + sorted(blobs)


def sample(points, rounds, random):
    """One of each kind of point as far as the rounds reach, the others evenly over all; another seed takes others."""
    if rounds == "all" or rounds >= len(points):
        return points
    kinds = {}
    for point in points:
        kinds.setdefault(point[:3], []).append(point)
    chosen = [random.choice(of_kind) for of_kind in random.sample(list(kinds.values()), min(rounds, len(kinds)))]
    rest = sorted(set(points) - set(chosen))
    left = rounds - len(chosen)
    start = random.random()
    return chosen + [rest[int((start + index) * len(rest) / left)] for index in range(left)]


def crash_points(task):
    if not can_trace():
        return task.totals.trouble("strace is not installed")
    made = template(task.totals)
    try:
        points = [(phase, *point) for phase in MESSAGES for point in count(phase, made, task.totals)]
        chosen = sample(points, task.rounds, task.random)
        task.say(f"{len(points)} points, {len(chosen)} of them in this run")
        for (phase, file, call), times in sorted(Counter(point[:3] for point in points).items()):
            task.say(f"  {phase}: {call} of {file or 'attachments'} {times}")
        missed = []
        pool = concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() or 2))
        try:
            for point, (reached, totals) in zip(chosen, pool.map(lambda point: crash_at(point, made), chosen)):
                task.totals.add(totals)
                task.rounds_done += 1
                if not reached:
                    missed.append(" ".join(map(str, point)))
                if task.rounds_done % 50 == 0:
                    task.say(f"{task.rounds_done} points, {task.totals.line()}")
        finally:
            pool.shutdown(cancel_futures=True)
        task.say(f"{len(chosen) - len(missed)} of {len(chosen)} points were reached; beyond the end of their run lay: "
                 f"{', '.join(missed[:40]) or 'none'}")
        if len(missed) * 2 > len(chosen):
            task.totals.trouble(f"crash-points: {len(missed)} of {len(chosen)} points were not reached")
    finally:
        made.close()


def crash_at(point, made):
    """Crash there, audit, start again, go on, stop, audit. Whether the point was reached, and the totals."""
    phase, file, call, number = point
    totals = Totals()
    node = begin(phase, made, totals)
    try:
        where = ["-P", str(node.data / file)] if file else []
        code = run_once(node, phase, [*where, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}",
                                      "-o", node.folder / "crash.log"])
        if code not in (0, -signal.SIGKILL):
            totals.trouble(f"{point}: usherd ended with {code}")
        if (node.data / "usher.db").exists():
            node.audit_if_begun()
        node.start()
        again(node, MESSAGES[phase])
        code = node.terminate()
        if code != 0:
            totals.trouble(f"{point}: after the restart, SIGTERM ended with {code}")
        node.finish()
        return "killed by SIGKILL" in (node.folder / "crash.log").read_text(errors="replace"), totals
    except Exception as error:  # One point that goes wrong is one trouble; the other points still run.
        totals.trouble(f"{error!r}")
        return True, totals
    finally:
        if totals.troubles:
            print(f"  at {point}", flush=True)
        node.close()


def again(node, messages):
    """The customer repeats the last it was told of, what was cut off, and writes once more; the agent is welcomed."""
    one = OneByOne(node)
    told = len(node.ledger.messages)
    for number in sorted({max(1, told - 1), max(1, told), told + 1, messages + 1}):
        deliver(node, node.ledger, f"point-{number}", number, one.stopping, attempts_max=200)
    desk = node.sign_in("ana")
    desk.settle()
    desk.drop()
