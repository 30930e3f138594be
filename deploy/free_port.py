"""Ports for servers that a script starts and whose address is written down before they listen."""
import pathlib
import secrets
import socket
import threading

LOWEST = 20000
_given = set()
_lock = threading.Lock()


def free_port():
    """A loopback port that nobody listens on and that this process was not given before.

    Below the range from which the kernel takes ports for outgoing connections: between this look and the server's own bind, one
    of those might come to sit on it.
    """
    outgoing = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    highest = outgoing if outgoing > LOWEST + 1000 else 32768
    with _lock:
        for _ in range(1000):
            port = LOWEST + secrets.randbelow(highest - LOWEST)
            if port in _given:
                continue
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            _given.add(port)
            return port
    raise RuntimeError(f"no free port between {LOWEST} and {highest}")
