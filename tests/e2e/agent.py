"""An agent's desk for tests: usher.agent.v1 with blocking calls, over what agent_links.py says.

Every frame's `seq` is checked to be the next one, so each test also proves that nothing is lost or repeated on the way.
"""
import asyncio
import itertools
import json
import threading
import time
import urllib.parse

from agent_links import open_link
from world import WAIT_MAX, request

_loop = asyncio.new_event_loop()
threading.Thread(target=_loop.run_forever, daemon=True).start()


def on_loop(coroutine, within=WAIT_MAX):
    return asyncio.run_coroutine_threadsafe(coroutine, _loop).result(within)


class Refused(AssertionError):
    def __init__(self, frame):
        super().__init__(f"refused: {frame}")
        self.code = frame.get("code")


class Agent:
    _numbers = itertools.count()

    def __init__(self, world, name, token):
        self.world, self.name, self.token = world, name, token
        self.changed = threading.Condition()
        self.frames = []
        self.link = None
        self.closed = None  # The close code once the server or the network ended the session.
        self.welcome = None

    # --- the session ------------------------------------------------------------------------------------------------
    def connect(self, hello=True):
        with self.changed:
            self.link, self.frames, self.closed, self.next_seq = None, [], None, 0
            self.dialled = dialled = object()
        link = on_loop(open_link(self.world, lambda frame: self._take(dialled, frame),
                                 lambda code: self._ended(dialled, code)))
        with self.changed:
            self.link = link
        if hello:
            self.raw({"type": "hello", "v": 1, "token": self.token})
            self.welcome = self.expect("welcome")
            assert self.welcome["agent"] == self.name, self.welcome
        return self.welcome

    def _ended(self, dialled, code):
        with self.changed:
            if dialled is self.dialled:
                self.closed = code
            self.changed.notify_all()

    def _take(self, dialled, frame):
        with self.changed:
            if dialled is not self.dialled:
                return  # What was still on its way when this desk dialled anew.
            if frame.get("type") == "welcome":
                self.next_seq = 0
            if "seq" in frame:
                if frame["seq"] != self.next_seq:
                    frame = {"type": "BROKEN", "why": f"seq {frame['seq']} where {self.next_seq} was next",
                             "frame": frame}
                self.next_seq += 1
            self.frames.append(frame)
            self.changed.notify_all()

    def vanish(self):
        """The network is gone: no close frame, no goodbye."""
        _loop.call_soon_threadsafe(self.link.abort)

    def drop(self):
        if self.link is not None and self.closed is None:
            _loop.call_soon_threadsafe(self.link.abort)

    # --- frames -----------------------------------------------------------------------------------------------------
    def raw(self, frame):
        text = frame if isinstance(frame, str) else json.dumps(frame)
        on_loop(self.link.send(text))

    def expect(self, kind, within=WAIT_MAX, fits=lambda frame: True):
        """Takes the first frame of this kind that fits; frames of other kinds stay for later."""
        end = time.monotonic() + within
        with self.changed:
            while True:
                for index, frame in enumerate(self.frames):
                    assert frame["type"] != "BROKEN", frame
                    if frame["type"] == kind and fits(frame):
                        return self.frames.pop(index)
                left = end - time.monotonic()
                if left <= 0 or (self.closed is not None and not self.changed.wait(0.05)):
                    raise AssertionError(f"{self.name}: no {kind} within {within} s (closed: {self.closed}); "
                                         f"there are {self.frames}")
                self.changed.wait(left)

    def expect_closed(self, code, within=WAIT_MAX):
        end = time.monotonic() + within
        with self.changed:
            while self.closed is None:
                left = end - time.monotonic()
                assert left > 0, f"{self.name}: still open after {within} s"
                self.changed.wait(left)
        assert self.closed == code, f"{self.name}: closed with {self.closed}, not {code}"

    def seen(self, kind):
        with self.changed:
            return [frame for frame in self.frames if frame["type"] == kind]

    def settle(self):
        """Returns once everything decided before this call has reached the agent: the journal has one order."""
        self.command("presence", state=self.presence, reason="settle")

    # --- commands ---------------------------------------------------------------------------------------------------
    def new_id(self):
        return f"{self.name}-{next(self._numbers)}"

    def outcome(self, command_id, within=WAIT_MAX):
        """The `ok` frame of a command, or Refused with the code of its `error`."""
        end = time.monotonic() + within
        with self.changed:
            while True:
                for index, frame in enumerate(self.frames):
                    if frame.get("id") == command_id and frame["type"] in ("ok", "error"):
                        self.frames.pop(index)
                        if frame["type"] == "error":
                            raise Refused(frame)
                        return frame
                left = end - time.monotonic()
                assert left > 0 and self.closed is None, f"{self.name}: {command_id} was never answered; {self.frames}"
                self.changed.wait(left)

    def command(self, kind, id=None, **fields):
        command_id = id or self.new_id()
        self.raw({"type": kind, "id": command_id, **fields})
        return self.outcome(command_id)

    def available(self):
        self.presence = "available"
        self.command("presence", state="available")

    def away(self):
        self.presence = "away"
        self.command("presence", state="away", reason="lunch")

    def offer(self, within=WAIT_MAX):
        return self.expect("offer", within)

    def take(self, within=WAIT_MAX):
        """Accepts the next offer; returns the conversation as assigned."""
        offer = self.offer(within)
        self.command("accept", offer=offer["offer"])
        return self.expect("assigned", fits=lambda f: f["conversation"]["id"] == offer["conversation"]["id"])["conversation"]

    def upload(self, name, data, type="application/octet-stream"):
        """The file's description, for a reply to repeat."""
        answer = request("POST", f"{self.world.url}/v1/blobs?{urllib.parse.urlencode({'name': name})}", body=data,
                         headers={"Authorization": f"Bearer {self.token}", "Content-Type": type})
        assert answer.status == 201, answer
        return answer.json()

    def reply(self, conversation, text, id=None, files=()):
        more = {"attachments": list(files)} if files else {}
        return self.command("reply", id=id, conversation=conversation["id"], text=text, **more)

    def close_conversation(self, conversation, disposition="solved"):
        return self.command("close", conversation=conversation["id"], disposition=disposition)
