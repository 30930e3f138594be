"""The benchmarks of the server form: starts a Kafka broker and a Redis for them, runs the programs, ends both.

Both servers are what deploy/ starts: one broker with one replica, Redis with its append-only file synced each second, here
on a unix socket. They, Usher and the load share all cores, in both halves of a comparison alike.
"""
import contextlib
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from servers import REDIS, Servers  # noqa: E402 (the path comes first)

SLICE_MAX = 600


class BenchServers(Servers):
    """One broker and one Redis, on a socket of its own."""

    def start_redis(self):
        self.redis = self.script(REDIS, "start", "redis", "--unix")

    def words(self):
        """How a program is told where they are."""
        return ["--brokers", self.kafka, "--broker-pid", (self.folder / "kafka/pid").read_text().strip(),
                "--redis-socket", self.redis.removeprefix("unix://"), "--redis-folder", self.folder / "redis"]


def figures_of(options, name, *words):
    done = subprocess.run([options.programs / name, *map(str, words)], stdout=subprocess.PIPE, text=True,
                          timeout=SLICE_MAX * (options.rounds + 1))
    if done.returncode != 0:
        raise RuntimeError(f"{name} {words[0]} failed")
    return json.loads(done.stdout)


@contextlib.contextmanager
def servers():
    with BenchServers() as started:
        yield started


def program(name, what):
    """One program that does all rounds itself."""
    def measure(options):
        with servers() as started:
            return figures_of(options, name, what, *started.words(), "--rounds", options.rounds, "--seconds", options.seconds,
                              "--waiting", options.waiting)
    return measure
