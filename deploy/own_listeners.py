"""own_listeners.py SESSION PORT...: waits until processes of that session (`setsid`) listen on all of these loopback ports.

0: they do. 1: its first process ended. 2: nobody listens in time. 3: somebody else listens on one of them, so these never will.

Whoever answers on a port need not be the server that was just started there: of two that chose the same one, the second would be
taken for running, with the first one's passwords.
"""
import contextlib
import os
import pathlib
import socket
import sys
import time

WAIT_MAX = 20
LISTENING = "0A"


def as_listed(address):
    return f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}"


def listeners(ports):
    """The numbers of the sockets that listen on each of the ports, by whomever."""
    found = {port: set() for port in ports}
    ours = (as_listed("127.0.0.1"), as_listed("0.0.0.0"))
    for table in ("tcp", "tcp6"):
        path = pathlib.Path("/proc/net", table)
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            fields = line.split()
            address, port = fields[1].split(":")
            # Of IPv6, what takes IPv4 as well ends like it.
            if fields[3] == LISTENING and address[-8:] in ours and int(port, 16) in found:
                found[int(port, 16)].add(fields[9])
    return found


@contextlib.contextmanager
def eyes_of_owner(folder):
    """Root in a container may look into its own processes only, but may be somebody else for a moment."""
    owner, me = folder.stat(), (os.getegid(), os.geteuid())
    if me[1] == 0:
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(me[1])
        os.setegid(me[0])


def fields_of(folder):
    """State, parent, group, session and so on of a process."""
    return (folder / "stat").read_text().rpartition(")")[2].split()


def sockets_of(session):
    found = set()
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        # One that ends while it is looked at has nothing.
        with contextlib.suppress(OSError):
            if int(fields_of(folder)[3]) != session:
                continue
            with eyes_of_owner(folder):
                links = [os.readlink(link) for link in (folder / "fd").iterdir()]
            found.update(link[len("socket:["):-1] for link in links if link.startswith("socket:["))
    return found


def look(session, ports):
    state, leads = "X", False
    with contextlib.suppress(OSError):
        state, _, _, of = fields_of(pathlib.Path("/proc", str(session)))[:4]
        leads = int(of) == session
    if state in "ZX":
        return 1
    # Before, its program does not run yet, and who wants to end it by its session cannot.
    if not leads:
        return None
    listening = listeners(ports)
    found = sockets_of(session)
    if all(listening[port] & found for port in ports):
        return 0
    return 3 if any(listening[port] and not listening[port] & found for port in ports) else None


def main():
    session, *ports = map(int, sys.argv[1:])
    until = time.monotonic() + WAIT_MAX
    while time.monotonic() < until:
        verdict = look(session, ports)
        if verdict is not None:
            return verdict
        time.sleep(0.02)
    return 2


if __name__ == "__main__":
    sys.exit(main())
