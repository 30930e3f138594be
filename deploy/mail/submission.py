"""A submission server for shows and tests: takes mails with STARTTLS and a password, and delivers them to mailboxes of a server
that deploy/mail/dovecot, cyrus or courier started. Not for the world: it knows its own mailboxes only.

`script` holds what to say to the next mails after their last dot, instead of taking them: an answer such as "451 4.3.0 later", or
"vanish": the mail is taken, and nothing is said; or "hold": the mail is taken, `held` is set, and the answer waits for `release`.
"""
import asyncio
import email
import email.utils
import logging
import os
import pathlib
import shutil
import smtplib
import ssl
import subprocess
import sys
import threading
import time
import uuid

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from free_port import free_port  # noqa: E402

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # It warns of itself.
HERE = pathlib.Path(__file__).resolve().parent


class Mailboxes:
    """An IMAP server in a folder of its own, with a mailbox for each of `users`: `server` is dovecot, cyrus or courier."""

    def __init__(self, folder, users, server="dovecot"):
        self.folder, self.users, self.server = pathlib.Path(folder), users, server
        self.addresses = {}

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "ports").exists():
            # Given to this process, which outlives the server's stops: nobody else takes them meanwhile.
            (self.folder / "ports").write_text(f"{free_port()} {free_port()}\n")
        words = [word for user in self.users for word in ("--user", user)]
        done = subprocess.run([HERE / self.server, "start", "--folder", self.folder, *words], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        self.addresses = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)

    def stop(self):
        subprocess.run([HERE / self.server, "stop", "--folder", self.folder], capture_output=True, timeout=60)

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
        {"dovecot": self._save, "cyrus": self._hand_over, "courier": self._put}[self.server](user, data)

    def _save(self, user, data):
        self.doveadm("save", "-u", user, body=data)

    def _hand_over(self, user, data):
        head = email.message_from_bytes(data)
        # The server writes it as the return path, and an empty one says that a machine sent the mail.
        sender = email.utils.parseaddr(head.get("Return-Path") or head.get("From", ""))[1]
        with smtplib.LMTP(str(self.folder.resolve() / "run/lmtp")) as lmtp:
            refused = lmtp.sendmail(sender, [user], data)
        if refused:
            raise RuntimeError(f"lmtp: {refused}")

    def _put(self, user, data):
        """As every program that delivers to a Maildir does: whole in tmp, then moved to new."""
        maildir = self.folder / "mail" / user / "Maildir"
        # Courier numbers what is new by name: by the seconds that it begins with, which it compares as a small number, then by the rest.
        seconds, rest = divmod(time.time_ns(), 10**9)
        name = f"{seconds}.M{rest:09}.{uuid.uuid4().hex}.delivered"
        (maildir / "tmp" / name).write_bytes(data.replace(b"\r\n", b"\n"))
        if os.geteuid() == 0:  # Then mail is another user's.
            shutil.chown(maildir / "tmp" / name, "nobody", "nogroup")
        (maildir / "tmp" / name).rename(maildir / "new" / name)


class Submission:
    """`sender`: the one user who may send."""

    def __init__(self, mailboxes, sender):
        self.mailboxes, self.sender = mailboxes, sender
        self.script = []
        self.taken = []  # (envelope sender, recipients, bytes)
        self.attempts = 0
        self.partings = 0  # Connections that are over.
        self.sender_refused = None  # What is said to MAIL FROM instead of taking it.
        self.held, self.release = threading.Event(), threading.Event()
        self.data_size_max = 60_000_000  # What it says it takes, from the next open() on.
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

        def parted():
            self.partings += 1

        class Server(SMTP):
            def connection_lost(self, error):
                parted()
                super().connection_lost(error)

        class Listener(Controller):
            def factory(self):
                return Server(self.handler, **self.SMTP_kwargs)

        self.controller = Listener(self, hostname="127.0.0.1", port=self.port, tls_context=context, require_starttls=True,
                                     authenticator=authenticate, auth_required=True, data_size_limit=self.data_size_max, enable_SMTPUTF8=True)
        self.controller.start()

    def close(self):
        if self.controller:
            self.controller.stop()
            self.controller = None

    async def handle_DATA(self, server, session, envelope):
        with self.lock:
            self.attempts += 1
            order = self.script.pop(0) if self.script else None
            if order and order not in ("vanish", "hold"):
                return order
            self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        for recipient in envelope.rcpt_tos:
            user = recipient.split("@")[0].split("+")[0]
            if user in self.mailboxes.users:
                head = f"Return-Path: <{envelope.mail_from or ''}>\r\nDelivered-To: {recipient}\r\n".encode()
                self.mailboxes.deliver(user, head + envelope.content)
        if order == "hold":
            self.held.set()
            await asyncio.to_thread(self.release.wait)
        if order == "vanish":
            server.transport.abort()
            return "421 gone"
        return "250 2.0.0 taken"

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.sender_refused:
            return self.sender_refused
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 fine"
