"""takeover: kill -9 of the router that owns the partition, to the first offer that its standby makes; against a plain group of
two librdkafka consumers of which one is killed, to the first record that the other gets from a partition of the dead one.

Real processes on both sides, one broker for all. The group has the session time that is usual where failover matters, 6 s,
the least a broker allows; Usher has its own lease. A message is posted right after the kill, so the offer can only be the
standby's. Every message must be offered once.
"""
import contextlib
import os
import pathlib
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1] / "e2e"))

SESSION_MS = 6000
PARTITIONS = 4
WITHIN = 60
PAUSE = 0.02
ROLES = ("edge", "router", "router", "desk")
SECRET = "cluster-secret-0123456789abcdef0123456789abcdef"


def configure(config):
    config["times"].update(offer_timeout="1h", session_grace="1m")
    config["agents"] = {"ana": {"name": "Ana", "skills": {"english": 5}, "capacity": {"other": 1000, "total": 1000},
                                "token_file": "ana.token"}}
    config["queues"] = {"support": {"skills": {"english": 2}}}
    config["rules"] = []
    config["labels"] = {}
    config["zmq"] = {"agents": "off", "cluster_secret_file": "cluster.secret"}


class Fleet:
    """Usher as four processes, of which two are routers; one agent is signed in, who never answers."""

    def __init__(self, servers):
        from servers import Share
        from world import World
        share = Share(servers)
        self.posted = 0
        self.nodes = []
        for index, role in enumerate(ROLES):
            node = World(configure, start=False, share=share, roles=role)
            self.nodes.append(node)
            node.config["http"]["public_url"] = self.nodes[0].url
            node.config["node"] = {"name": f"n{index}"}
            node.secret("cluster.secret", SECRET)
            node.write_config()
        self.edge, *self.routers, self.desk = self.nodes

    def __enter__(self):
        try:
            for node in self.nodes:
                node.begin()
            for node in self.nodes:
                node.wait_ready()
            self.wait_for_both()
            self.ana = self.desk.sign_in("ana")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.close()

    @staticmethod
    def phase(router):
        try:
            return router.operate("GET", "/v1/status").json().get("phase")
        except (OSError, ValueError):
            return None

    def wait_for_both(self):
        """One owns the partition and the other stands by; the owner first."""
        from world import wait_for

        def look():
            phases = {self.phase(router): router for router in self.routers}
            return phases if {"routing", "standby"} <= set(phases) else None
        phases = wait_for(look, "one router owns the partition and the other stands by", WITHIN)
        return phases["routing"], phases["standby"]

    def offered(self):
        """Posts a message; returns when it was offered."""
        self.posted += 1
        end = time.monotonic() + WITHIN
        while self.edge.post("Hello", key=f"k{self.posted}", sender=f"u{self.posted}").status != 202:
            if time.monotonic() > end:
                raise RuntimeError("the edge accepts nothing")
            time.sleep(PAUSE)
        self.ana.offer(within=WITHIN)
        return time.monotonic()

    def takeover(self):
        owner, _ = self.wait_for_both()
        self.offered()
        begin = time.monotonic()
        owner.kill()
        taken = self.offered() - begin
        if self.ana.seen("offer"):
            raise RuntimeError("a message was offered twice")
        owner.begin()
        owner.wait_ready()
        return taken


class Member:
    """One consumer of the group, a process of its own; which partitions it read from, and when last told."""

    def __init__(self, brokers, topic, group):
        self.first_from = {}
        self.process = subprocess.Popen([sys.executable, HERE, brokers, topic, group], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.first_from.setdefault(int(line), time.monotonic())

    def end(self):
        self.process.kill()
        self.process.wait()


def group_takeover(brokers, number):
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic
    topic = f"plain{os.getpid()}x{number}"
    admin = AdminClient({"bootstrap.servers": brokers})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(WITHIN)
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0})
    members = [Member(brokers, topic, topic) for _ in range(2)]

    def produce_until(look, what):
        end = time.monotonic() + WITHIN
        while not look():
            for partition in range(PARTITIONS):
                producer.produce(topic, b"x", partition=partition)
            producer.poll(0)
            if time.monotonic() > end:
                raise RuntimeError(f"plain group: not within {WITHIN} s: {what}")
            time.sleep(PAUSE)

    def forget():
        for member in members:
            member.first_from.clear()

    def shared():
        """Each reads two partitions, and no other; looked at anew each half second, since the first one had them all."""
        seen = [set(member.first_from) for member in members]
        if all(len(one) == PARTITIONS // 2 for one in seen) and len(seen[0] | seen[1]) == PARTITIONS:
            return True
        if time.monotonic() - since[0] > 0.5:
            forget()
            since[0] = time.monotonic()
        return False

    since = [time.monotonic()]
    try:
        produce_until(shared, "both members have partitions")
        dead, alive = members
        lost = set(dead.first_from)
        begin = time.monotonic()
        dead.end()
        produce_until(lambda: lost & set(alive.first_from), "the other takes over")
        return min(alive.first_from[partition] for partition in lost & set(alive.first_from)) - begin
    finally:
        for member in members:
            member.end()
        producer.flush(5)
        with contextlib.suppress(Exception):  # What is left goes with the broker's folder.
            admin.delete_topics([topic])[topic].result(WITHIN)


def measure(options):
    os.environ["USHER_PROGRAMS"] = str(options.programs.resolve())
    os.environ["USHER_E2E_BACKEND"] = "kafka"
    from servers import Servers
    figures = {"a": [], "b": []}
    numbers = iter(range(1_000_000))
    try:
        with Servers() as started, Fleet(started) as fleet:
            ours = lambda: fleet.takeover() * 1000
            theirs = lambda: group_takeover(started.kafka, next(numbers)) * 1000
            for _ in range(options.rounds):
                first_a, first_b, second_b, second_a = ours(), theirs(), theirs(), ours()
                figures["a"].append([first_a, second_a])
                figures["b"].append([first_b, second_b])
    except AssertionError as trouble:  # What the end-to-end tests' tools say.
        raise RuntimeError(trouble) from trouble
    return {**figures, "longest_ms": round(max(max(pair) for pair in figures["a"]))}


def member(brokers, topic, group):
    from confluent_kafka import Consumer
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": group, "session.timeout.ms": SESSION_MS,
                         "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    while True:
        message = consumer.poll(1)
        if message is not None and not message.error():
            print(message.partition(), flush=True)


if __name__ == "__main__":
    member(*sys.argv[1:])
