"""Ports that tests and scripts take before the server that is to listen there."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from case import only_on
from mail_world import Mailboxes, MailServers
from servers import REPOSITORY
from world import free_port

# In the place of deploy/free_port.py: gives what is in `given` first.
SAME_PORTS = """import pathlib
from other_free_port import free_port as other
given = pathlib.Path(__file__).with_name("given")
def free_port():
    first, *rest = given.read_text().split() or [other()]
    given.write_text(" ".join(rest))
    return int(first)
"""


class FreePorts(unittest.TestCase):
    def test_no_two_processes_are_given_the_same_port_while_both_live(self):
        mine = {free_port() for _ in range(300)}
        self.assertEqual(300, len(mine))
        ask = "from free_port import free_port\nfor _ in range(2000): print(free_port())"
        done = subprocess.run([sys.executable, "-B", "-c", ask], cwd=REPOSITORY / "deploy", capture_output=True, text=True, timeout=60)
        theirs = {int(line) for line in done.stdout.split()}
        self.assertEqual((0, 2000), (done.returncode, len(theirs)), done.stderr)
        self.assertEqual(set(), mine & theirs)

    def test_the_ports_of_a_mail_server_that_is_stopped_are_given_to_nobody_else(self):
        servers = MailServers()
        self.addCleanup(servers.close)
        servers.stop_imap()
        ports = [servers.addresses[door].rpartition(":")[2] for door in ("imap", "imaps")]
        ask = f"from free_port import note\nprint(*(note(port) for port in ({', '.join(ports)})))"
        done = subprocess.run([sys.executable, "-B", "-c", ask], cwd=REPOSITORY / "deploy", capture_output=True, text=True, timeout=60)
        self.assertEqual("False False", done.stdout.strip(), done.stderr)


@only_on("embedded")
class OnePortForTwoMailServers(unittest.TestCase):
    server = "cyrus"

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="usher-e2e-ports-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o711)
        self.first = Mailboxes(self.folder / "first", ["support"], self.server)
        self.addCleanup(self.first.stop)
        self.first.start()
        self.ports = [self.first.addresses[name].rpartition(":")[2] for name in ("imap", "imaps")]

    def start(self, script):
        """The other one, and the ports that it says it has."""
        other = self.folder / "other"
        self.addCleanup(subprocess.run, [script, "stop", "--folder", other], capture_output=True, timeout=60)
        done = subprocess.run([script, "start", "--folder", other], capture_output=True, text=True, timeout=60)
        lines = dict(line.split(" ", 1) for line in done.stdout.splitlines())
        return done, [lines.get(name, "").rpartition(":")[2] for name in ("imap", "imaps")]

    def is_whole(self):
        """The first one still answers, and nothing of the other one is left when it did not start."""
        self.assertEqual(0, subprocess.run([REPOSITORY / "deploy/mail" / self.server, "start", "--folder", self.first.folder], capture_output=True,
                                           timeout=60).returncode)

    def test_who_keeps_ports_that_are_another_ones_does_not_say_that_it_runs(self):
        (self.folder / "other").mkdir()
        for mine in (self.ports, [str(free_port()), self.ports[1]]):
            (self.folder / "other/ports").write_text(" ".join(mine) + "\n")
            done, _ = self.start(REPOSITORY / "deploy/mail" / self.server)
            self.assertEqual(70, done.returncode, done)
            self.assertFalse((self.folder / f"other/{self.server}.pid").exists())
            self.is_whole()

    def test_who_chose_the_ports_of_another_one_chooses_again(self):
        deploy = self.folder / "deploy"
        shutil.copytree(REPOSITORY / "deploy", deploy)
        (deploy / "free_port.py").rename(deploy / "other_free_port.py")
        (deploy / "free_port.py").write_text(SAME_PORTS)
        (deploy / "given").write_text(" ".join(self.ports))
        done, ports = self.start(deploy / "mail" / self.server)
        self.assertEqual(0, done.returncode, done)
        self.assertEqual(2, len(set(ports) - set(self.ports)), ports)
        self.is_whole()


@only_on("embedded")
class OnePortForTwoCouriers(OnePortForTwoMailServers):
    server = "courier"
