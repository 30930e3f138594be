"""A crash between the mail server's acceptance and our record of it, at each of its two moments: the mail goes once more, under the
same Message-ID and byte for byte, and no third time. With the report on its way to the disk, which must not have got there.
"""
import contextlib
import pathlib
import signal
import subprocess

from case import mostly_waits, only_on
from mail_case import MailCase
from mail_world import mail
from servers import Servers, Share
from world import wait_for

ZOE = "Zoe Lang <zoe@example.org>"


@contextlib.contextmanager
def disk_that_hangs(pid, folder):
    """Nothing that the process writes at a place of a file, and no sync, gets beyond its beginning."""
    calls = "pwrite64,fdatasync,fsync"
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-p", str(pid), "-e", f"trace={calls}", "-e", f"inject={calls}:delay_enter=120000000",
                               "-o", folder / "strace.log"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def attached():
        assert tracer.poll() is None, "strace ended: is tracing allowed here?"
        states = [path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/status")]
        return all("\nTracerPid:\t0\n" not in state for state in states)
    try:
        wait_for(attached, "strace is attached")
        yield
    finally:
        tracer.kill()
        tracer.wait()


class Crashes(MailCase):
    def held(self, share=None):
        """A world whose one reply the mail server has taken, and has not answered yet."""
        world, servers = self.mail_world(start=False, share=share)
        world.config["times"]["session_grace"] = "5m"  # The agent's work outlives two restarts.
        world.write_config()
        world.start()
        self.wait_connected(world)
        self.addCleanup(servers.smtp.release.set)
        ana = world.sign_in("ana")
        servers.smtp.script = ["hold"]
        servers.deliver("support", mail(ZOE, "One"))
        ana.reply(ana.take(), "Hello")
        wait_for(servers.smtp.held.is_set, "the server has the mail")
        return world, servers, ana

    def goes_once_more(self, world, servers, ana):
        world.start()
        wait_for(lambda: len(servers.smtp.taken) == 2, "the mail goes once more", 120)
        world.restart()  # In order, so that the second answer is on record, and nothing goes a third time.
        ana.connect()
        ana.available()
        servers.deliver("support", mail("Max <max@example.org>", "Two"))
        ana.reply(ana.take(), "Hello Max")
        servers.received("max")
        taken = [entry for entry in servers.smtp.taken if "zoe@example.org" in entry[1]]
        self.assertEqual(2, len(taken))
        self.assertEqual(taken[0][1:], taken[1][1:])
        first, second = servers.received("zoe", 2)
        self.assertEqual(first["Message-ID"], second["Message-ID"])
        self.assertEqual(3, servers.smtp.attempts)


class CrashesAfterTheText(Crashes):
    @mostly_waits
    def test_a_process_that_dies_before_the_servers_answer_sends_the_mail_once_more_under_the_same_id(self):
        world, servers, ana = self.held()
        world.kill()
        servers.smtp.release.set()
        self.goes_once_more(world, servers, ana)


@only_on("embedded")
class CrashesBeforeTheDisk(Crashes):
    @mostly_waits
    def test_a_process_that_dies_behind_the_servers_answer_and_before_its_record_sends_the_mail_once_more_under_the_same_id(self):
        world, servers, ana = self.held()
        before = servers.smtp.partings
        with disk_that_hangs(world.process.pid, world.folder):
            servers.smtp.release.set()
            # It parts when it has the answer, so all that is missing is the record.
            wait_for(lambda: servers.smtp.partings > before, "the answer has arrived", 30)
            # Its end is seen by strace first, which waits with it for the disk.
            world.signal(signal.SIGKILL)
        world.kill()
        self.assertEqual([], [frame for frame in ana.seen("delivery") if frame["state"] == "sent"])
        self.goes_once_more(world, servers, ana)


@only_on("kafka")
class CrashesWhileKafkaIsAway(Crashes):
    """With servers of its own, which other tests do not need."""

    @mostly_waits
    def test_a_process_that_dies_behind_the_servers_answer_while_kafka_is_away_sends_the_mail_once_more_under_the_same_id(self):
        own = Servers()
        self.addCleanup(own.__exit__)
        world, servers, ana = self.held(Share(own.__enter__()))
        before = servers.smtp.partings
        own.stop_kafka()
        servers.smtp.release.set()
        wait_for(lambda: servers.smtp.partings > before, "the answer has arrived", 30)
        # However long that lasts: the record of the answer waits for the journal.
        world.kill()
        own.start_kafka()
        self.goes_once_more(world, servers, ana)
