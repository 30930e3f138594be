"""The load: customers who send until they are acknowledged, agents who work until they are told to stop.

Both go on over every crash: they connect again, and repeat what was not answered under the same key or command id. What they
were told for sure is in the Ledger, which is what the audit holds the data folder to.
"""
import base64
import http.client
import threading
import time
from types import SimpleNamespace

from agent import Agent, Refused
from world import WAIT_MAX

PAUSE = 0.05
RETRYABLE = (408, 425, 429, 500, 503)


class Ledger:
    """What clients were told. Any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.messages = {}       # Key -> the id it was acknowledged with.
        self.commands = set()    # (agent, command id) answered `ok`.
        self.assignments = set()  # (conversation, agent) told by `assigned` or `welcome`.
        self.refused = 0         # 503 and the like.
        self.degraded = 0        # Commands refused because nothing could be written.
        self.slowest = 0.0       # Seconds of the longest request that was answered.
        self.troubles = []

    def acknowledge(self, key, id):
        with self.lock:
            known = self.messages.setdefault(key, id)
            if known != id:
                self.troubles.append(f"{key} was acknowledged as {known}, and again as {id}")

    def trouble(self, text):
        with self.lock:
            if len(self.troubles) < 20:
                self.troubles.append(text)

    def so_far(self):
        with self.lock:
            return SimpleNamespace(messages=dict(self.messages), commands=set(self.commands),
                                   assignments=set(self.assignments), troubles=list(self.troubles))

    def counts(self):
        with self.lock:
            return len(self.messages), len(self.commands)


def send(node, key, number, filler=""):
    """One attempt at a message; what it is follows from its number, so a repeat is the same."""
    words = ("Where is it?", "My invoice is wrong", "Total outage", "Bonjour")[number % 4] + filler
    if number % 2:
        return node.form(key=key, email=f"{key}@example.org", message=f"{words} ({key})")
    more = {"language": "fr"} if number % 4 == 3 else {}
    if number % 10 == 4:
        data = base64.b64encode(f"the file of {key}".encode() * 50).decode()
        more["attachments"] = [{"name": "a.txt", "type": "text/plain", "data": data}]
    # Four messages in a row are one conversation.
    return node.post(f"{words} ({key})", key=key, sender=f"u-{key}", conversation=f"{key.rsplit('-', 1)[0]}-{number // 8}",
                     **more)


class Load:
    """Threads on one node, from start() to stop()."""

    def __init__(self, node, name, senders=4, agents=("ana", "ben", "chloe"), pace=0.08, desk=Agent):
        self.node, self.ledger, self.name, self.pace, self.desk = node, node.ledger, name, pace, desk
        self.stopping = threading.Event()
        self.sending = threading.Event()
        self.sending.set()
        self.pressing = threading.Event()  # Large messages, and commands also from agents without work.
        self.workers = [Worker(self, agent) for agent in agents]
        self.threads = [threading.Thread(target=self.send_all, args=(number,), daemon=True) for number in range(senders)]
        self.threads += [threading.Thread(target=worker.run, daemon=True) for worker in self.workers]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(timeout=90)
            if thread.is_alive():
                self.ledger.trouble("a client hangs")

    def send_all(self, thread):
        number = 0
        while not self.stopping.wait(self.pace):
            if self.sending.is_set():
                number += 1
                filler = " filler" * 6000 if self.pressing.is_set() else ""
                deliver(self.node, self.ledger, f"{self.name}-{thread}-{number}", number, self.stopping, filler=filler)

    def works_again(self, within=60, sends=3, commands=3):
        """Messages are acknowledged and agents' commands answered since this call; whether in time."""
        sent, done = self.ledger.counts()
        end = time.monotonic() + within
        while time.monotonic() < end:
            now_sent, now_done = self.ledger.counts()
            if now_sent >= sent + sends and now_done >= done + commands:
                return True
            time.sleep(PAUSE)
        return False

    def comes_to_rest(self, within=120):
        """Nobody sends any more: whatever an agent can serve is served in time, so that no work is left in any hands."""
        self.sending.clear()
        end = time.monotonic() + within
        while time.monotonic() < end:
            time.sleep(4 * PAUSE)
            answer = self.node.operate("GET", "/v1/conversations?limit=10000")
            states = [one["state"] for one in answer.json()["conversations"]] if answer.status == 200 else ["unknown"]
            if set(states) <= {"closed", "waiting"}:
                # What still waits was declined by everybody who could have it.
                if states.count("waiting") > len(states) // 5:
                    self.ledger.trouble(f"{states.count('waiting')} of {len(states)} conversations wait with everybody free")
                return True
        return False


def deliver(node, ledger, key, number, stopping, attempts_max=100_000, filler=""):
    """Sends until it is acknowledged; False when told to stop before."""
    for _ in range(attempts_max):
        if stopping.is_set():
            return False
        begin = time.monotonic()
        try:
            answer = send(node, key, number, filler)
        except (OSError, http.client.HTTPException):
            stopping.wait(PAUSE)
            continue
        ledger.slowest = max(ledger.slowest, time.monotonic() - begin)
        if answer.status == 202:
            ledger.acknowledge(key, answer.json()["id"])
            return True
        if answer.status not in RETRYABLE:
            ledger.trouble(f"{key} was answered {answer}")
            return False
        if answer.status == 503 and "retry-after" not in answer.headers:
            ledger.trouble(f"503 without Retry-After: {answer}")
        with ledger.lock:
            ledger.refused += 1
        stopping.wait(PAUSE)
    return False


