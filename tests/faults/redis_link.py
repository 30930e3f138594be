"""Redis as the harness sees it: a connection that asks as the operator, and the Watch, which looks at what stands there."""
import socket
import threading
import time


class RedisLink:
    """One connection, one thread. Errors of the server and of the network are both OSError."""

    def __init__(self, address, password, user="usher-operator", timeout=5):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.stream = self.socket.makefile("rb")
        self.ask("AUTH", user, password)

    def ask(self, *words):
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        return self.answer()

    def answer(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("Redis ended the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise OSError(rest.decode())
        if kind == b"$":
            return self.stream.read(int(rest) + 2)[:-2] if rest != b"-1" else None
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest

    def close(self):
        self.stream.close()
        self.socket.close()


class Watch:
    """Reads the position and digest again and again: whatever stood in Redis for a moment is held against the fold later."""

    def __init__(self, share, ledger):
        self.share, self.ledger = share, ledger
        self.lock = threading.Lock()
        self.sightings = set()     # (epoch, offset, count, digest), as bytes.
        self.last = None           # The newest position, until it may go back.
        self.backwards = 0
        self.may_go_back = 0
        self.blind = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def link(self):
        return self.share.redis_link()

    def run(self):
        link = None
        while not self.stopping.wait(0.004):
            try:
                link = link or self.link()
                with self.lock:
                    if not self.blind:
                        self.note(link.ask("HMGET", self.share.key("meta"), "epoch", "offset", "count", "digest"))
            except (OSError, ValueError):  # Redis is down, or being damaged on purpose.
                if link:
                    link.close()
                link = None
                self.stopping.wait(0.05)
        if link:
            link.close()

    def note(self, fields):
        if None in fields:
            self.last = None
            return
        position = int(fields[0]), int(fields[1])
        if self.last and position < self.last and not self.may_go_back:
            self.backwards += 1
            self.ledger.trouble(f"the stored position went back from {self.last} to {position}")
        self.last = position
        if position[1] >= 0:
            self.sightings.add(tuple(fields))

    def expect_rollback(self):
        """As a context: Redis loses what it had, so positions go back."""
        return Raised(self, "may_go_back")

    def look_away(self):
        """As a context: what stands there is damaged on purpose, and says nothing about routers."""
        return Raised(self, "blind")

    def write(self, file):
        with self.lock:
            seen = sorted(self.sightings)
        file.write_bytes(b"".join(b" ".join(one) + b"\n" for one in seen))
        return len(seen)

    def close(self):
        self.stopping.set()
        self.thread.join(timeout=10)


class Raised:
    def __init__(self, watch, name):
        self.watch, self.name = watch, name

    def change(self, by):
        with self.watch.lock:
            setattr(self.watch, self.name, getattr(self.watch, self.name) + by)
            self.watch.last = None

    def __enter__(self):
        self.change(1)

    def __exit__(self, *_):
        self.change(-1)


def wait_until(look, within, every=0.05):
    """True once `look()` is; False when it is not in time."""
    end = time.monotonic() + within
    while not look():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True
