"""Input at the edge: repeats are one message, bad input is refused and leaves no trace, webhooks are tried until they arrive."""
import base64
import concurrent.futures
import json
import socket

from case import EndToEnd
from receiver import Receiver
from world import SHOP_TOKEN, WEBHOOK_SECRET, request, wait_for


class Repeats(EndToEnd):
    def test_the_same_key_gives_the_same_id_and_one_conversation_with_the_first_body_rule_I2(self):
        world = self.world()
        ids = {self.accepted(world.post(f"Try {number}", key="same"))["id"] for number in range(3)}
        self.assertEqual(1, len(ids))
        self.assertNotIn(self.accepted(world.post("Other", key="different", sender="u2"))["id"], ids)
        ana = world.sign_in("ana")
        texts = [ana.take()["messages"] for _ in range(2)]
        self.assertEqual([["Try 0"], ["Other"]], [[m["text"] for m in messages] for messages in texts])
        ana.settle()
        self.assertEqual([], ana.seen("offer"))

    def test_twenty_repeats_at_once_are_one_conversation(self):
        world = self.world()
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: world.post("Once", key="same"), range(20)))
        self.assertEqual(1, len({self.accepted(answer)["id"] for answer in answers}))
        self.assertEqual(1, len(self.conversations(world)))

    def test_a_repeated_form_with_its_key_is_one_conversation(self):
        world = self.world()
        ids = {self.accepted(world.form(key="n-1", email="a@b.example", message="Once"))["id"] for _ in range(3)}
        self.assertEqual(1, len(ids))
        self.assertEqual(1, len(self.conversations(world)))

    def test_a_repeat_after_a_crash_is_still_the_same_message(self):
        world = self.world()
        first = self.accepted(world.post("Once", key="same"))
        world.restart(hard=True)
        self.assertEqual(first["id"], self.accepted(world.post("Once", key="same"))["id"])
        self.assertEqual(1, len(self.conversations(world)))

    def conversations(self, world):
        ana = world.sign_in("ana")
        ana.settle()
        return world.operate("GET", "/v1/conversations").json()["conversations"]


