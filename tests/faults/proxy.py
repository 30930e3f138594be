"""A line between a router and a server that can be cut one way: what is sent stays where it is until the line is mended."""
import socket
import threading

PIECE = 65536


class Proxy:
    """Listens on a free port of the loopback and passes everything on to `target`, host:port."""

    def __init__(self, target, port=0):
        host, target_port = target.rsplit(":", 1)
        self.target = (host, int(target_port))
        self.forth, self.back = threading.Event(), threading.Event()  # Set: the way is open.
        self.mend()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.sockets = set()
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def cut(self, way):
        """`forth`: what the client says does not arrive; `back`: the answers do not."""
        (self.forth if way == "forth" else self.back).clear()

    def mend(self):
        self.forth.set()
        self.back.set()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target, timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self.sockets |= {client, server}
            for source, target, way in ((client, server, self.forth), (server, client, self.back)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.carry, args=(source, target, way), daemon=True).start()

    def carry(self, source, target, way):
        try:
            while data := source.recv(PIECE):
                way.wait()
                target.sendall(data)
            way.wait()
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.sockets.discard(one)

    def close(self):
        self.mend()
        self.listener.close()
        for one in list(self.sockets):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