class SteadyAgent(Agent):
    """Repeats a command that is not answered, with its id (rule A2): an answer may be lost with the router that had it."""
    PATIENCE = 2.0

    def command(self, kind, id=None, **fields):
        command_id = id or self.new_id()
        end = time.monotonic() + WAIT_MAX
        while True:
            self.raw({"type": kind, "id": command_id, **fields})
            try:
                return self.outcome(command_id, self.PATIENCE)
            except Refused:
                raise
            except AssertionError:
                if self.closed is not None or time.monotonic() > end:
                    raise


class Gone(Exception):
    """The session ended: dial again."""


class Worker:
    """An agent: accepts, replies, closes; now and then declines, transfers or just vanishes."""

    def __init__(self, load, name):
        self.load, self.ledger, self.name = load, load.ledger, name
        self.desk = load.desk(load.node, name, load.node.token_of(name))
        self.pending = None  # The command that was not answered: repeated with its id.
        self.served = 0

    def run(self):
        while not self.load.stopping.is_set():
            try:
                self.desk.connect()
                self.work()
            except Exception as error:  # Whatever a dying connection throws: the next one is tried.
                self.note(error)
            finally:
                if any(frame.get("code") == "degraded" for frame in self.desk.seen("error")):  # Not even a welcome.
                    with self.ledger.lock:
                        self.ledger.degraded += 1
                self.harvest()
                self.desk.drop()
            self.load.stopping.wait(PAUSE)

    def note(self, error):
        if "BROKEN" in str(error):
            self.ledger.trouble(f"{self.name}: {error}")

    def work(self):
        if self.pending:
            self.ignore_refusal(*self.pending)
            raise Gone("what the repeated command led to stands in the next welcome")
        self.begin(self.desk.welcome)
        while not self.load.stopping.is_set():
            frame = self.next_offer()
            if frame and frame["type"] == "welcome":
                self.begin(frame)
            elif frame:
                self.take(frame)
            elif self.load.pressing.is_set():
                self.ignore_refusal("presence", None, {"state": "available"})

    def begin(self, welcome):
        """A welcome is the whole truth, also when a new router says it in the middle of a session."""
        self.ignore_refusal("presence", None, {"state": "available"})
        for conversation in welcome["conversations"]:
            if conversation.get("state") == "assigned":
                with self.ledger.lock:
                    self.ledger.assignments.add((conversation["id"], self.name))
            self.serve(conversation["id"])
        for offer in welcome["offers"]:
            self.take(offer)

    def take(self, offer):
        self.served += 1
        if self.served % 11 == 0:
            return self.ignore_refusal("decline", None, {"offer": offer["offer"], "reason": "busy"})
        if self.served % 37 == 0:
            raise Gone("vanishes mid-offer")
        if not self.ignore_refusal("accept", None, {"offer": offer["offer"]}):
            return None
        if self.served % 41 == 0:
            raise Gone("vanishes at work")
        return self.serve(offer["conversation"]["id"])

    def serve(self, conversation):
        if self.served % 13 == 0:
            return self.ignore_refusal("transfer", None, {"conversation": conversation, "to": {"queue": "support"}})
        for kind, more in (("reply", {"text": "It left today."}), ("close", {"disposition": "solved"}), ("wrapped_up", {})):
            self.ignore_refusal(kind, None, {"conversation": conversation, **more})
        return None

    def ignore_refusal(self, kind, id, fields):
        """True: answered `ok`. A refusal is an answer too; `degraded` means: again, with the same id."""
        id = id or self.desk.new_id()
        self.pending = (kind, id, fields)
        while True:
            try:
                self.desk.command(kind, id=id, **fields)
                with self.ledger.lock:
                    self.ledger.commands.add((self.name, id))
                self.pending = None
                return True
            except Refused as refusal:
                self.harvest()
                if refusal.code not in ("degraded", "rate_limited"):
                    self.pending = None
                    return False
                with self.ledger.lock:
                    self.ledger.degraded += 1
                if self.load.stopping.wait(PAUSE):
                    raise Gone("told to stop")

    def next_offer(self):
        self.harvest()
        with self.desk.changed:
            for index, frame in enumerate(self.desk.frames):
                if frame["type"] in ("offer", "welcome"):
                    return self.desk.frames.pop(index)
            if self.desk.closed is not None:
                raise Gone(self.desk.closed)
            self.desk.changed.wait(0.3)
        return None

    def harvest(self):
        """Takes down what the frames say and drops those nobody waits for."""
        with self.desk.changed:
            frames, self.desk.frames = self.desk.frames, []
            self.desk.frames += [frame for frame in frames if frame["type"] in ("offer", "welcome", "ok", "error")]
        for frame in frames:
            if frame["type"] == "BROKEN":
                self.ledger.trouble(f"{self.name}: {frame['why']}")
            if frame["type"] == "assigned":
                with self.ledger.lock:
                    self.ledger.assignments.add((frame["conversation"]["id"], self.name))
