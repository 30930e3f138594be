"""The servers of a run: one Kafka broker and one Redis for all tests, each test with topics and keys of its own.

Started by `run --backend kafka` through the project's own scripts, in one folder, and ended by them. A test learns of them
by the environment, as usherd would in production.
"""
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "deploy"))
from free_port import free_port  # noqa: E402

BROKER = REPOSITORY / "deploy/kafka/broker"
REDIS = REPOSITORY / "deploy/redis/server"

_numbers = itertools.count(1)


def backend():
    return os.environ.get("USHER_E2E_BACKEND", "embedded")


class Servers:
    """One broker and one Redis in a folder; `with Servers() as servers:`."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="usher-e2e-servers-"))
        self.password = self.folder / "redis/usher.password"
        self.kafka = self.redis = None
        # Given to this process, so that nobody takes them while a server is stopped.
        self.kafka_port, self.redis_port = free_port(), free_port()

    def __enter__(self):
        try:
            self.start_kafka()
            self.start_redis()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for program, part in ((BROKER, "kafka"), (REDIS, "redis")):
            if (self.folder / part).exists():
                self.stop(program, part)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_kafka(self):
        self.kafka = self.script(BROKER, "start", "kafka", "--port", str(self.kafka_port))

    def start_redis(self):
        self.redis = self.script(REDIS, "start", "redis", "--port", str(self.redis_port))

    def stop_kafka(self):
        self.stop(BROKER, "kafka")

    def stop_redis(self):
        self.stop(REDIS, "redis")

    def stop(self, program, part):
        subprocess.run([program, "stop", "--folder", self.folder / part], capture_output=True, timeout=120)

    def script(self, program, action, part, *more):
        done = subprocess.run([program, action, "--folder", self.folder / part, *more], capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise OSError(f"{program.name} {action}: {done.stderr.strip()}")
        return done.stdout.strip().splitlines()[-1]


def share_with_all(servers):
    """The servers of the run: what every test uses that has none of its own."""
    os.environ["USHER_E2E_KAFKA"] = servers.kafka
    os.environ["USHER_E2E_REDIS"] = servers.redis
    os.environ["USHER_E2E_REDIS_PASSWORD"] = str(servers.password)


class Share:
    """What one installation has of the servers: topics and keys that no other test touches. One for all its nodes."""

    def __init__(self, servers=None):
        """`servers`: those of one test alone; without them, the run's."""
        self.name = f"e2e-{os.getpid()}-{next(_numbers)}"
        self.brokers = servers.kafka if servers else os.environ["USHER_E2E_KAFKA"]
        self.redis = servers.redis if servers else os.environ["USHER_E2E_REDIS"]
        self.password = str(servers.password) if servers else os.environ["USHER_E2E_REDIS_PASSWORD"]
        self.ensured = False

    def configure(self, config):
        config["kafka"] = {"brokers": [self.brokers], "topic_prefix": self.name, "replication": 1}
        address = self.redis.removeprefix("redis://")
        config["redis"] = {"url": f"redis://usher@{address}", "key_prefix": f"usher:{self.name}",
                           "password_file": self.password}

    def ensure_topics(self, usherctl, config_file):
        if self.ensured:
            return
        done = subprocess.run([usherctl, "topics", "ensure", "--config", config_file], capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0, (done.stdout, done.stderr)
        self.ensured = True

    def produce(self, topic, value):
        """Bytes into a topic past every check of ours, as a stranger would put them there."""
        from confluent_kafka import Producer
        troubles = []
        producer = Producer({"bootstrap.servers": self.brokers})
        producer.produce(f"{self.name}.{topic}.v1", value=value, partition=0,
                         on_delivery=lambda error, _: troubles.append(error) if error else None)
        assert producer.flush(15) == 0 and not troubles, troubles

    def make_anew(self, *topics):
        """Deletes them and makes them again, as nobody should: all of them, when none is named."""
        from confluent_kafka.admin import AdminClient
        admin = AdminClient({"bootstrap.servers": self.brokers})
        prefix = self.name + "."
        mine = [name for name in admin.list_topics(timeout=15).topics
                if name.startswith(prefix) and (not topics or name.removeprefix(prefix).split(".")[0] in topics)]
        assert mine, topics
        for done in admin.delete_topics(mine, operation_timeout=20).values():
            done.result(timeout=30)
        end = time.monotonic() + 20
        while set(mine) & set(admin.list_topics(timeout=15).topics):
            assert time.monotonic() < end, mine
            time.sleep(0.05)
        self.ensured = False
