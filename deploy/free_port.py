"""Ports for servers that a script starts and whose address is written down before they listen."""
import contextlib
import fcntl
import os
import pathlib
import secrets
import socket
import tempfile
import threading

LOWEST = 20000
_given = set()
_lock = threading.Lock()
_noted = None


def note(port):
    """False: another process of this user was given it and lives. A byte of one file a port, locked until this process ends."""
    global _noted
    try:
        if _noted is None:
            _noted = os.open(pathlib.Path(tempfile.gettempdir()) / f"usher-ports-{os.getuid()}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return True  # Nowhere to note it: then the look at the port itself must do.
    with contextlib.suppress(BlockingIOError, PermissionError):
        fcntl.lockf(_noted, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        return True
    return False


def free_port():
    """A loopback port that nobody listens on and that no process of this user was given before and may still mean to use.

    Below the range from which the kernel takes ports for outgoing connections: between this look and the server's own bind, one
    of those might come to sit on it.
    """
    outgoing = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    highest = outgoing if outgoing > LOWEST + 1000 else 32768
    with _lock:
        for _ in range(1000):
            port = LOWEST + secrets.randbelow(highest - LOWEST)
            if port in _given or not note(port):
                continue
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            _given.add(port)
            return port
    raise RuntimeError(f"no free port between {LOWEST} and {highest}")
