"""http.ingest: durable 202s a second of a real usherd against a bare Beast server that answers 202 to everything.

Both servers have core 0 to themselves and the load generator has core 1; 64 connections, the same generator, the same
request. Every slice of usherd begins with an empty data folder, and ends with an audit: as many messages in the journal as
were acknowledged, each once.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "deploy"))
from free_port import free_port  # noqa: E402

TOKEN = "bench-token-0123456789abcdef0123456789"
PATH = "/v1/channels/bench/messages"
CONFIG = """tenant: bench
http: {{listen: 127.0.0.1:{public}, public_url: http://127.0.0.1:{public}}}
ops: {{listen: 127.0.0.1:{ops}}}
connectors:
  bench: {{type: http, token_file: bench.token}}
queues: {{all: {{skills: {{english: 1}}}}}}
default_queue: all
agents:
  ana: {{name: Ana, skills: {{english: 5}}, capacity: {{other: 1, total: 1}}}}
"""


def on_core(core, *command):
    return ["taskset", "-c", str(core), *map(str, command)]


class Usherd:
    def __init__(self, options):
        self.folder = options.scratch / "http"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.port, ops = free_port(), free_port()
        (self.folder / "usher.yaml").write_text(CONFIG.format(public=self.port, ops=ops))
        token = self.folder / "bench.token"
        token.touch(mode=0o600)
        token.write_text(TOKEN)
        with open(self.folder / "usherd.log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(on_core(0, options.programs / "usherd", "run", "--config", self.folder / "usher.yaml",
                                                    "--data", self.folder / "data"), stdout=log, stderr=log)
        try:
            self.wait_ready(f"http://127.0.0.1:{ops}/readyz")
        except BaseException:
            self.process.kill()
            raise

    def wait_ready(self, url):
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(url, timeout=5):
                    with socket.create_connection(("127.0.0.1", self.port), 5):
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        raise RuntimeError(f"usherd did not start: {(self.folder / 'usherd.log').read_text()[-500:]}")

    def close(self, acknowledged):
        """Stops it and audits; returns the share of the messages that were also routed by then."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        with sqlite3.connect(self.folder / "data" / "usher.db") as database:
            there, once = database.execute("SELECT count(*), count(DISTINCT id) FROM inbound_0 "
                                           "WHERE type = 'usher.message.received.v1'").fetchone()
            routed, = database.execute("SELECT count(*) FROM bodies").fetchone()
        shutil.rmtree(self.folder)
        if not there == once == acknowledged:
            raise RuntimeError(f"acknowledged {acknowledged}, in the journal {there}, of them different {once}")
        return routed / there


def load(options, port, seconds):
    command = on_core(1, options.programs / "usher_bench_load", "--port", port, "--path", PATH, "--token", TOKEN,
                      "--connections", 64, "--seconds", seconds, "--prefix", f"{os.getpid()}-{time.time_ns()}-")
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError("the load generator failed")
    seen = json.loads(done.stdout)
    if seen["refused"]:
        raise RuntimeError(f"{seen['refused']} requests were refused")
    return seen


def measure(options):
    routed, latencies, figures = [], [], {"a": [], "b": []}
    responder = subprocess.Popen(on_core(0, options.programs / "usher_bench_responder"), stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
    port = int(responder.stdout.readline())

    def usher():
        server = Usherd(options)
        try:
            warm = load(options, server.port, 0.3)
            seen = load(options, server.port, options.seconds)
        except BaseException:
            server.process.kill()
            server.process.wait()
            raise
        routed.append(server.close(warm["accepted"] + seen["accepted"]))
        latencies.append(seen["p99_us"])
        return seen["rate"]

    def bare():
        load(options, port, 0.3)
        return load(options, port, options.seconds)["rate"]

    try:
        usher()
        bare()
        for _ in range(options.rounds):
            first_a, first_b, second_b, second_a = usher(), bare(), bare(), usher()
            figures["a"].append([first_a, second_a])
            figures["b"].append([first_b, second_b])
    finally:
        responder.stdin.close()
        responder.wait(10)
    return {**figures, "routed_meanwhile": round(statistics.median(routed), 3), "p99_us": round(statistics.median(latencies))}
