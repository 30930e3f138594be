"""How an agent's frames travel in tests: over a WebSocket, or with USHER_E2E_AGENTS=zmq over a ZeroMQ DEALER.

A link lives on the loop it is given; `take(frame)` gets each frame, `ended(code)` is told once when the session is over.
"""
import asyncio
import json
import os

PING_EVERY = 8
LAST_FRAMES_WITHIN = 0.2


def agents_over():
    """websocket or zmq."""
    chosen = os.environ.get("USHER_E2E_AGENTS", "websocket")
    assert chosen in ("websocket", "zmq"), f"USHER_E2E_AGENTS={chosen}: websocket or zmq"
    return chosen


async def open_link(world, take, ended):
    link = ZmqLink(take, ended) if agents_over() == "zmq" else WebSocketLink(take, ended)
    await link.open(world)
    return link


class WebSocketLink:
    def __init__(self, take, ended):
        self.take, self.ended = take, ended

    async def open(self, world):
        import websockets
        self.gone = websockets.ConnectionClosed
        self.socket = await websockets.connect(
            world.url.replace("http://", "ws://") + "/v1/agent", subprotocols=["usher.agent.v1"], open_timeout=10,
            ping_interval=None, max_size=4 * 1024 * 1024, close_timeout=2)
        self.reader = asyncio.ensure_future(self._read())

    async def _read(self):
        try:
            async for text in self.socket:
                self.take(json.loads(text))
        except self.gone:
            pass
        self.ended(self.socket.close_code)

    async def send(self, text):
        await self.socket.send(text)

    def abort(self):
        self.socket.transport.abort()


class ZmqLink:
    def __init__(self, take, ended):
        self.take, self.ended = take, ended
        self.tasks = []

    async def open(self, world):
        import zmq
        import zmq.asyncio
        self.socket = zmq.asyncio.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self.socket.connect(world.config["zmq"]["agents"])
        self.tasks = [asyncio.ensure_future(work()) for work in (self._read, self._watch, self._ping)]

    async def _read(self):
        while True:
            frame = json.loads(await self.socket.recv_string())
            if frame["type"] == "session_closed":
                return self._end(frame["code"])
            self.take(frame)

    async def _watch(self):
        # A DEALER dials again by itself, but the session ended with its connection.
        await self.monitor.recv_multipart()
        # The news of the end overtakes the last frames, which are here already.
        await asyncio.sleep(LAST_FRAMES_WITHIN)
        self._end(1006)

    async def _ping(self):
        while True:
            await asyncio.sleep(PING_EVERY)
            await self.socket.send_string('{"type":"ping"}')

    async def send(self, text):
        await self.socket.send_string(text)

    def abort(self):
        self._end(1006)

    def _end(self, code):
        if not self.tasks:
            return
        for task in self.tasks:
            task.cancel()
        self.tasks = []
        # Once the cancelled tasks have let go of the sockets.
        asyncio.get_event_loop().call_soon(self._close)
        self.ended(code)

    def _close(self):
        self.socket.disable_monitor()
        self.monitor.close(linger=0)
        self.socket.close(linger=0)
