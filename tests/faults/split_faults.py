"""Who owns, and of which log: lines cut one way, a lease that means nothing, and a journal that is not the one it was."""
import re
import threading
import time

from fleet import Fleet, Machines
from proxy import Proxy
from redis_link import wait_until
from world import free_port

CUTS = (("redis", "back"), ("kafka", "forth"), ("redis", "forth"), ("kafka", "back"))
CUT_FOR = 5


def cut(task):
    """The owner reaches a server that does not reach it, or the other way round, until another has taken over."""
    with Machines() as machines, Lines(machines) as lines:
        with Fleet(task, machines, change=lines.lead) as fleet, fleet.load() as load:
            fleet.recovers(load, "start")
            for number in range(12 if task.rounds == "all" else task.rounds):
                server, way = CUTS[number % len(CUTS)]
                owner = fleet.owner()
                if owner is None:
                    return task.totals.trouble("nobody owns the partition")
                other = fleet.standby(owner)
                line = lines.of(owner, server)
                line.cut(way)
                begin = time.monotonic()
                if server == "kafka":
                    must_stand_still(task, fleet)
                # Without Redis it loses its lease. Without Kafka alone it keeps it, and waits.
                taken = wait_until(lambda: other.phase() == "routing", CUT_FOR + 10 if server == "redis" else CUT_FOR)
                took = time.monotonic() - begin
                if not taken and server == "redis":
                    task.totals.trouble(f"nobody took over from a router that Redis does not hear: {other.status()}")
                time.sleep(max(0, CUT_FOR - took))
                line.mend()
                fleet.recovers(load, f"{server} cut {way}, taken over after {took:.1f} s" if taken else f"{server} cut {way}")
                fleet.audit()
                task.rounds_done += 1
            fleet.ends(load)


def must_stand_still(task, fleet):
    """A router that hears nothing of Kafka commits nothing: or else the line was not cut."""
    time.sleep(2)
    before = position(fleet)
    time.sleep(1)
    if position(fleet) != before:
        task.totals.trouble(f"the position moves from {before} to {position(fleet)} without Kafka")


class Lines:
    """Two more doors of one broker and of Redis, a pair for each router; what the broker says of itself leads back there."""

    def __init__(self, machines):
        self.machines = machines
        self.lines = {}

    def __enter__(self):
        try:
            doors = [free_port(), free_port()]
            for index, door in enumerate(doors):
                self.lines["kafka", index] = Proxy(f"127.0.0.1:{door}")
                self.lines["redis", index] = Proxy(self.machines.redis.removeprefix("redis://"))
            self.machines.stop_kafka()
            self.open_doors(doors)
            self.machines.start_kafka()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for line in self.lines.values():
            line.close()

    def open_doors(self, doors):
        file = self.machines.folder / "kafka/server.properties"
        more = "".join(f",LINE{index}://127.0.0.1:{door}" for index, door in enumerate(doors))
        advertised = "".join(f",LINE{index}://{self.lines['kafka', index].address}" for index in range(len(doors)))
        text = re.sub(r"(?m)^(listeners=.*)$", rf"\1{more}", file.read_text())
        text = re.sub(r"(?m)^(advertised\.listeners=.*)$", rf"\1{advertised}", text)
        names = "".join(f",LINE{index}:PLAINTEXT" for index in range(len(doors)))
        file.write_text(f"{text}listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{names}\n")

    def lead(self, member, index):
        """The two routers, members 1 and 2, go by their own lines."""
        if member.roles != "router":
            return
        member.line = index - 1
        member.config["kafka"]["brokers"] = [self.lines["kafka", member.line].address]
        member.config["redis"]["url"] = f"redis://usher@{self.lines['redis', member.line].address}"

    def of(self, router, server):
        return self.lines[server, router.line]


def two_routers(task):
    """The lease is erased again and again, so that both routers think they may: the log alone decides who owns."""
    with Fleet(task, task.machines) as fleet, fleet.load() as load:
        fleet.recovers(load, "start")
        for _ in range(5 if task.rounds == "all" else task.rounds):
            stop = threading.Event()
            thread = threading.Thread(target=erase_lease, args=(fleet.share, stop), daemon=True)
            thread.start()
            try:
                fleet.recovers(load, "without leases", within=90)
                time.sleep(5)
            finally:
                stop.set()
                thread.join(timeout=10)
            fleet.recovers(load, "with leases again")
            fleet.audit()
            task.rounds_done += 1
        fleet.ends(load)


def erase_lease(share, stop):
    link = share.redis_link()
    while not stop.wait(0.15):
        link.ask("DEL", f"{share.prefix}:lease:partition/0")
    link.close()


def topic_recreated(task):
    """The topics are deleted and made anew under a state: routers stop with a sentence, and skip nothing by themselves."""
    for longer in (False, True)[:2 if task.rounds == "all" else task.rounds]:
        with Fleet(task, task.machines, roles=("edge", "router", "desk")) as fleet:
            with fleet.load() as load:
                fleet.recovers(load, "start")
                fleet.ends(load)
            recreate(task, fleet, longer)
        task.rounds_done += 1


def recreate(task, fleet, longer):
    router = fleet.with_role("router")[0]
    if longer:
        router.kill()
    stored = at_rest(fleet)
    make_topics_anew(fleet)
    if longer:
        # As long as the log that was there, and longer: its end does not give it away, what stands in it does.
        for _ in range(stored[1] + 100):
            fleet.share.append("inbound", "{}")
        fleet.share.flush()
        router.begin()
    else:
        fleet.post("Somebody writes", key=f"after-{fleet.share.name}")
    reason = []

    def stopped():
        status = router.status()
        reason[:] = [status.get("reason") or router.log_text()[-400:]]
        return status.get("phase") == "failed" or not router.alive()
    if not wait_until(stopped, 60):
        return task.totals.trouble(f"the router goes on with another log: {router.status()}")
    if "journal" not in reason[0]:
        task.totals.trouble(f"it does not say that the journal is another: {reason[0]}")
    if position(fleet) != stored:
        task.totals.stale_writes += 1
        task.totals.trouble(f"the state moved from {stored} to {position(fleet)} over another log")
    task.say(f"{'longer ' if longer else ''}log made anew: {reason[0].strip().splitlines()[-1]}")
    return None


def at_rest(fleet):
    """The stored position, once it has not moved for longer than any grace or offer lasts."""
    seen = [None, 0.0]

    def still():
        now = position(fleet)
        if now != seen[0]:
            seen[:] = now, time.monotonic()
        return time.monotonic() - seen[1] > 4
    wait_until(still, 40)
    return seen[0]


def position(fleet):
    link = fleet.share.redis_link()
    try:
        return tuple(int(field) for field in link.ask("HMGET", fleet.share.key("meta"), "epoch", "offset"))
    finally:
        link.close()


def make_topics_anew(fleet, topics=None):
    """All of them, unless some are named."""
    from confluent_kafka.admin import AdminClient
    admin = AdminClient({"bootstrap.servers": fleet.share.brokers})
    prefix = fleet.share.name + "."
    mine = [name for name in admin.list_topics(timeout=10).topics
            if name.startswith(prefix) and (not topics or name.removeprefix(prefix).split(".")[0] in topics)]
    for done in admin.delete_topics(mine, operation_timeout=20).values():
        done.result(timeout=30)
    wait_until(lambda: not set(mine) & set(admin.list_topics(timeout=10).topics), 20)
    fleet.share.ensured = False
    fleet.edge.ensure_topics()
