"""Mail for end-to-end tests: a real IMAP server (Dovecot unless told otherwise) with the mailboxes of the company and of its
customers, and a submission server that delivers into them and can be told to refuse, to vanish, or to take a mail and not say so.
"""
import email
import email.policy
import email.utils
import imaplib
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
from email.message import EmailMessage

from servers import REPOSITORY
from world import WAIT_MAX, wait_for

DEPLOY = REPOSITORY / "deploy/mail"
sys.path.insert(0, str(DEPLOY))
from submission import Mailboxes, Submission  # noqa: E402

SUPPORT = "support@example.com"
USERS = ("support", "sales", "zoe", "max")


class MailServers:
    def __init__(self, server="dovecot", settings=None):
        """`settings(folder)`: what Dovecot's own.conf has to say."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="usher-e2e-mail-"))
        self.folder.chmod(0o711)  # Mail belongs to another user than root.
        self.server = server
        self.mailboxes = Mailboxes(self.folder / server, USERS, server)
        if settings:
            self.mailboxes.folder.mkdir()
            (self.mailboxes.folder / "own.conf").write_text(settings(self.mailboxes.folder))
        self.smtp = None
        try:
            self.start_imap()
            self.smtp = Submission(self.mailboxes, "support")
        except BaseException:
            self.close()
            raise

    def close(self):
        try:
            if self.smtp:
                self.smtp.close()
        finally:
            self.stop_imap()
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- the IMAP server --------------------------------------------------------------------------------------------
    def start_imap(self):
        self.mailboxes.start()

    def stop_imap(self):
        self.mailboxes.stop()

    def restart_imap(self):
        self.stop_imap()
        self.start_imap()

    def cut_connections(self):
        """Kills the processes that hold clients' connections, which the server itself survives; how many there were."""
        return self.end_connections(signal.SIGKILL)

    def say_goodbye(self):
        """Clients are told BYE, as before maintenance; let_in() ends that."""
        if self.server != "cyrus":  # That one tells nobody why its processes end.
            assert self.end_connections(signal.SIGTERM) > 0
            return
        self.cyrus_shutdown.parent.mkdir(exist_ok=True)
        self.cyrus_shutdown.parent.chmod(0o755)
        self.cyrus_shutdown.write_text("maintenance\n")

    def let_in(self):
        if self.server == "cyrus":
            self.cyrus_shutdown.unlink()

    @property
    def cyrus_shutdown(self):
        return self.mailboxes.folder / "state/msg/shutdown"

    def end_connections(self, how):
        session = int((self.mailboxes.folder / f"{self.server}.pid").read_text())
        killed = 0
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                # Behind the name, which may hold anything: state, parent, group, session.
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == session and (folder / "exe").readlink().name in ("imap", "imapd"):
                    os.kill(int(folder.name), how)
                    killed += 1
            except (FileNotFoundError, ProcessLookupError):
                continue
        return killed

    def number_anew(self, user):
        """The same mails under another UIDVALIDITY. Requires: the server is stopped."""
        if self.server == "cyrus":
            self.cyrus_files(user)
            return
        known = list(self.maildir(user).glob("dovecot*" if self.server == "dovecot" else "courierimapuiddb"))
        assert known, user
        for file in known:
            file.unlink()

    def cyrus_files(self, user):
        done = subprocess.run([DEPLOY / "cyrus", "reconstruct", "--folder", self.mailboxes.folder, "--user", user], capture_output=True,
                              text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return pathlib.Path(done.stdout.strip())

    def fill(self, user, message, count):
        """A mailbox of so many mails, all of them this one: one file with many names."""
        self.deliver(user, message)
        self.inbox(user)  # Courier has new mail elsewhere before somebody looked.
        self.stop_imap()
        if self.server == "cyrus":
            folder = self.cyrus_files(user)
            source = folder / "1."
            names = (f"{number}." for number in range(2, count + 1))
        else:
            folder = self.maildir(user) / "cur"
            source = next(one for part in ("cur", "new") for one in (self.maildir(user) / part).iterdir())
            names = (f"1700000000.M{number}P1.old:2," for number in range(2, count + 1))
        for name in names:
            (folder / name).hardlink_to(source)
        if self.server == "cyrus":
            self.cyrus_files(user)
        self.start_imap()

    def numbering(self, user, folder="INBOX"):
        with self.imap(user) as client:
            return client.status(self.folder_named(folder), "(UIDVALIDITY)")[1][0].rpartition(b"UIDVALIDITY ")[2].rstrip(b")")

    @property
    def addresses(self):
        return self.mailboxes.addresses

    def password(self, user):
        return self.mailboxes.password(user)

    def maildir(self, user):
        return self.mailboxes.folder / "mail" / user / "Maildir"

    def folder_named(self, name):
        """What the server calls a folder that people see under that name."""
        return name if self.server == "dovecot" or name == "INBOX" else "INBOX." + name

    def deliver(self, user, message):
        """As a mail server would put it there; returns its Message-ID."""
        data = message if isinstance(message, bytes) else message.as_bytes(policy=email.policy.SMTP)
        self.mailboxes.deliver(user, data)
        return None if isinstance(message, bytes) else message["Message-ID"]

    def imap(self, user):
        """Another client of the same mailbox."""
        where = self.addresses["imaps"].removeprefix("imaps://").split(":")
        client = imaplib.IMAP4_SSL("localhost", int(where[1]), ssl_context=ssl.create_default_context(cafile=self.addresses["ca_file"]))
        client.login(user, self.password(user))
        return client

    def inbox(self, user, folder="INBOX"):
        """What is there, oldest first, as (flags, mail)."""
        with self.imap(user) as client:
            if client.select(self.folder_named(folder), readonly=True)[0] != "OK":
                return []
            found = client.uid("SEARCH", "ALL")[1][0].split()
            out = []
            for uid in found:
                answer = client.uid("FETCH", uid, "(FLAGS BODY.PEEK[])")[1]
                pair = next((part for part in answer if isinstance(part, tuple)), None)
                if pair is None:
                    continue  # Moved away since it was found.
                # Flags stand before the mail or behind it.
                flags = pair[0] + b" ".join(part for part in answer if isinstance(part, bytes))
                out.append((flags.decode(), email.message_from_bytes(pair[1], policy=email.policy.default)))
            return out

    def move_away(self, user, place, folder):
        """Another client moves the mail at that place of the inbox, in the manner of those that know no MOVE."""
        with self.imap(user) as client:
            client.select("INBOX")
            uid = client.uid("SEARCH", "ALL")[1][0].split()[place]
            client.create(self.folder_named(folder))
            assert client.uid("COPY", uid, self.folder_named(folder))[0] == "OK"
            client.uid("STORE", uid, "+FLAGS", "(\\Deleted)")
            client.expunge()

    def make_folder(self, user, folder):
        with self.imap(user) as client:
            assert client.create(self.folder_named(folder))[0] == "OK"

    def file(self, user, message, folder):
        """Another client puts a mail into a folder."""
        with self.imap(user) as client:
            assert client.append(self.folder_named(folder), None, None, message.as_bytes(policy=email.policy.SMTP))[0] == "OK"

    def make_folder_anew(self, user, folder, moved_to):
        """Another client renames a folder, makes it again, and copies the newest mail back into it."""
        with self.imap(user) as client:
            names = [self.folder_named(name) for name in (folder, moved_to)]
            assert client.rename(*names)[0] == "OK"
            assert client.create(names[0])[0] == "OK"

            # Dovecot refuses now and then while Usher has the folder open that was renamed.
            def copied():
                return client.select(names[1])[0] == "OK" and client.copy("*", names[0])[0] == "OK"
            wait_for(copied, "the newest mail is copied back")

    def received(self, user, count=1, within=WAIT_MAX):
        """The mails of a customer's mailbox once there are so many."""
        wait_for(lambda: len(self.inbox(user)) >= count, f"{count} mails for {user}", within)
        return [mail for _, mail in self.inbox(user)]

    # --- settings ---------------------------------------------------------------------------------------------------
    def connector(self, world_secret, user="support", address=SUPPORT, **more):
        """`connectors: NAME:` of a mailbox here. `world_secret(name, text)` writes a secret file."""
        world_secret(f"{user}.password", self.password(user))
        world_secret("thread.secret", "a secret of the end-to-end tests")
        return {"type": "email", "address": address, "name": "Example Support", "thread_secret_file": "thread.secret",
                "imap_url": self.addresses["imaps"].replace("127.0.0.1", "localhost"), "smtp_url": self.smtp.url,
                "ca_file": self.addresses["ca_file"], "user": user, "password_file": f"{user}.password", "poll_every": "5s", **more}


def mail(sender, text, to=SUPPORT, subject="Order 4411", message_id=None, **headers):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = email.utils.formatdate(localtime=False)
    message["Message-ID"] = message_id or email.utils.make_msgid(domain="example.org")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def answer_to(received, text, sender, **headers):
    """What a mail program makes of Reply, with the quote below."""
    references = ((received["References"] or "") + " " + received["Message-ID"]).strip()
    quoted = "".join(f"> {line}\n" for line in received.get_body(("plain",)).get_content().splitlines())
    return mail(sender, f"{text}\n\nOn Sat, 21 Nov 2026, Example Support wrote:\n{quoted}", to=received["Reply-To"] or received["From"],
                subject="Re: " + received["Subject"], In_Reply_To=received["Message-ID"], References=references, **headers)


def bounce_of(returned, status="5.1.1", action="failed"):
    """RFC 3464, as Postfix writes it."""
    return (f"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.org (Mail Delivery System)\r\nTo: {SUPPORT}\r\n"
            f"Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMessage-ID: {email.utils.make_msgid()}\r\n"
            "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"B\"\r\n\r\n"
            "--B\r\nContent-Type: text/plain\r\n\r\nI could not deliver your message.\r\n"
            "--B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
            f"Final-Recipient: rfc822; zoe@example.org\r\nAction: {action}\r\nStatus: {status}\r\n"
            "Diagnostic-Code: smtp; 550 no such user here\r\n"
            f"--B\r\nContent-Type: message/rfc822\r\n\r\n").encode() + returned.as_bytes(policy=email.policy.SMTP) + b"\r\n--B--\r\n"

