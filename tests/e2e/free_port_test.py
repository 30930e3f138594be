"""Ports that tests and scripts take before the server that is to listen there."""
import subprocess
import sys
import unittest

from servers import REPOSITORY
from world import free_port


class FreePorts(unittest.TestCase):
    def test_no_two_processes_are_given_the_same_port_while_both_live(self):
        mine = {free_port() for _ in range(300)}
        self.assertEqual(300, len(mine))
        ask = "from free_port import free_port\nfor _ in range(2000): print(free_port())"
        done = subprocess.run([sys.executable, "-B", "-c", ask], cwd=REPOSITORY / "deploy", capture_output=True, text=True, timeout=60)
        theirs = {int(line) for line in done.stdout.split()}
        self.assertEqual((0, 2000), (done.returncode, len(theirs)), done.stderr)
        self.assertEqual(set(), mine & theirs)
