"""The harness on Kafka and Redis must be able to fail: after an undisturbed run the routers end, then what stands in Redis, in the
topics or in the list of acknowledgements is made wrong in one way after another, and each must be seen."""
import random

from fleet import Fleet
from node import Task, Totals
from self_test import add_assignment
from split_faults import make_topics_anew


class Wrong:
    """The ways to make something wrong; each returns what puts it right again, or None where nothing can."""

    def __init__(self, fleet):
        self.fleet, self.link = fleet, fleet.share.redis_link()
        self.meta = fleet.share.key("meta")
        generation = self.link.ask("HGET", self.meta, "generation").decode()
        self.table = fleet.share.key(f"g{generation}:table:conversation")

    def undamaged(self):
        return lambda: None

    def field(self, key, name, change):
        old = self.link.ask("HGET", key, name)
        self.link.ask("HSET", key, name, change(old))
        return lambda: self.link.ask("HSET", key, name, old)

    def entity(self):
        name = sorted(self.link.ask("HKEYS", self.table))[0]
        return self.field(self.table, name, lambda old: old + b"0")

    def text(self):
        id = sorted(self.fleet.ledger.so_far().messages.values())[0]
        key = self.fleet.share.key(f"msg:{id}")
        old = self.link.ask("GET", key)
        assert self.link.ask("DEL", key) == 1
        return lambda: self.link.ask("SET", key, old)

    def epoch(self):
        # With `numbers` beside it, it would be damage and no stale write.
        numbers = self.link.ask("HGET", self.meta, "numbers")
        self.link.ask("HDEL", self.meta, "numbers")
        back = self.field(self.meta, "epoch", lambda old: b"%d" % (int(old) - 1))
        return lambda: (back(), self.link.ask("HSET", self.meta, "numbers", numbers))

    def message_list(self):
        self.fleet.ledger.messages["never-sent"] = "0" * 32
        return lambda: self.fleet.ledger.messages.pop("never-sent")

    def command_list(self):
        self.fleet.ledger.commands.add(("ana", "never-said"))
        return lambda: self.fleet.ledger.commands.discard(("ana", "never-said"))

    def sighting(self, change):
        one = change(sorted(self.fleet.watch.sightings)[-1])
        self.fleet.watch.sightings.add(one)
        return lambda: self.fleet.watch.sightings.discard(one)

    def backwards(self):
        self.fleet.watch.backwards = 1
        return lambda: setattr(self.fleet.watch, "backwards", 0)

    def assignment(self):
        before = set(self.fleet.ledger.assignments)
        add_assignment(self.fleet.ledger)
        return lambda: setattr(self.fleet.ledger, "assignments", before)

    def effect(self):
        """An event under an id that is out already, with another content."""
        from confluent_kafka import Consumer, TopicPartition
        topic = f"{self.fleet.share.name}.events.v1"
        reader = Consumer({"bootstrap.servers": self.fleet.share.brokers, "group.id": topic})
        reader.assign([TopicPartition(topic, 0, 0)])
        event = reader.poll(30)
        reader.close()
        self.fleet.share.append("events", event.value().replace(b"{", b'{"more":1,', 1), headers=event.headers())
        self.fleet.share.flush()

    def effects_gone(self):
        make_topics_anew(self.fleet, ("events",))


def cases(wrong):
    """Name, what is made wrong, what the totals must say then. Those without a way back are last."""
    return [
        ("undamaged", wrong.undamaged, lambda t: t.bad() == 0 and not t.troubles),
        ("an acknowledged message is not in the journal", wrong.message_list, lambda t: t.lost == 1),
        ("a command that was answered is not in the journal", wrong.command_list, lambda t: t.lost == 1),
        ("one byte of an entity is another", wrong.entity, lambda t: t.state_differs == 1),
        ("the text of a message is gone", wrong.text, lambda t: t.state_differs == 1),
        ("the state was written under another epoch", wrong.epoch, lambda t: t.stale_writes == 1),
        ("for a moment the state stood under an epoch that had ended",
         lambda: wrong.sighting(lambda seen: (b"-1", *seen[1:])), lambda t: t.stale_writes == 1),
        ("for a moment another state stood there",
         lambda: wrong.sighting(lambda seen: (*seen[:3], b"0" * 32)), lambda t: t.state_differs == 1),
        ("the stored position went back by itself", wrong.backwards, lambda t: t.stale_writes == 1),
        ("an agent was told of what the journal gave to another", wrong.assignment, lambda t: t.assigned_twice == 1),
        ("an effect went out twice with different contents", wrong.effect, lambda t: t.stale_writes == 1),
        ("effects that should be out are not", wrong.effects_gone, lambda t: t.lost > 0),
    ]


def main(seed, machines):
    passed = failed = 0
    task = Task("self", 1, random.Random(seed), Totals(), machines)
    with Fleet(task, machines) as fleet:
        with fleet.load() as load:
            works = load.works_again(sends=20, commands=10)
            for router in fleet.with_role("router"):
                router.kill()
        tests = cases(Wrong(fleet)) if works else [("the load works", lambda: None, lambda t: False)]
        fleet.texts_within = 0  # Nobody is there who would bring them back.
        for name, damage, fits in tests:
            fleet.totals, fleet.reported, fleet.position = Totals(), set(), (-1, -1)
            with fleet.watch.look_away():
                undo = damage()
                fleet.audit()
                if undo:
                    undo()
            good = fits(fleet.totals)
            print(f"{'ok    ' if good else 'FAILED'} {name}: {fleet.totals.line()}", flush=True)
            passed, failed = passed + good, failed + (not good)
        fleet.totals = Totals()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
