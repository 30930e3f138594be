#!/usr/bin/env python3
"""agent.py ENDPOINT: works a shift over ZeroMQ: takes what is offered, answers it, closes it. Ctrl-C ends the shift.

The token comes from USHER_TOKEN. With CURVE also USHER_SERVER_KEY, USHER_PUBLIC_KEY and USHER_SECRET_KEY (Z85).
The protocol is in docs/agents-over-zeromq.md. Needs Debian's python3-zmq.
"""
import json
import os
import sys
import time

import zmq

HELLO = {"type": "hello", "v": 1, "token": os.environ["USHER_TOKEN"]}


def dial(endpoint):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger = 500
    if "USHER_SERVER_KEY" in os.environ:
        socket.curve_serverkey = os.environ["USHER_SERVER_KEY"].encode()
        socket.curve_publickey = os.environ["USHER_PUBLIC_KEY"].encode()
        socket.curve_secretkey = os.environ["USHER_SECRET_KEY"].encode()
    socket.connect(endpoint)
    return socket


def work(endpoint):
    socket, expected = dial(endpoint), 0
    # An id names what is done: said again after a lost connection, it is done only once.
    command = lambda kind, about, **fields: socket.send_json({"type": kind, "id": f"{kind}-{about}", **fields})
    socket.send_json(HELLO)
    while True:
        if not socket.poll(2_000):  # Whom Usher does not hear for 25 seconds has no session.
            socket.send_json({"type": "ping"})
            continue
        frame = socket.recv_json()
        kind = frame["type"]
        if frame.get("code") in (4001, 4003):  # Replaced, or the token is no longer good. Any other end is not for ever.
            sys.exit(f"closed: {frame['code']} {frame['reason']}")
        if frame.get("code") == "hello_required" or frame.get("seq", expected) not in (0, expected):
            socket.send_json(HELLO)  # A lost connection or a lost frame: the next welcome is the whole truth.
        expected = frame["seq"] + 1 if "seq" in frame else expected
        if kind == "welcome":
            command("presence", time.time_ns(), state="available")
        for offer in frame.get("offers", [frame] if kind == "offer" else []):
            command("accept", offer["offer"], offer=offer["offer"])
        for one in frame.get("conversations", [frame["conversation"]] if kind == "assigned" else []):
            name, about = one["customer"]["display_name"] or "there", f"{one['id']}-{one['messages_total']}"
            command("reply", about, conversation=one["id"], text=f"Hello {name}, we have your message and are on it.")
            command("close", about, conversation=one["id"], disposition="answered")
            print(f"answered {one['id']}: {one['subject'] or one['channel']}", flush=True)


if __name__ == "__main__":
    try:
        work(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5570")
    except KeyboardInterrupt:
        pass
