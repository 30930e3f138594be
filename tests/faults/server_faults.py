"""Processes of a fleet die, sleep, or lose a server: kill -9 of anyone, SIGSTOP of the owner, Redis or Kafka away."""
import signal
import time

from fleet import Fleet
from redis_link import wait_until

# Each kind once, the owner of the partition more often: it is the one that has something to lose.
VICTIMS = ("owner", "redis", "desk", "broker", "owner", "edge", "standby", "owner", "redis", "desk")
ALL_KILLS = 60


def kill(task):
    """kill -9 of a random process under load; it is started again, at once or a moment later."""
    rounds = ALL_KILLS if task.rounds == "all" else task.rounds
    victims = []
    slowest = {}
    with Fleet(task, task.machines) as fleet, fleet.load() as load:
        fleet.recovers(load, "start")
        while task.rounds_done < rounds:
            victims = victims or task.random.sample(VICTIMS, len(VICTIMS))
            victim = victims.pop()
            time.sleep(task.random.uniform(0.1, 0.9))
            struck = time.monotonic()
            restart = strike(fleet, victim)
            time.sleep(task.random.choice([0, 0, task.random.uniform(0.1, 3.5)]))
            restart()
            took = fleet.recovers(load, f"kill {task.rounds_done + 1}, {victim}", since=struck, sends=2, commands=2)
            slowest[victim] = max(took, slowest.get(victim, 0))
            task.rounds_done += 1
            if task.rounds_done % 5 == 0:
                fleet.audit()
        task.say("slowest: " + ", ".join(f"{victim} {took:.1f} s" for victim, took in sorted(slowest.items())))
        fleet.ends(load)


def strike(fleet, victim):
    """Kills it; what starts it again."""
    if victim in ("redis", "broker"):
        part = "kafka" if victim == "broker" else "redis"
        # Once a second Redis syncs, and what comes during a slow sync waits in its memory: that second may be lost.
        with fleet.watch.expect_rollback():
            fleet.machines.kill(part)
        return lambda: fleet.machines.start(part)
    member = fleet.edge
    if victim in ("owner", "standby"):
        owner = fleet.owner() or fleet.with_role("router")[0]
        member = owner if victim == "owner" else fleet.standby(owner)
    elif victim == "desk":
        member = fleet.task.random.choice(fleet.with_role("desk"))
    member.kill()

    def again():
        member.begin()
        member.wait_ready()
    return again


def pause(task):
    """The owner is stopped past its lease, another takes over, and the old one goes on where it was."""
    with Fleet(task, task.machines) as fleet, fleet.load() as load:
        fleet.recovers(load, "start")
        takeovers = []
        while task.rounds_done < (50 if task.rounds == "all" else task.rounds):
            owner = fleet.owner()
            if owner is None:
                return task.totals.trouble("nobody owns the partition")
            other = fleet.standby(owner)
            time.sleep(task.random.uniform(0.0, 0.5))
            owner.signal(signal.SIGSTOP)
            begin = time.monotonic()
            try:
                if not wait_until(lambda: other.phase() == "routing", 20, every=0.02):
                    task.totals.trouble(f"nobody took over from a router that sleeps: {other.status()}")
                takeovers.append(time.monotonic() - begin)
                # It wakes while the new owner is at its very beginning, or well at work.
                time.sleep(task.random.choice([0, task.random.uniform(0, 1.5)]))
            finally:
                owner.signal(signal.SIGCONT)
            fleet.recovers(load, f"pause {task.rounds_done + 1}", sends=2, commands=2)
            if not wait_until(lambda: owner.phase() == "standby", 20):
                task.totals.trouble(f"the router that slept is not a standby: {owner.status()}")
            task.rounds_done += 1
            if task.rounds_done % 5 == 0:
                fleet.audit()
        task.say(f"takeovers: longest {max(takeovers):.1f} s, of which 2.0 s are the lease")
        fleet.ends(load)


def redis_stop(task):
    """Redis is away: input is still taken, routing waits, and everything catches up."""
    with Fleet(task, task.machines) as fleet, fleet.load() as load:
        for _ in range(1 if task.rounds == "all" else task.rounds):
            fleet.recovers(load, "start")
            fleet.machines.stop_redis()
            time.sleep(1)
            before = len(fleet.ledger.so_far().messages)
            time.sleep(away_for(task))
            taken = len(fleet.ledger.so_far().messages) - before
            task.say(f"{taken} messages taken without Redis")
            if taken < away_for(task):  # One a second at least.
                task.totals.trouble(f"only {taken} messages were taken in {away_for(task)} s without Redis")
            fleet.machines.start_redis()
            fleet.recovers(load, "Redis is back", within=90)
            task.rounds_done += 1
        fleet.ends(load)


def kafka_stop(task):
    """Kafka is away: nothing is acknowledged, customers are told when to come again, and everything catches up."""
    with Fleet(task, task.machines) as fleet, fleet.load() as load:
        for _ in range(1 if task.rounds == "all" else task.rounds):
            fleet.recovers(load, "start")
            refused = fleet.ledger.refused
            fleet.machines.stop_kafka()
            before = sum(fleet.ledger.counts())
            # An append is refused when it has waited for 8 seconds.
            if not wait_until(lambda: fleet.ledger.refused > refused, 20):
                task.totals.trouble("nobody was refused while Kafka was away")
            time.sleep(away_for(task))
            if sum(fleet.ledger.counts()) > before + 2:  # Answers that were under way.
                task.totals.trouble("something was acknowledged while Kafka was away")
            task.say(f"{fleet.ledger.refused - refused} answers of 503 without Kafka")
            fleet.machines.start_kafka()
            fleet.recovers(load, "Kafka is back", within=90)
            task.rounds_done += 1
        fleet.ends(load)


def away_for(task):
    return 60 if task.rounds == "all" else 6
