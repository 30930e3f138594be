"""The journey: what a customer writes reaches the right agent first, and the answer comes back."""
import json
from urllib.parse import urlencode

from case import EndToEnd
from world import request, wait_for


class Journey(EndToEnd):
    def test_a_form_reaches_an_agent_and_its_reply_is_read_at_the_private_link(self):
        world = self.world()
        accepted = self.accepted(world.form(name="Zoe", email="Zoe@Example.org", subject="Order 4411",
                                            message="Where is my order?"))
        self.assertRegex(accepted["id"], r"^[0-9a-f]{32}$")
        self.assertTrue(accepted["link"].startswith(world.url + "/v1/forms/contact/conversation/"), accepted)
        ana = world.sign_in("ana")
        offer = ana.offer()
        self.assertEqual("webform", offer["conversation"]["channel"])
        self.assertEqual("Where is my order?", offer["conversation"]["messages"][-1]["text"])
        self.assertIn("why", offer)
        self.assertGreater(offer["expires_in_ms"], 0)
        ana.command("accept", offer=offer["offer"])
        conversation = ana.expect("assigned")["conversation"]
        self.assertEqual("Order 4411", conversation["subject"])
        self.assertEqual("Zoe", conversation["customer"]["display_name"])
        ana.reply(conversation, "It is on its way.")
        page = world.read_link(accepted["link"])
        self.assertEqual([("you", "Where is my order?"), ("agent", "It is on its way.")],
                         [(m["from"], m["text"]) for m in page["messages"]])
        self.assertEqual("Ana", page["messages"][1]["author_name"])

    def test_an_http_message_reaches_an_agent_and_its_reply_is_polled_from_the_outbox(self):
        world = self.world()
        ana = world.sign_in("ana")
        accepted = self.accepted(world.post("Do you ship to Malta?", key="m-1", sender="u7"))
        conversation = ana.take()
        self.assertEqual("http", conversation["channel"])
        ana.reply(conversation, "We do.")
        ana.expect("delivery", fits=lambda f: f["state"] == "sent")
        box = world.outbox()
        self.assertEqual([("We do.", accepted["id"])], [(m["text"], m["in_reply_to"]) for m in box["messages"]])
        self.assertEqual([], world.outbox(after=box["next"], within=1)["messages"])

    def test_unicode_and_line_ends_arrive_as_they_were_written(self):
        world = self.world()
        text = "Grüße 👩‍👩‍👧\nمرحبا \u202e\u200b zalgo\u0301\u0327 <script>alert(1)</script> '; DROP TABLE --\ttab"
        self.accepted(world.form(email="a@b.example", message=text))
        self.accepted(world.post(text, key="k"))
        ana = world.sign_in("ana")
        for _ in range(2):
            conversation = ana.take()
            self.assertEqual(text, conversation["messages"][-1]["text"])
            ana.reply(conversation, text)
        self.assertEqual(text, world.outbox()["messages"][0]["text"])

    def test_the_urgent_message_that_came_last_is_offered_first(self):
        world = self.world()
        for number in range(3):
            self.accepted(world.post(f"Question {number}", key=f"q{number}", sender=f"u{number}"))
        urgent = self.accepted(world.form(email="x@y.example", message="Total outage of everything"))
        ana = world.sign_in("ana")
        order = [ana.offer()["conversation"] for _ in range(4)]
        self.assertEqual("critical", order[0]["urgency"])
        self.assertEqual("Total outage of everything", order[0]["messages"][-1]["text"])
        self.assertEqual(["Question 0", "Question 1", "Question 2"], [c["messages"][-1]["text"] for c in order[1:]])
        self.assertEqual("offered", world.read_link(urgent["link"])["state"])

    def test_each_message_goes_only_to_an_agent_with_the_skills(self):
        world = self.world()
        agents = {name: world.sign_in(name) for name in ("ana", "ben", "chloe")}
        self.accepted(world.post("Bonjour, où est mon colis ?", key="fr", sender="fr", language="fr"))
        self.accepted(world.post("I want a refund", key="bill", sender="bill"))
        self.assertEqual("Bonjour, où est mon colis ?", agents["chloe"].take()["messages"][-1]["text"])
        billing = agents["ben"].take()
        self.assertEqual(("billing", "I want a refund"), (billing["queue"], billing["messages"][-1]["text"]))
        self.assertIn({"skill": "billing", "level": 2}, billing["requirements"])
        for agent in agents.values():
            agent.settle()
            self.assertEqual([], agent.seen("offer"), agent.name)

    def test_a_message_nobody_has_the_skill_for_waits_without_holding_up_the_others(self):
        world = self.world()
        waiting = self.accepted(world.post("Un remboursement, refund svp", key="both", sender="a", language="fr"))
        self.accepted(world.post("Plain question", key="plain", sender="b"))
        ana = world.sign_in("ana")
        self.assertEqual("Plain question", ana.take()["messages"][-1]["text"])
        ana.settle()
        self.assertEqual([], ana.seen("offer"))
        states = {c["state"] for c in world.operate("GET", "/v1/conversations").json()["conversations"]}
        self.assertEqual({"waiting", "assigned"}, states)
        self.assertTrue(waiting["id"])

    def test_nobody_signed_in_means_waiting_until_somebody_comes(self):
        world = self.world()
        accepted = self.accepted(world.form(email="a@b.example", message="Anyone there?"))
        self.assertEqual("waiting", world.read_link(accepted["link"])["state"])
        ben = world.sign_in("ben")  # Signed in, without the skill.
        ben.settle()
        self.assertEqual([], ben.seen("offer"))
        ana = world.sign_in("ana", available=False)
        ana.presence = "away"
        ana.settle()
        self.assertEqual([], ana.seen("offer"))
        ana.available()
        self.assertEqual("Anyone there?", ana.offer()["conversation"]["messages"][-1]["text"])

    def test_a_customer_who_writes_again_at_the_private_link_reaches_the_same_agent(self):
        world = self.world()
        ana, chloe = world.sign_in("ana"), world.sign_in("chloe")
        accepted = self.accepted(world.form(email="a@b.example", message="First"))
        holder, other = self.whoever_is_offered(ana, chloe)
        conversation = holder.take()
        holder.reply(conversation, "Answer")
        answer = self.post_link(accepted["link"], "Second")
        self.assertIn(answer.status, (200, 202, 303), answer)
        frame = holder.expect("message", fits=lambda f: f["message"]["kind"] == "from_customer")
        self.assertEqual((conversation["id"], "Second"), (frame["conversation"], frame["message"]["text"]))
        other.settle()
        self.assertEqual([], other.seen("offer"))
        self.assertEqual(["First", "Answer", "Second"],
                         [m["text"] for m in world.read_link(accepted["link"])["messages"]])

    def test_a_closed_conversation_is_reopened_by_its_customer_and_prefers_who_had_it(self):
        world = self.world()
        ana = world.sign_in("ana")
        accepted = self.accepted(world.form(email="a@b.example", message="First"))
        conversation = ana.take()
        ana.close_conversation(conversation)
        ana.command("wrapped_up", conversation=conversation["id"])
        self.assertEqual("closed", world.read_link(accepted["link"])["state"])
        world.sign_in("chloe")
        self.post_link(accepted["link"], "One more thing")
        again = ana.take()
        self.assertEqual(conversation["id"], again["id"])
        self.assertEqual(["First", "One more thing"], [m["text"] for m in again["messages"]])

    def test_notes_are_for_agents_and_never_for_the_customer(self):
        world = self.world()
        ana = world.sign_in("ana")
        accepted = self.accepted(world.form(email="a@b.example", message="Hello"))
        conversation = ana.take()
        ana.command("note", conversation=conversation["id"], text="secret-note-text")
        ana.reply(conversation, "Hi")
        self.assertNotIn("secret-note-text", json.dumps(world.read_link(accepted["link"])))

    @staticmethod
    def post_link(link, text):
        return request("POST", link, urlencode({"message": text}),
                       {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"})

    @staticmethod
    def whoever_is_offered(first, second):
        wait_for(lambda: first.seen("offer") or second.seen("offer"), "an offer to either")
        return (first, second) if first.seen("offer") else (second, first)
