"""A proxy that ends TLS before usherd, as an operator's would; with an authority of its own for one test."""
import pathlib
import socket
import ssl
import subprocess
import threading


def openssl(folder, *words):
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


class Authority:
    """Signs certificates; `file` is what its friends trust."""

    def __init__(self, folder, name):
        self.folder, self.name = pathlib.Path(folder), name
        self.file = self.folder / f"{name}.pem"
        openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")

    def certificate(self, names):
        """A certificate and its key, as files; `names` as in subjectAltName."""
        extensions = self.folder / "names.cnf"
        extensions.write_text(f"subjectAltName={names}\n")
        openssl(self.folder, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-subj", "/CN=usher", "-keyout", "server.key", "-out", "server.csr")
        openssl(self.folder, "x509", "-req", "-in", "server.csr", "-CA", f"{self.name}.pem", "-CAkey", f"{self.name}.key",
                "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", "server.pem")
        return self.folder / "server.pem", self.folder / "server.key"


class TlsProxy:
    """Passes what comes on to a port of this machine; `received` counts what got through the handshake."""

    def __init__(self, target_port, certificate, key, newest=ssl.TLSVersion.TLSv1_3, oldest=ssl.TLSVersion.TLSv1_2):
        self.target = target_port
        self.received = 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.minimum_version, self.context.maximum_version = oldest, newest
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.listener.close()

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(plain,), daemon=True).start()

    def carry(self, plain):
        try:
            with self.context.wrap_socket(plain, server_side=True) as outside, \
                    socket.create_connection(("127.0.0.1", self.target)) as inside:
                back = threading.Thread(target=self.pump, args=(inside, outside, False), daemon=True)
                back.start()
                self.pump(outside, inside, True)
                back.join()
        except OSError:
            pass  # A refused handshake, or somebody hung up: what is tested is the other side.

    def pump(self, source, target, count):
        try:
            while chunk := source.recv(16 * 1024):
                self.received += len(chunk) if count else 0
                target.sendall(chunk)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
