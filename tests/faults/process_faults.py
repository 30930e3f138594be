"""The process ends: kill -9 at random moments, and SIGTERM, under load."""
import time

from load import Ledger, Load
from node import Node


def kill(task):
    """kill -9 at any moment, a quarter of them while the one before is still being recovered from."""
    node = Node(Ledger(), task.totals)
    try:
        node.start()
        with Load(node, f"{task.name}{task.random.randrange(10**6)}") as load:
            load.works_again()
            early_before = False
            while task.rounds_done < task.rounds:
                time.sleep(task.random.uniform(0.05, 0.9))
                node.kill()
                node.audit()
                task.rounds_done += 1
                # Never two in a row: a record before which three starts in a row end is set aside as poison, by rule.
                early_before = not early_before and task.random.random() < 0.33 and task.rounds_done < task.rounds
                if early_before:
                    node.process = node.spawn()
                else:
                    node.start()
                if task.rounds_done % 10 == 0:
                    task.say(f"{task.rounds_done} kills, {sum(load.ledger.counts())} acknowledged")
                    if not early_before and not load.works_again():
                        task.totals.trouble("after a kill -9 nothing moves on")
            if not load.works_again():
                task.totals.trouble("after the last kill -9 nothing moves on")
            if not load.comes_to_rest():
                task.totals.trouble("after the last kill -9 work does not come to an end")
        node.kill()
        node.finish()
    finally:
        node.close()


def term(task):
    """SIGTERM under load: a clean exit in time, and nothing lost."""
    node = Node(Ledger(), task.totals)
    try:
        node.start()
        with Load(node, f"{task.name}{task.random.randrange(10**6)}") as load:
            for _ in range(task.rounds):
                if not load.works_again():
                    task.totals.trouble("after a restart nothing moves on")
                time.sleep(task.random.uniform(0.1, 1.0))
                begin = time.monotonic()
                code = node.terminate()
                task.say(f"ended with {code} after {time.monotonic() - begin:.1f} s")
                if code != 0:
                    task.totals.trouble("SIGTERM: still there after 25 s" if code is None else f"SIGTERM: exit code {code}")
                node.audit()
                task.rounds_done += 1
                node.start()
            if not load.works_again():
                task.totals.trouble("after the last SIGTERM nothing moves on")
            if not load.comes_to_rest():
                task.totals.trouble("after the last SIGTERM work does not come to an end")
        node.kill()
        node.finish()
    finally:
        node.close()
