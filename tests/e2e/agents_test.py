"""Agents: sessions that end in every way, work that moves on or stays, commands that are repeated."""
import base64
import datetime
import time

from agent import Agent, Refused
from case import EndToEnd
from world import request


def short_times(**times):
    def change(config):
        config["times"].update(times)
    return change


class Sessions(EndToEnd):
    def test_a_second_tab_replaces_the_first_which_is_closed_with_4001(self):
        world = self.world()
        self.accepted(world.post("Mine", key="k"))
        first = world.sign_in("ana")
        conversation = first.take()
        second = world.sign_in("ana", available=False)
        first.expect_closed(4001)
        self.assertEqual("available", second.welcome["presence"])
        self.assertEqual([conversation["id"]], [c["id"] for c in second.welcome["conversations"]])
        second.reply(conversation, "From the second tab")
        self.assertEqual("From the second tab", world.outbox()["messages"][0]["text"])

    def test_a_revoked_token_closes_the_session_within_a_second_and_is_refused_after(self):
        world = self.world()
        created = world.operate("POST", "/v1/agents/ana/tokens")
        self.assertIn(created.status, (200, 201), created)
        token = created.json()["token"]
        ana = world.sign_in("ana", token=token)
        begin = time.monotonic()
        self.assertEqual(1, world.operate("DELETE", "/v1/agents/ana/tokens").json()["revoked"])
        ana.expect_closed(4003)
        self.assertLess(time.monotonic() - begin, 1.0)
        ana.connect(hello=False)
        ana.raw({"type": "hello", "v": 1, "token": token})
        ana.expect_closed(4003)

    def test_a_wrong_token_is_refused_and_learns_nothing(self):
        world = self.world()
        ana = world.sign_in("ana")
        stranger = Agent(world, "ana", "usher_wrong")
        world.agents.append(stranger)
        stranger.connect(hello=False)
        stranger.raw({"type": "hello", "v": 1, "token": "usher_wrong"})
        stranger.expect_closed(4003)
        self.assertEqual([], stranger.seen("welcome"))
        ana.settle()

    def test_a_command_before_hello_is_refused(self):
        world = self.world()
        agent = Agent(world, "ana", "")
        world.agents.append(agent)
        agent.connect(hello=False)
        agent.raw({"type": "presence", "id": "1", "state": "available"})
        self.assertEqual("hello_required", agent.expect("error")["code"])

    def test_an_agent_who_vanishes_mid_offer_loses_it_to_another_at_its_original_age(self):
        world = self.world(short_times(offer_timeout="2s", session_grace="1s"))
        ana = world.sign_in("ana")
        self.accepted(world.post("Old question", key="old"))
        offer = ana.offer()
        ana.vanish()
        self.accepted(world.post("Young question", key="young", sender="u2"))
        chloe = world.sign_in("chloe")
        texts = []
        while len(texts) < 2:
            again = chloe.offer()
            texts.append(again["conversation"]["messages"][-1]["text"])
            if texts[-1] == "Old question":
                self.assertEqual(offer["conversation"]["waiting_since"], again["conversation"]["waiting_since"])
                self.assertNotEqual(offer["offer"], again["offer"])
        self.assertIn("Old question", texts)

    def test_an_agent_who_vanishes_at_work_and_returns_in_time_keeps_the_work(self):
        world = self.world(short_times(session_grace="20s"))
        ana = world.sign_in("ana")
        accepted = self.accepted(world.form(email="a@b.example", message="Hello"))
        conversation = ana.take()
        ana.vanish()
        ana.connect()
        self.assertEqual([conversation["id"]], [c["id"] for c in ana.welcome["conversations"]])
        self.assertEqual("assigned", world.read_link(accepted["link"])["state"])
        ana.reply(conversation, "Back again")

    def test_work_of_an_agent_who_never_returns_goes_to_another(self):
        world = self.world(short_times(session_grace="1s"))
        ana = world.sign_in("ana")
        self.accepted(world.post("Hello", key="k"))
        conversation = ana.take()
        chloe = world.sign_in("chloe")
        ana.vanish()
        again = chloe.take()
        self.assertEqual(conversation["id"], again["id"])
        self.assertEqual(conversation["opened_at"], again["opened_at"])
        ana.connect()
        self.assertEqual([], ana.welcome["conversations"])
        with self.assertRaises(Refused) as refused:
            ana.reply(conversation, "Too late")
        self.assertEqual("not_assigned", refused.exception.code)
        self.assertEqual([], world.outbox(within=1)["messages"])