class Refusals(EndToEnd):
    def test_bad_input_is_refused_with_a_problem_and_leaves_no_trace(self):
        world = self.world()
        self.accepted(world.post("The only good one", key="good"))
        shop = world.url + "/v1/channels/shop/messages"
        right = {"Content-Type": "application/json", "Authorization": f"Bearer {SHOP_TOKEN}", "Idempotency-Key": "bad"}
        good = {"from": {"id": "u1"}, "text": "x"}
        table = [
            ("no token", shop, {**right, "Authorization": ""}, json.dumps(good), (401,)),
            ("wrong token", shop, {**right, "Authorization": "Bearer wrong"}, json.dumps(good), (401,)),
            ("not JSON", shop, right, "{", (400,)),
            ("not an object", shop, right, "[]", (400,)),
            ("no text", shop, right, '{"from":{"id":"u1"}}', (400,)),
            ("text of a wrong type", shop, right, '{"from":{"id":"u1"},"text":7}', (400,)),
            ("no sender", shop, right, '{"text":"x"}', (400,)),
            ("bad UTF-8", shop, right, b'{"from":{"id":"u1"},"text":"\xff\xfe"}', (400,)),
            ("too deep", shop, right, '{"from":{"id":"u1"},"text":"x","a":' + "[" * 200 + "]" * 200 + "}", (400,)),
            ("deeper than a message may be", shop, right, '{"from":{"id":"u1"},"text":"x","a":' + "[" * 31 + "]" * 31 + "}", (400,)),
            ("a number beyond all numbers", shop, right, '{"from":{"id":"u1"},"text":"x","a":1e999}', (400,)),
            ("no language", shop, right, json.dumps({**good, "language": "-"}), (400,)),
            ("no key", shop, {k: v for k, v in right.items() if k != "Idempotency-Key"}, json.dumps(good), (400,)),
            ("bad base64", shop, right, json.dumps({**good, "attachments": [
                {"name": "a", "type": "text/plain", "data": "***"}]}), (400,)),
            ("too large", shop, right, json.dumps({**good, "text": "x" * 300_000}), (413,)),
            ("wrong media type", shop, {**right, "Content-Type": "image/png"}, "x", (400, 415)),
            ("unknown connector", world.url + "/v1/channels/nowhere/messages", right, json.dumps(good), (404, 401)),
            ("unknown form", world.url + "/v1/forms/nowhere", {"Content-Type": "application/json"}, "{}", (404,)),
            ("empty form", world.url + "/v1/forms/contact", {"Content-Type": "application/json"}, "", (400,)),
            ("header smuggled into a subject", world.url + "/v1/forms/contact",
             {"Content-Type": "application/x-www-form-urlencoded"}, "message=x&subject=a%0d%0aBcc:+z", (400,)),
        ]
        for name, url, headers, body, statuses in table:
            with self.subTest(name):
                answer = request("POST", url, body, headers)
                self.assertIn(answer.status, statuses, answer)
                self.assertIn("application/problem+json", answer.headers["content-type"])
                self.assertEqual(answer.status, answer.json()["status"])
        self.only_one_conversation(world)

    def test_a_form_with_the_trap_filled_seems_accepted_and_is_not(self):
        world = self.world()
        self.accepted(world.post("The only good one", key="good"))
        self.accepted(world.form(email="a@b.example", message="Buy!", website="http://spam.example"))
        self.only_one_conversation(world)

    def test_the_wrong_method_and_the_wrong_path_are_problems(self):
        world = self.world()
        answer = request("GET", world.url + "/v1/channels/shop/messages")
        self.assertEqual(405, answer.status)
        self.assertIn("POST", answer.headers["allow"])
        self.assertEqual(404, request("GET", world.url + "/nothing/here").status)
        self.assertEqual(404, request("GET", world.url + "/v1/forms/contact/conversation/" + "0" * 32 + "." + "0" * 32).status)

    def test_a_private_link_with_one_digit_changed_is_not_found(self):
        world = self.world()
        link = self.accepted(world.form(email="a@b.example", message="Hello"))["link"]
        forged = link[:-1] + ("0" if link[-1] != "0" else "1")
        self.assertEqual(404, request("GET", forged).status)
        self.assertEqual(404, request("POST", forged, "message=x",
                                      {"Content-Type": "application/x-www-form-urlencoded"}).status)

    def test_smuggled_and_broken_http_closes_the_connection_with_400(self):
        world = self.world()
        port = int(world.url.rsplit(":", 1)[1])
        path = b"POST /v1/forms/contact HTTP/1.1\r\nHost: x\r\n"
        for name, head in (("both lengths", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                           ("two lengths", b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde"),
                           ("space before the colon", b"Content-Length : 5\r\n\r\nabcde"),
                           ("folded header", b"X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n")):
            with self.subTest(name), socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
                peer.sendall(path + head)
                answer = b""
                while chunk := peer.recv(4096):
                    answer += chunk
                self.assertTrue(answer.startswith(b"HTTP/1.1 400"), answer[:100])

    def test_operations_need_the_admin_token_and_agents_do_not_have_it(self):
        world = self.world()
        for path in ("/v1/status", "/v1/conversations", "/v1/dead-letters"):
            self.assertEqual(401, request("GET", world.ops + path).status)
            self.assertEqual(401, request("GET", world.ops + path, headers={
                "Authorization": f"Bearer {world.token_of('ana')}"}).status)
        self.assertEqual(404, request("GET", world.url + "/metrics").status)
        self.assertIn(b"usher_", request("GET", world.ops + "/metrics").body)

    def only_one_conversation(self, world):
        ana = world.sign_in("ana")
        ana.settle()
        texts = [frame["conversation"]["messages"][-1]["text"] for frame in ana.seen("offer")]
        self.assertEqual(["The only good one"], texts)
        self.assertEqual(1, len(world.operate("GET", "/v1/conversations").json()["conversations"]))
        self.assertEqual([], world.operate("GET", "/v1/dead-letters").json()["dead_letters"])


class Webhooks(EndToEnd):
    def test_a_reply_is_retried_until_the_receiver_takes_it_once_under_one_id_and_signed(self):
        receiver = Receiver(WEBHOOK_SECRET, [500])
        self.addCleanup(receiver.close)
        world = self.world_with(receiver)
        ana = world.sign_in("ana")
        accepted = self.accepted(world.post("Hello", key="k", connector="partner"))
        conversation = ana.take()
        ana.reply(conversation, "Signed answer")
        wait_for(receiver.delivered, "the webhook", within=30)
        ana.expect("delivery", fits=lambda f: f["state"] == "sent")
        self.assertEqual([500, 200], [status for status, _, _ in receiver.got])
        self.assertEqual(1, len({headers["webhook-id"] for _, headers, _ in receiver.got}))
        for _, headers, body in receiver.got:
            self.assertTrue(receiver.signature_is_right(headers, body))
        event = receiver.delivered()[0]
        self.assertEqual("message.reply", event["type"])
        self.assertEqual(("Signed answer", accepted["id"], "Ana"),
                         (event["data"]["text"], event["data"]["in_reply_to"], event["data"]["author_name"]))

    def test_a_receiver_that_says_no_for_good_is_not_asked_again_and_the_agent_is_told(self):
        receiver = Receiver(WEBHOOK_SECRET, [410])
        self.addCleanup(receiver.close)
        world = self.world_with(receiver)
        ana = world.sign_in("ana")
        self.accepted(world.post("Hello", key="k", connector="partner"))
        ana.reply(ana.take(), "Nobody home")
        ana.expect("delivery", fits=lambda f: f["state"] == "failed")
        self.assertEqual([410], [status for status, _, _ in receiver.got])

    def test_replies_of_one_conversation_arrive_in_the_order_they_were_written(self):
        receiver = Receiver(WEBHOOK_SECRET)
        self.addCleanup(receiver.close)
        world = self.world_with(receiver)
        ana = world.sign_in("ana")
        self.accepted(world.post("Hello", key="k", connector="partner"))
        conversation = ana.take()
        for number in range(10):
            ana.reply(conversation, f"Part {number}")
        wait_for(lambda: len(receiver.delivered()) == 10, "all parts")
        self.assertEqual([f"Part {number}" for number in range(10)], [e["data"]["text"] for e in receiver.delivered()])

    def world_with(self, receiver):
        def partner(config):
            config["connectors"]["partner"] = {
                "type": "http", "token_file": "shop.token", "webhook_url": receiver.url,
                "webhook_secret_file": "webhook.secret"}
        world = self.world(partner, start=False)
        world.secret("webhook.secret", WEBHOOK_SECRET)
        world.start()
        return world
