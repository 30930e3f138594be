"""Kafka or Redis away, missing at the start, or not as they must be: what customers, agents and operators see of it."""
import subprocess

from case import EndToEnd, only_on
from servers import Servers, Share
from world import PROGRAMS, request, wait_for


def patient(config):
    config["times"].update(offer_timeout="60s", session_grace="60s")


@only_on("kafka")
class Outages(EndToEnd):
    """With servers of their own, which other tests do not need."""

    def servers(self):
        servers = Servers()
        self.addCleanup(servers.__exit__)
        return servers

    def test_while_redis_is_away_input_is_taken_and_nothing_is_lost_rule_S3(self):
        servers = self.servers().__enter__()
        world = self.world(patient, share=Share(servers))
        ana = world.sign_in("ana")
        self.accepted(world.post("Before", key="before", sender="u1"))
        held = ana.take()
        servers.stop_redis()
        ids = [self.accepted(world.post(f"During {n}", key=f"d{n}", sender=f"d{n}"))["id"] for n in range(5)]
        wait_for(lambda: not world.ready(), "the router's trouble shows in its readiness")
        self.assertIn("router", request("GET", world.ops + "/readyz").json()["reason"])
        ana.expect("service", fits=lambda f: f["state"] == "degraded")
        servers.start_redis()
        wait_for(world.ready, "routing goes on", 30)
        self.assertEqual(5, len(set(ids)))
        wait_for(lambda: len(world.operate("GET", "/v1/conversations?limit=50").json()["conversations"]) == 6,
                 "all that was taken meanwhile")
        ana.reply(held, "Still mine")
        self.assertIn("Still mine", [m["text"] for m in world.outbox()["messages"]])

    def test_while_kafka_is_away_input_is_refused_with_a_time_to_try_again_rule_J1(self):
        servers = self.servers().__enter__()
        world = self.world(patient, share=Share(servers))
        ana = world.sign_in("ana")
        self.accepted(world.post("Before", key="before", sender="u1"))
        ana.take()
        servers.stop_kafka()
        refused = world.post("During", key="during", sender="u2")
        self.assertEqual(503, refused.status, refused)
        self.assertGreater(int(refused.headers["retry-after"]), 0)
        reason = wait_for(lambda: self.journal_trouble(world), "readiness says what customers meet", 30)
        self.assertTrue(reason.startswith("journal: "), reason)
        self.assertIn("usher_journal_answers 0", request("GET", world.ops + "/metrics").body.decode())
        servers.start_kafka()
        again = wait_for(lambda: (lambda answer: answer if answer.status == 202 else None)(
            world.post("During", key="during", sender="u2")), "the same message is taken when Kafka is back", 60)
        self.assertTrue(again.json()["id"])
        wait_for(world.ready, "and readiness says so", 30)
        self.assertEqual("During", ana.take()["messages"][-1]["text"])
        self.assertEqual(2, len(world.operate("GET", "/v1/conversations").json()["conversations"]))

    def test_an_edge_of_its_own_is_not_ready_while_kafka_is_away(self):
        servers = self.servers().__enter__()
        share = Share(servers)
        everything = self.world(patient, share=share)
        edge = self.world(patient, share=share, roles="edge")
        verbose = request("GET", edge.ops + "/readyz?verbose").json()
        self.assertTrue(verbose["journal"]["answers"], verbose)
        self.assertFalse(verbose["egress"]["sends_here"], "the first edge has the lease")
        self.assertTrue(request("GET", everything.ops + "/readyz?verbose").json()["egress"]["sends_here"])
        servers.stop_kafka()
        # No customer comes: the edge finds it out by itself.
        wait_for(lambda: self.journal_trouble(edge), "the edge is not ready", 30)
        servers.start_kafka()
        wait_for(edge.ready, "the edge is ready again", 60)
        self.accepted(edge.post("Back", key="back"))

    @staticmethod
    def journal_trouble(world):
        answer = request("GET", world.ops + "/readyz")
        reason = answer.json().get("reason", "")
        return reason if answer.status == 503 and reason.startswith("journal") else None

    def test_a_daemon_that_starts_before_its_redis_waits_and_says_so(self):
        servers = self.servers()
        servers.start_kafka()
        servers.start_redis()
        servers.stop_redis()
        world = self.world(start=False, share=Share(servers))
        world.begin()
        wait_for(lambda: "not there yet" in world.log_text() or world.process.poll() is not None, "a line of the log")
        self.assertIsNone(world.process.poll(), world.log_text())
        servers.start_redis()
        world.wait_ready()
        self.accepted(world.post("Started in the end", key="k"))


@only_on("kafka")
class Topics(EndToEnd):
    def ensure(self, world, *more):
        return subprocess.run([PROGRAMS / "usherctl", "topics", "ensure", "--config", world.config_file, *more],
                              capture_output=True, text=True, timeout=60)

    def test_topics_are_made_by_usherctl_alone_and_only_once(self):
        world = self.world(start=False)
        world.share.ensured = True
        process = world.spawn()
        self.addCleanup(process.kill)
        self.assertEqual(69, process.wait(timeout=30), world.log_text())
        self.assertIn("topics ensure", world.log_text())
        planned = self.ensure(world, "--dry-run")
        self.assertEqual(0, planned.returncode, planned.stderr)
        self.assertIn("create", planned.stdout)
        self.assertIn("create", self.ensure(world, "--dry-run").stdout, "a dry run makes nothing")
        self.assertEqual(0, self.ensure(world).returncode)
        again = self.ensure(world)
        self.assertEqual(0, again.returncode, again.stderr)
        self.assertNotIn("create", again.stdout)
        for topic in ("inbound", "outbound", "events", "snapshots", "dead-letter", "control"):
            self.assertIn(f"{world.share.name}.{topic}.v1", again.stdout)
        world.start()
        self.accepted(world.post("By way of the new topics", key="k"))

    def test_a_configuration_without_kafka_has_no_topics(self):
        world = self.world(start=False)
        del world.config["kafka"], world.config["redis"]
        world.write_config()
        done = self.ensure(world)
        self.assertEqual(78, done.returncode, done)
        self.assertIn("kafka.brokers", done.stderr)
