"""The quickstart's agents: programs that speak usher.agent.v1 over WebSocket, take what they are offered and answer it.

Shows in a hundred lines all that an agent's program has to do; docs/agent-protocol.md is the reference.
"""
import asyncio
import itertools
import json

import websockets

ANSWERS = {
    "support": "Thank you for writing. I am looking at it right now.",
    "billing": "Your refund is on its way; it takes two working days.",
    "french": "Bonjour ! Votre colis part aujourd'hui.",
}


class Agent:
    """One signed-in session. Commands carry ids; an `ok` or `error` frame with the id is their outcome."""

    def __init__(self, name, token):
        self.name, self.token = name, token
        self.numbers = itertools.count(1)
        self.waiting = {}
        self.offers = asyncio.Queue()
        self.assigned = {}

    async def sign_in(self, url):
        self.socket = await websockets.connect(url, subprotocols=["usher.agent.v1"], max_size=1 << 22)
        await self.socket.send(json.dumps({"type": "hello", "v": 1, "token": self.token}))
        welcome = json.loads(await self.socket.recv())
        if welcome.get("type") != "welcome":
            raise RuntimeError(f"{self.name} is not welcome: {welcome}")
        self.reader = asyncio.create_task(self._read())

    async def _read(self):
        async for text in self.socket:
            frame = json.loads(text)
            kind = frame.get("type")
            if kind == "offer":
                self.offers.put_nowait(frame)
            elif kind == "assigned":
                self._future(self.assigned, frame["conversation"]["id"]).set_result(frame["conversation"])
            elif kind in ("ok", "error") and frame.get("id") in self.waiting:
                self.waiting.pop(frame["id"]).set_result(frame)

    @staticmethod
    def _future(futures, key):
        return futures.setdefault(key, asyncio.get_running_loop().create_future())

    async def command(self, kind, **fields):
        command_id = f"{self.name}-{next(self.numbers)}"
        outcome = self._future(self.waiting, command_id)
        await self.socket.send(json.dumps({"type": kind, "id": command_id, **fields}))
        frame = await asyncio.wait_for(outcome, 15)
        if frame["type"] == "error":
            raise RuntimeError(f"{self.name} {kind}: {frame['code']} {frame.get('message', '')}")

    async def sign_out(self):
        await self.command("presence", state="offline", reason="end of the show")
        await self.socket.close()
        await self.reader


async def work(agent, url, taken, started):
    """Signs in, says it is available, and takes every offer: notes it in `taken`, answers, closes."""
    await agent.sign_in(url)
    await agent.command("presence", state="available")
    started.set()
    while True:
        offer = await agent.offers.get()
        one = {"agent": agent.name, "offer": offer}
        taken.append(one)
        await agent.command("accept", offer=offer["offer"])
        wanted = offer["conversation"]["id"]
        conversation = await asyncio.wait_for(agent._future(agent.assigned, wanted), 15)
        await agent.command("reply", conversation=wanted, text=ANSWERS[conversation["queue"]])
        await agent.command("close", conversation=wanted, disposition="answered")
        one["answered"] = True


async def work_all(url, tokens, wanted, within=30):
    """Lets one agent after the other come to work until `wanted` conversations are answered; the offers, in order."""
    taken = []
    agents = [Agent(name, token) for name, token in tokens.items()]
    shifts = []
    try:
        for agent in agents:
            started = asyncio.Event()
            shifts.append(asyncio.create_task(work(agent, url, taken, started)))
            comes = asyncio.create_task(started.wait())
            await asyncio.wait({comes, shifts[-1]}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
            comes.cancel()
        end = asyncio.get_running_loop().time() + within
        while sum("answered" in one for one in taken) < wanted and asyncio.get_running_loop().time() < end:
            broken = [shift for shift in shifts if shift.done()]
            if broken:
                broken[0].result()
            await asyncio.sleep(0.05)
        return taken
    finally:
        for shift in shifts:
            shift.cancel()
        await asyncio.gather(*shifts, return_exceptions=True)
        await asyncio.gather(*(agent.sign_out() for agent in agents if hasattr(agent, "reader")), return_exceptions=True)