class Work(EndToEnd):
    def test_an_unanswered_offer_expires_and_is_offered_to_another(self):
        world = self.world(short_times(offer_timeout="1s"))
        ana = world.sign_in("ana")
        self.accepted(world.post("Hello", key="k"))
        offer = ana.offer()
        chloe = world.sign_in("chloe")
        self.assertEqual(offer["offer"], ana.expect("offer_revoked")["offer"])
        self.assertEqual(offer["conversation"]["id"], chloe.offer()["conversation"]["id"])
        with self.assertRaises(Refused) as refused:
            ana.command("accept", offer=offer["offer"])
        self.assertIn(refused.exception.code, ("stale_offer", "unknown_offer"))

    def test_a_declined_offer_goes_to_another_and_not_back(self):
        world = self.world()
        ana = world.sign_in("ana")
        self.accepted(world.post("Hello", key="k"))
        offer = ana.offer()
        ana.command("decline", offer=offer["offer"], reason="lunch")
        ana.settle()
        self.assertEqual([], ana.seen("offer"))
        chloe = world.sign_in("chloe")
        self.assertEqual(offer["conversation"]["id"], chloe.take()["id"])

    def test_capacity_is_never_exceeded_and_a_closed_conversation_makes_room(self):
        def one_at_a_time(config):
            config["agents"]["ana"]["capacity"] = {"other": 1, "total": 1}
            config["times"]["wrap_up"] = "20s"
        world = self.world(one_at_a_time)
        for number in range(3):
            self.accepted(world.post(f"Question {number}", key=f"k{number}", sender=f"u{number}"))
        ana = world.sign_in("ana")
        conversation = ana.take()
        ana.settle()
        self.assertEqual([], ana.seen("offer"))
        ana.close_conversation(conversation)
        ana.settle()
        self.assertEqual([], ana.seen("offer"), "wrap-up holds the place")
        ana.command("wrapped_up", conversation=conversation["id"])
        self.assertEqual("Question 1", ana.offer()["conversation"]["messages"][-1]["text"])

    def test_wrap_up_ends_by_itself_and_frees_the_agent(self):
        def one_at_a_time(config):
            config["agents"]["ana"]["capacity"] = {"other": 1, "total": 1}
        world = self.world(one_at_a_time)
        for number in range(2):
            self.accepted(world.post(f"Question {number}", key=f"k{number}", sender=f"u{number}"))
        ana = world.sign_in("ana")
        conversation = ana.take()
        ana.close_conversation(conversation, "solved")
        ana.expect("closed", fits=lambda f: f["conversation"] == conversation["id"])
        self.assertEqual("Question 1", ana.offer()["conversation"]["messages"][-1]["text"])

    def test_a_repeated_command_has_its_first_outcome_and_the_reply_is_sent_once(self):
        world = self.world()
        ana = world.sign_in("ana")
        self.accepted(world.post("Hello", key="k"))
        conversation = ana.take()
        for _ in range(3):
            ana.reply(conversation, "Once only", id="reply-1")
        ana.connect()
        ana.reply(conversation, "Once only", id="reply-1")
        ana.settle()
        self.assertEqual(["Once only"], [m["text"] for m in world.outbox()["messages"]])

    def test_a_transfer_to_a_queue_finds_an_agent_with_its_skills(self):
        world = self.world()
        ana, ben = world.sign_in("ana"), world.sign_in("ben")
        self.accepted(world.post("Hello", key="k"))
        conversation = ana.take()
        ana.command("transfer", conversation=conversation["id"], to={"queue": "billing"})
        moved = ben.take()
        self.assertEqual((conversation["id"], "billing"), (moved["id"], moved["queue"]))
        with self.assertRaises(Refused) as refused:
            ana.reply(conversation, "Not mine any more")
        self.assertEqual("not_assigned", refused.exception.code)
        ben.reply(moved, "Now mine")

    def test_a_transfer_to_an_agent_reaches_exactly_that_agent(self):
        world = self.world()
        ana, ben, chloe = (world.sign_in(name) for name in ("ana", "ben", "chloe"))
        self.accepted(world.post("Bonjour", key="k", language="fr"))
        conversation = chloe.take()
        chloe.command("transfer", conversation=conversation["id"], to={"agent": "ben"})
        self.assertEqual(conversation["id"], ben.take()["id"])
        ana.settle()
        self.assertEqual([], ana.seen("offer"))

    def test_transfers_to_nowhere_are_refused_and_change_nothing(self):
        world = self.world()
        ana = world.sign_in("ana")
        self.accepted(world.post("Hello", key="k"))
        conversation = ana.take()
        for to, code in (({"queue": "nowhere"}, "unknown_queue"), ({"agent": "nobody"}, "unknown_agent"),
                         ({}, "bad_request")):
            with self.assertRaises(Refused) as refused:
                ana.command("transfer", conversation=conversation["id"], to=to)
            self.assertEqual(code, refused.exception.code)
        ana.reply(conversation, "Still mine")

    def test_a_snoozed_conversation_leaves_the_agent_and_comes_back_when_it_is_time(self):
        world = self.world()
        ana = world.sign_in("ana")
        self.accepted(world.post("Not today", key="k"))
        conversation = ana.take()
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1.5)
        ana.command("snooze", conversation=conversation["id"], until=until.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")
        ana.settle()
        self.assertEqual([], ana.seen("offer"))
        self.assertEqual(conversation["id"], ana.take()["id"])
        self.assertGreaterEqual(datetime.datetime.now(datetime.timezone.utc), until)

    def test_a_welcome_holds_the_last_20_messages_and_history_the_ones_before(self):
        world = self.world()
        ana = world.sign_in("ana")
        self.accepted(world.post("Text 0", key="k"))
        conversation = ana.take()
        for number in range(1, 30):
            ana.reply(conversation, f"Text {number}")
        ana.connect()
        shown = ana.welcome["conversations"][0]["messages"]
        self.assertEqual([f"Text {n}" for n in range(10, 30)], [m["text"] for m in shown])
        ana.raw({"type": "history", "id": "h1", "conversation": conversation["id"], "before": shown[0]["id"]})
        before = ana.expect("history")
        self.assertEqual([f"Text {n}" for n in range(10)], [m["text"] for m in before["messages"]])
        ben = world.sign_in("ben")
        ben.raw({"type": "history", "id": "h2", "conversation": conversation["id"], "before": shown[0]["id"]})
        self.assertEqual("h2", ben.expect("error")["id"])

    def test_malformed_frames_are_answered_with_an_error_and_the_session_lives(self):
        world = self.world()
        ana = world.sign_in("ana")
        for frame, code in (("{", "bad_request"), ("[]", "bad_request"), ('{"type":"dance","id":"1"}', "unknown_type"),
                            ('{"type":"accept","id":"2","offer":"zz"}', None), ('{"type":"reply","id":"3"}', "bad_request")):
            ana.raw(frame)
            error = ana.expect("error")
            if code:
                self.assertEqual(code, error["code"], frame)
        ana.raw({"type": "ping"})
        ana.expect("pong")

    def test_a_blob_is_given_only_to_the_agent_who_may_see_the_conversation(self):
        world = self.world()
        ana, ben = world.sign_in("ana"), world.sign_in("ben")
        content = b"%PDF-1.7 receipt \x00\xff bytes"
        self.accepted(world.post("See file", key="k", attachments=[
            {"name": "r.pdf", "type": "application/pdf", "data": base64.b64encode(content).decode()}]))
        conversation = ana.take()
        attachment = conversation["messages"][-1]["attachments"][0]
        url = f"{world.url}/v1/conversations/{conversation['id']}/blobs/{attachment['sha256']}"
        got = request("GET", url, headers={"Authorization": f"Bearer {ana.token}"})
        self.assertEqual((200, content), (got.status, got.body))
        self.assertIn("attachment", got.headers["content-disposition"])
        self.assertEqual("nosniff", got.headers["x-content-type-options"])
        self.assertEqual(404, request("GET", url, headers={"Authorization": f"Bearer {ben.token}"}).status)
        self.assertEqual(401, request("GET", url).status)
