"""Another engine version takes over with work in hand, and the first one takes it back (rule O3)."""
import json
import time

from fleet import Fleet
from redis_link import wait_until

PROGRAMS = ("usherd", "usherd_next")


def upgrade(task):
    """Rolling, both ways: the standby first, then the owner, which ends in order or by kill -9."""
    with Fleet(task, task.machines) as fleet, fleet.load() as load:
        fleet.recovers(load, "start")
        orderly = task.random.random() < 0.5
        while task.rounds_done < (20 if task.rounds == "all" else task.rounds):
            program = PROGRAMS[(task.rounds_done + 1) % 2]
            owner = fleet.owner()
            if owner is None:
                return task.totals.trouble("nobody owns the partition")
            other = fleet.standby(owner)
            change(other, program)
            if not wait_until(lambda: other.phase() == "standby", 20):
                task.totals.trouble(f"a router of the other version does not stand by: {other.status()}")
            time.sleep(task.random.uniform(0.1, 0.9))
            begin = time.monotonic()
            owner.stop() if orderly else owner.kill()
            owner.program = program
            owner.begin()
            owner.wait_ready()
            how = "ended in order" if orderly else "killed"
            fleet.recovers(load, f"{program} after one that was {how}", since=begin, sends=2, commands=2)
            must_have_claimed(task, fleet, PROGRAMS.index(program))
            fleet.audit()
            orderly = not orderly
            task.rounds_done += 1
        fleet.ends(load)


def change(member, program):
    member.stop()
    member.program = program
    member.begin()
    member.wait_ready()


def must_have_claimed(task, fleet, next_one):
    """The last claim in the log is of the version that was started: else nothing was tried."""
    versions = [claim["engine_version"] for claim in claims(fleet.share)]
    if versions[-1] != versions[0] + next_one:
        task.totals.trouble(f"the owner's engine version is {versions[-1]}, after {versions[:-1]}")


def claims(share):
    from confluent_kafka import Consumer, TopicPartition
    consumer = Consumer({"bootstrap.servers": share.brokers, "group.id": f"{share.name}-look", "enable.auto.commit": False})
    topic = f"{share.name}.inbound.v1"
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
        consumer.assign([TopicPartition(topic, 0, 0)])
        found = []
        while True:
            message = consumer.poll(10)
            assert message is not None and not message.error(), f"the log cannot be read: {message and message.error()}"
            record = json.loads(message.value())
            if "engine_version" in record:
                found.append(record)
            if message.offset() >= end - 1:
                return found
    finally:
        consumer.close()
