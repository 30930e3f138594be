"""The disk fails, lags or is full, under load. Each time usherd goes on by itself: the process is the same before and after."""
import os
import subprocess
import time

from load import Ledger, Load
from node import Node, can_trace
from world import wait_for

ANSWER_MAX = 15  # Seconds; providers of webhooks give up then.


def under_load(task, one_round, data=None, node=None):
    """Rounds of: load on a good disk, the fault, a good disk again, kill -9, audit."""
    node = node or Node(Ledger(), task.totals, data)
    try:
        node.start()
        with Load(node, f"{task.name}{task.random.randrange(10**6)}") as load:
            while task.rounds_done < task.rounds:
                if not load.works_again():
                    task.totals.trouble(f"{task.name}: nothing moves before the fault")
                pid = node.process.pid
                one_round(node, load)
                if not node.alive():
                    task.totals.trouble(f"{task.name}: usherd ended with {node.process.returncode}")
                elif not load.works_again():
                    task.totals.trouble(f"{task.name}: nothing moves after the fault is over")
                if not node.alive() or node.process.pid != pid:
                    return
                node.kill()
                node.audit()
                task.rounds_done += 1
                node.start()
            refusals = load.ledger.refused + load.ledger.degraded
            task.say(f"{refusals} refused ({load.ledger.degraded} of agents), the slowest answer took {load.ledger.slowest:.1f} s")
            if not load.comes_to_rest():
                task.totals.trouble(f"{task.name}: work does not come to an end")
            node.kill()
        node.finish()
    finally:
        node.close()


def io_error(task):
    """EIO on a few syncs or writes in a row: what was not written is refused, and the next is written."""
    if not can_trace():
        return task.totals.trouble("strace is not installed")
    kinds = ("fdatasync:error=EIO:when=1..3", "pwrite64:error=EIO:when={}..{}", "fdatasync:error=EIO:when={}..{}")
    ledger = Ledger()

    def one_round(node, load):
        first = task.random.randint(1, 12)
        fault = node.fault(kinds[task.rounds_done % len(kinds)].format(first, first + 2))
        try:
            wait_for(fault.injected, "an error was injected", within=30)
            time.sleep(task.random.uniform(0.2, 0.6))
        finally:
            fault.end()

    under_load(task, one_round, node=Node(ledger, task.totals))
    if not ledger.refused + ledger.degraded and task.rounds_done:
        task.totals.trouble("io-error: writes failed and nobody was refused")


def slow_disk(task):
    """Every sync takes 200 ms longer: slower, and nothing else."""
    if not can_trace():
        return task.totals.trouble("strace is not installed")

    def one_round(node, load):
        load.ledger.slowest = 0.0
        before = sum(load.ledger.counts())
        fault = node.fault("fdatasync:delay_exit=200000")
        try:
            time.sleep(6)
        finally:
            fault.end()
        task.say(f"{fault.injected()} slow syncs, {sum(load.ledger.counts()) - before} acknowledged meanwhile")
        if not fault.injected() or sum(load.ledger.counts()) == before:
            task.totals.trouble("slow-disk: no sync was slow, or nothing was acknowledged")
        if load.ledger.slowest > ANSWER_MAX:
            task.totals.trouble(f"slow-disk: an answer took {load.ledger.slowest:.1f} s")

    under_load(task, one_round)


class SmallDisk:
    """48 MiB of ext4 in a file; tmpfs where there are no loop devices."""

    def __init__(self, folder):
        self.folder = folder / "small"
        self.folder.mkdir()
        image = folder / "small.img"
        self.kind = None
        with open(image, "wb") as file:
            file.truncate(48 * 1024 * 1024)
        for kind, commands in (("ext4", (["mkfs.ext4", "-q", "-F", image], ["mount", "-o", "loop", image, self.folder])),
                               ("tmpfs", (["mount", "-t", "tmpfs", "-o", "size=48m", "none", self.folder],))):
            try:
                for command in commands:
                    subprocess.run(command, check=True, capture_output=True, timeout=30)
                self.kind = kind
                return
            except (OSError, subprocess.CalledProcessError):
                continue

    def fill(self):
        with open(self.folder / "ballast", "ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue
        subprocess.run(["sync", "-f", self.folder], check=False, timeout=30)

    def empty(self):
        os.unlink(self.folder / "ballast")

    def close(self):
        if self.kind:
            subprocess.run(["umount", "-l", self.folder], check=False, capture_output=True, timeout=30)


def disk_full(task):
    """No space: 503 with Retry-After for customers; when there is space again it goes on.

    An agent's command is refused with `degraded`, or, where the small record still found room, is answered when there is
    space again. Which of them comes is the disk's choice, so neither is waited for.
    """
    node = Node(Ledger(), task.totals)
    disk = SmallDisk(node.folder)
    node.closers.append(disk.close)
    if disk.kind is None and not can_trace():
        node.close()
        return task.totals.trouble("disk-full: nothing can be mounted and strace is not installed")
    if disk.kind:
        node.data = disk.folder / "data"
    task.say(f"a small disk: {disk.kind or 'injected ENOSPC, for nothing can be mounted here'}")

    def one_round(_, load):
        ledger = load.ledger
        refused = ledger.refused
        fault = None if disk.kind else node.fault("pwrite64:error=ENOSPC")
        try:
            if disk.kind:
                disk.fill()
            load.pressing.set()  # What the log has room for is soon used up.
            wait_for(lambda: ledger.refused >= refused + 20, "customers get 503 on a full disk", within=90)
            told, _ = ledger.counts()
            time.sleep(1)
            if ledger.counts()[0] > told + 4:  # What was on its way when the disk was full.
                task.say(f"{ledger.counts()[0] - told} messages were acknowledged on a full disk; the audit looks for them")
        finally:
            load.pressing.clear()
            if fault:
                fault.end()
            elif disk.kind and (disk.folder / "ballast").exists():
                disk.empty()

    under_load(task, one_round, node=node)
