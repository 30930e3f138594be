"""A submission server for shows and tests: takes mails with STARTTLS and a password, and delivers them to mailboxes of a Dovecot
that deploy/mail/dovecot started. Not for the world: it knows its own mailboxes only.

`script` holds what to say to the next mails after their last dot, instead of taking them: an answer such as "451 4.3.0 later", or
"vanish": the mail is taken, and nothing is said.
"""
import logging
import pathlib
import ssl
import subprocess
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from free_port import free_port  # noqa: E402

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # It warns of itself.
DOVECOT = pathlib.Path(__file__).resolve().with_name("dovecot")


class Mailboxes:
    """A Dovecot in a folder of its own, with a mailbox for each of `users`."""

    def __init__(self, folder, users):
        self.folder, self.users = pathlib.Path(folder), users
        self.addresses = {}

    def start(self):
        words = [word for user in self.users for word in ("--user", user)]
        done = subprocess.run([DOVECOT, "start", "--folder", self.folder, *words], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        self.addresses = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)

    def stop(self):
        subprocess.run([DOVECOT, "stop", "--folder", self.folder], capture_output=True, timeout=60)

    def password(self, user):
        for line in pathlib.Path(self.addresses["users_file"]).read_text().splitlines():
            if line.startswith(user + ":"):
                return line.split("}", 1)[1].split(":", 1)[0]
        raise KeyError(user)

    def doveadm(self, *words, body=None):
        done = subprocess.run(["doveadm", "-c", self.folder / "dovecot.conf", *words], input=body, capture_output=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"doveadm {words}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def deliver(self, user, data):
        self.doveadm("save", "-u", user, body=data)


class Submission:
    """`sender`: the one user who may send."""

    def __init__(self, mailboxes, sender):
        self.mailboxes, self.sender = mailboxes, sender
        self.script = []
        self.taken = []  # (envelope sender, recipients, bytes)
        self.attempts = 0
        self.lock = threading.Lock()
        self.controller = None
        self.port = free_port()
        self.url = f"smtp://localhost:{self.port}"
        self.open()

    def open(self):
        folder = self.mailboxes.folder
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")

        def authenticate(server, session, envelope, mechanism, data):
            good = data.login.decode() == self.sender and data.password.decode() == self.mailboxes.password(self.sender)
            return AuthResult(success=good, handled=False)

        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, tls_context=context, require_starttls=True,
                                     authenticator=authenticate, auth_required=True, data_size_limit=60_000_000, enable_SMTPUTF8=True)
        self.controller.start()

    def close(self):
        if self.controller:
            self.controller.stop()
            self.controller = None

    async def handle_DATA(self, server, session, envelope):
        with self.lock:
            self.attempts += 1
            order = self.script.pop(0) if self.script else None
            if order and order != "vanish":
                return order
            self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        for recipient in envelope.rcpt_tos:
            user = recipient.split("@")[0].split("+")[0]
            if user in self.mailboxes.users:
                head = f"Return-Path: <{envelope.mail_from or ''}>\r\nDelivered-To: {recipient}\r\n".encode()
                self.mailboxes.deliver(user, head + envelope.content)
        if order == "vanish":
            server.transport.abort()
            return "421 gone"
        return "250 2.0.0 taken"
