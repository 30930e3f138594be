"""One usherd that faults happen to: started plainly or under strace, killed, and audited from a copy of its data folder.

The audit compares three sides: what clients were told (load.Ledger), the journal folded anew, and the stored state.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

from audited import Audited
from world import PROGRAMS, World, wait_for

# Ends with this process, however that ends.
TIED = ["setpriv", "--pdeathsig", "KILL"]
STRACE = ["strace", "-f", "-qq", "-y"]


class Totals:
    """What the audits found, added up; `troubles` is whatever else must not be, in words."""

    def __init__(self):
        self.acknowledged = self.lost = self.assigned_twice = self.stale_writes = self.state_differs = 0
        self.troubles = []

    def add(self, other):
        self.acknowledged += other.acknowledged
        self.lost += other.lost
        self.assigned_twice += other.assigned_twice
        self.stale_writes += other.stale_writes
        self.state_differs += other.state_differs
        self.troubles += other.troubles

    def trouble(self, text):
        self.troubles.append(text)
        print(f"TROUBLE {text}", flush=True)

    def bad(self):
        return self.lost + self.assigned_twice + self.stale_writes + self.state_differs

    def line(self):
        return (f"acknowledged {self.acknowledged}, lost {self.lost}, assigned twice {self.assigned_twice}, "
                f"stale writes {self.stale_writes}, state differs {self.state_differs}")


class Task:
    """One fault: how many rounds, its own randomness, and what came of it."""

    def __init__(self, name, rounds, random, totals, machines=None):
        self.name, self.rounds, self.random, self.totals = name, rounds, random, totals
        self.machines = machines  # The servers of the run, where there are any.
        self.rounds_done = 0

    def say(self, text):
        print(f"  {self.name}: {text}", flush=True)


def short_times(config):
    """Offers and graces that end within a round, so that work also moves on by itself."""
    config["times"] = {"offer_timeout": "3s", "session_grace": "2s", "wrap_up": "1s"}
    config["missed_offers_max"] = 100
    for agent in config["agents"].values():
        agent["capacity"] = {"other": 4, "total": 4}


class Node(Audited, World):
    def __init__(self, ledger, totals, data=None):
        Audited.__init__(self, ledger, totals)
        World.__init__(self, short_times, start=False)
        if data:
            self.data = data
        self.under = []  # What usherd is started under.

    def spawn(self, data=None):
        out = open(self.log, "ab")
        with out:
            return subprocess.Popen(
                [*TIED, *self.under, PROGRAMS / "usherd", "run", "--config", self.config_file, "--data", data or self.data],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=self.folder)

    def alive(self):
        return self.process.poll() is None

    def terminate(self, within=25):
        """SIGTERM; the exit code, or None when it had to be killed."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def fault(self, *injections):
        return Injection(self.process.pid, self.folder, injections)

    def audit_if_begun(self):
        """A crash while the file is being made may leave none of its tables: then nothing was acknowledged either."""
        told = self.ledger.so_far()
        folder = self.copy()
        try:
            found, problem = look(folder)
            if not problem or told.messages or told.commands:
                self.compare(told, found, problem)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    # --- the audit --------------------------------------------------------------------------------------------------
    def copy(self):
        """The database as it lies there, log and all. Requires: usherd is not running."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="audit-", dir=self.folder))
        for file in self.data.glob("usher.db*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, folder / file.name)
        return folder

    def audit(self, damage=None):
        """Adds what is wrong to the totals. `damage(folder)` changes the copy first: for the self-test."""
        told = self.ledger.so_far()
        folder = self.copy()
        try:
            if damage:
                damage(folder)
            self.compare(told, *look(folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self):
        if self.totals.troubles:
            print(f"--- the end of usherd's log\n{self.log_text()[-2000:]}\n---", flush=True)
        World.close(self)


def look(folder):
    """What usher_audit finds in a folder, or why it cannot."""
    done = subprocess.run([PROGRAMS / "usher_audit", folder], capture_output=True, text=True, timeout=120)
    lines = done.stdout.splitlines()
    found = json.loads(lines[-1]) if lines else {"problem": done.stderr or f"usher_audit ended with {done.returncode}"}
    if done.returncode != 0 or "problem" in found:
        return None, found.get("problem", done.stderr)
    try:
        with sqlite3.connect(folder / "usher.db") as database:
            whole = database.execute("PRAGMA integrity_check").fetchall()
        database.close()
    except sqlite3.DatabaseError as error:
        return None, str(error)
    return found, None if whole == [("ok",)] else str(whole)


class Injection:
    """strace on a running process: its system calls fail or lag as told until end()."""

    def __init__(self, pid, folder, injections):
        words = [word for one in injections for word in ("-e", f"inject={one}")]
        calls = ",".join(sorted({one.split(":")[0] for one in injections}))
        self.log = folder / f"strace-{time.monotonic_ns()}.log"
        self.pid = pid
        self.process = subprocess.Popen([*TIED, *STRACE, "-p", str(pid), "-e", f"trace={calls}", *words, "-o", self.log],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(self.attached, "strace is attached", within=20)
        except BaseException:
            self.end()
            raise

    def attached(self):
        if self.process.poll() is not None:
            raise AssertionError(f"strace ended with {self.process.returncode}: is tracing allowed here?")
        for status in pathlib.Path(f"/proc/{self.pid}/task").glob("*/status"):
            try:
                if "\nTracerPid:\t0\n" in status.read_text():
                    return False
            except OSError:
                pass  # A thread that has ended meanwhile.
        return True

    def injected(self):
        """How many calls have been made to fail or lag."""
        return len(re.findall(r"\((?:INJECTED|DELAYED)", self.log.read_text(errors="replace")))

    def end(self):
        """Lets the process go on by itself."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=10)


def can_trace():
    return os.access("/usr/bin/strace", os.X_OK)
