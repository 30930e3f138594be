"""A log in Kafka that is not the one of the tracked state: usherd refuses in words, and `usherctl recover` goes on with it."""
import json

from case import EndToEnd, only_on
from world import PROGRAMS, request, wait_for


def patient(config):
    config["times"].update(offer_timeout="60s", session_grace="60s", wrap_up="60s")


@only_on("kafka")
class Recovery(EndToEnd):
    def recover(self, world, *words):
        return world.ctl("recover", "--config", str(world.config_file), *words)

    def test_a_topic_made_anew_is_refused_until_recover_and_then_the_work_in_hand_goes_on_rule_J2(self):
        self.goes_on_over(("inbound",))

    def test_all_topics_made_anew_are_gone_on_with_after_recover_rule_J2(self):
        self.goes_on_over(())

    def goes_on_over(self, topics):
        world = self.world(patient)
        ana = world.sign_in("ana")
        link = self.accepted(world.form(email="kim@b.example", message="Where is it?"))["link"]
        conversation = ana.take()
        ana.reply(conversation, "On its way.")
        said = ["Where is it?", "On its way."]
        wait_for(lambda: [m["text"] for m in world.read_link(link)["messages"]] == said, "the first answer")
        for words in ((), ("--yes",)):
            refused = self.recover(world, *words)
            self.assertEqual(75, refused.returncode, refused)
        self.assertIn("stop every usherd", refused.stderr)  # A router that is well keeps its partition.

        world.kill()
        world.share.make_anew(*topics)
        world.begin()
        world.process.wait(timeout=60)
        self.assertIn("usherctl recover", world.log_text())

        planned = self.recover(world)
        self.assertEqual(0, planned.returncode, planned)
        self.assertIn("would go on", planned.stdout)
        self.assertIn("1 conversations", planned.stdout)
        world.begin()
        world.process.wait(timeout=60)  # Nothing was done yet.
        done = self.recover(world, "--yes", "--json")
        self.assertEqual(0, done.returncode, done)
        self.assertEqual(("made_anew", 1, True), tuple(json.loads(done.stdout)[k] for k in ("found", "incarnation", "done")))

        world.start()
        ana = world.sign_in("ana")
        self.assertEqual([conversation["id"]], [c["id"] for c in ana.welcome["conversations"]])
        self.assertEqual(said, [m["text"] for m in ana.welcome["conversations"][0]["messages"]])
        ana.reply(conversation, "It is there.")
        wait_for(lambda: [m["text"] for m in world.read_link(link)["messages"]] == [*said, "It is there."], "the second answer")
        ana.expect("delivery", fits=lambda f: f["conversation"] == conversation["id"] and f["state"] != "failed")
        self.accepted(world.post("Somebody else", key="new", sender="zoe"))
        other = ana.take()
        self.assertEqual("Somebody else", other["messages"][-1]["text"])
        ana.reply(other, "For you, too.")
        wait_for(lambda: [m["text"] for m in world.outbox()["messages"]] == ["For you, too."], "an answer by another channel")
        self.assertEqual(75, self.recover(world).returncode)

        # And it stays so.
        world.restart()
        wait_for(lambda: len(world.operate("GET", "/v1/conversations").json()["conversations"]) == 2, "both conversations")

    def test_a_log_that_was_made_anew_under_a_running_router_keeps_what_was_acknowledged_meanwhile_rule_J2(self):
        world = self.world(patient)
        ana = world.sign_in("ana")
        self.accepted(world.post("Before", key="before", sender="kim"))
        conversation = ana.take()
        world.share.make_anew("inbound")
        world.share.ensure_topics(PROGRAMS / "usherctl", world.config_file)

        def taken(number):
            answer = world.post(f"Meanwhile {number}", key=f"m{number}", sender=f"m{number}")
            return answer.status == 202
        for number in range(2):
            wait_for(lambda n=number: taken(n), "the edge takes it", 60)
        wait_for(lambda: "usherctl recover" in (request("GET", world.ops + "/readyz").json().get("reason") or ""), "the router says what is wrong", 60)
        done = wait_for(lambda: (lambda one: one if one.returncode == 0 else None)(self.recover(world, "--yes")), "recovered", 30)
        self.assertIn("Recovered", done.stdout)
        world.restart()
        wait_for(lambda: len(world.operate("GET", "/v1/conversations").json()["conversations"]) == 3, "all three conversations")
        ana = world.sign_in("ana")
        self.assertIn(conversation["id"], [c["id"] for c in ana.welcome["conversations"]])


@only_on("embedded")
class RecoveryEmbedded(EndToEnd):
    def test_without_kafka_there_is_nothing_to_recover_and_it_says_why(self):
        world = self.world()
        refused = world.ctl("recover", "--config", str(world.config_file))
        self.assertEqual(78, refused.returncode, refused)
        self.assertIn("embedded", refused.stderr)
