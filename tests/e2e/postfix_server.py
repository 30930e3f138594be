"""A real Postfix in front of the mailboxes of a test."""
import shutil
import smtplib
import subprocess

from mail_world import DEPLOY, USERS
from servers import free_port


class Postfix:
    """It puts mail into mailboxes as files, as Dovecot and Courier have them, for the company and its customers and for nobody else."""

    def __init__(self, servers):
        self.folder = servers.folder / "postfix"
        boxes = self.folder / "mail"
        boxes.mkdir(parents=True)
        for name in ("server.pem", "server.key"):  # One authority is believed by usherd.
            shutil.copy(servers.mailboxes.folder / name, self.folder)
        self.addresses = {user: f"{user}@example.{'com' if user in ('support', 'sales') else 'org'}" for user in USERS}
        for user, address in self.addresses.items():
            servers.inbox(user)  # Its folders are there from now on.
            (boxes / address).symlink_to(servers.maildir(user))
        self.port = free_port()  # Given to this process, so that nobody takes it while the server is stopped.
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        words = [word for address in self.addresses.values() for word in ("--mailbox", address)]
        done = subprocess.run([DEPLOY / "postfix", "start", "--folder", self.folder, "--port", str(self.port), *words], capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stderr
        self.url = done.stdout.strip()

    def stop(self):
        subprocess.run([DEPLOY / "postfix", "stop", "--folder", self.folder], capture_output=True, timeout=60)

    close = stop

    def send(self, message):
        """As the customer's server would."""
        with smtplib.SMTP("localhost", int(self.url.rpartition(":")[2])) as client:
            client.send_message(message)
