"""Mail that a provider posts, end to end: each as SendGrid, Mailgun and Postmark make their requests, with their proofs and without;
the reply goes out by SMTP, and the answer to that is posted again.
"""
import base64
import email.policy
import email.utils
import hashlib
import hmac
import json
import subprocess
import time
import uuid

from mail_case import MailCase
from mail_world import MailServers, SUPPORT, answer_to, mail
from world import request

ZOE = "Zoe Lang <zoe@example.org>"
PASSWORD = "usher:correct-horse-battery"
SIGNING_KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
PATH = "/v1/webhooks/support-mail"


def raw(message):
    # Python would write a long id as an encoded word, and mail programs do not.
    return message.as_bytes(policy=email.policy.SMTP.clone(max_line_length=998))


def form(fields):
    """multipart/form-data, as their HTTP clients write it."""
    boundary = uuid.uuid4().hex
    parts = b"".join(f"--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n".encode() + value + b"\r\n"
                     for name, value in fields.items())
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, parts + f"--{boundary}--\r\n".encode()


def basic(secret):
    return {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()}


class SendGrid:
    inbound, refusal, path, secret = "sendgrid", 503, PATH, PASSWORD
    settings = {"inbound": "sendgrid", "webhook_secret_file": "webhook.secret"}
    checked = {"result": "pass", "method": "dkim", "domain": "example.org"}

    def prepare(self, world):
        world.secret("webhook.secret", self.secret)

    def made(self, message, sender="zoe@example.org", to=SUPPORT):
        return form({"headers": b"", "email": raw(message), "to": to.encode(), "from": ZOE.encode(), "sender_ip": b"192.0.2.1",
                     "envelope": json.dumps({"to": [to], "from": sender}).encode(), "SPF": b"pass", "dkim": b"{@example.org : pass}",
                     "charsets": b"{\"to\":\"UTF-8\",\"from\":\"UTF-8\",\"subject\":\"UTF-8\"}", "spam_score": b"0.1"})

    def good(self, message, **more):
        headers, body = self.made(message, **more)
        return {**headers, **basic(self.secret)}, body

    def bad(self, message):
        headers, body = self.made(message)
        return {"no proof": (headers, body), "another password": ({**headers, **basic("usher:incorrect-horse-battery")}, body)}


class SignedSendGrid(SendGrid):
    """With a security policy in place of the password."""

    settings = {"inbound": "sendgrid"}

    def prepare(self, world):
        self.key, self.other = world.folder / "policy.pem", world.folder / "other.pem"
        for key in (self.key, self.other):
            subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], check=True, capture_output=True)
        public = subprocess.run(["openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        self.settings = {**self.settings, "webhook_public_key": base64.b64encode(public).decode()}

    def signed(self, headers, body, key, when=None):
        stamp = str(int(when or time.time()))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=stamp.encode() + body, check=True, capture_output=True).stdout
        return {**headers, "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
                "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode()}, body

    def good(self, message, **more):
        return self.signed(*self.made(message, **more), self.key)

    def bad(self, message):
        headers, body = self.made(message)
        signed, _ = self.signed(headers, body, self.key)
        return {"no proof": (headers, body), "another key": self.signed(headers, body, self.other),
                "another body": (signed, body.replace(b"4411", b"4412")), "long ago": self.signed(headers, body, self.key, time.time() - 4 * 86_400)}


class Mailgun:
    inbound, refusal, path = "mailgun", 401, PATH + "/mime"
    settings = {"inbound": "mailgun", "webhook_secret_file": "webhook.secret", "authserv_id": "mailgun"}
    checked = {"result": "pass", "method": "dkim", "domain": "example.org"}

    def prepare(self, world):
        world.secret("webhook.secret", SIGNING_KEY)

    def made(self, message, key=SIGNING_KEY, when=None, sender="zoe@example.org", to=SUPPORT):
        stamp, token = str(int(when or time.time())), uuid.uuid4().hex + "0123456789abcdef01"
        signature = hmac.new(key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
        marks = (b"X-Mailgun-Incoming: Yes\r\nX-Mailgun-Spf: Pass\r\nX-Mailgun-Dkim-Check-Result: Pass\r\n"
                 b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s1; h=from; bh=x; b=y\r\n")
        return form({"recipient": to.encode(), "sender": sender.encode(), "from": ZOE.encode(), "subject": b"Order 4411",
                     "timestamp": stamp.encode(), "token": token.encode(), "signature": signature.encode(), "body-mime": marks + raw(message)})

    def good(self, message, **more):
        return self.made(message, **more)

    def bad(self, message):
        headers, body = self.made(message)
        at = body.index(b"name=\"signature\"\r\n\r\n") + len(b"name=\"signature\"\r\n\r\n")
        return {"another key": self.made(message, key="another-key"), "a changed signature": (headers, body[:at] + b"0" * 64 + body[at + 64:]),
                "long ago": self.made(message, when=time.time() - 86_400)}


class Postmark:
    inbound, refusal, path, secret = "postmark", 401, PATH, PASSWORD
    settings = {"inbound": "postmark", "webhook_secret_file": "webhook.secret", "authserv_id": "postmark"}
    checked = {"result": "pass", "method": "dkim", "domain": "example.org"}

    def prepare(self, world):
        world.secret("webhook.secret", self.secret)

    def made(self, message, sender="zoe@example.org", to=SUPPORT):
        author = email.utils.parseaddr(message["From"])
        body = {"FromName": author[0], "From": author[1], "FromFull": {"Email": author[1], "Name": author[0], "MailboxHash": ""}, "OriginalRecipient": to, "Subject": message["Subject"], "MessageID": str(uuid.uuid4()),
                "Date": message["Date"], "MailboxHash": "", "TextBody": "", "HtmlBody": "", "Tag": "", "Attachments": [],
                "Headers": [{"Name": "Return-Path", "Value": f"<{sender}>"}, {"Name": "X-Spam-Tests", "Value": "DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU,SPF_PASS"}],
                "RawEmail": raw(message).decode()}
        return {"Content-Type": "application/json"}, json.dumps(body).encode()

    def good(self, message, **more):
        headers, body = self.made(message, **more)
        return {**headers, **basic(self.secret)}, body

    def bad(self, message):
        headers, body = self.made(message)
        return {"no proof": (headers, body), "another password": ({**headers, **basic("usher:incorrect-horse-battery")}, body)}


class AnyProvider:
    def posted_world(self):
        servers = MailServers()
        self.addCleanup(servers.close)
        self.provider = self.posts()
        world = self.world(start=False)
        self.provider.prepare(world)
        mailbox = servers.connector(world.secret, **self.provider.settings)
        world.config["connectors"]["support-mail"] = {key: value for key, value in mailbox.items() if key not in ("imap_url", "poll_every")}
        world.write_config()
        world.start()
        return world, servers

    def post(self, world, headers_and_body):
        headers, body = headers_and_body
        return request("POST", world.url + self.provider.path, body, headers)

    def takes(self, world, message, **more):
        answer = self.post(world, self.provider.good(message, **more))
        self.assertEqual(200, answer.status, answer)

    def test_a_posted_mail_is_answered_over_smtp_and_the_posted_answer_stays_with_the_same_agent(self):
        world, servers = self.posted_world()
        ana = world.sign_in("ana")
        first = mail(ZOE, "Where is my parcel? Grüße", subject="Order 4411 – wo?")
        self.takes(world, first)
        conversation = ana.take()
        self.assertEqual(("email", "Order 4411 – wo?"), (conversation["channel"], conversation["subject"]))
        self.assertIn("Where is my parcel? Grüße", conversation["messages"][-1]["text"])
        self.assertEqual(self.provider.checked, conversation["messages"][-1]["verification"])

        chloe = world.sign_in("chloe")  # With nothing to do, so everything else would be hers.
        ana.reply(conversation, "It is **on its way**.")
        ana.expect("delivery", fits=lambda f: f["state"] == "sent")
        reply = servers.received("zoe")[0]
        self.assertEqual(first["Message-ID"], reply["In-Reply-To"])
        self.assertEqual("Re: Order 4411 – wo?", reply["Subject"])
        ana.close_conversation(conversation)

        again = answer_to(reply, "Thank you, and when?", ZOE)
        to = email.utils.parseaddr(again["To"])[1]
        self.takes(world, again, to=to)
        back = ana.take()
        self.assertEqual(conversation["id"], back["id"])
        self.assertIn("Thank you, and when?", back["messages"][-1]["text"])
        # Their repeat, after an answer of ours that got lost, is the same mail.
        self.takes(world, again, to=to)
        self.takes(world, first)
        ana.reply(back, "Tomorrow.")
        second = servers.received("zoe", 2)[1]
        self.assertEqual(again["Message-ID"], second["In-Reply-To"])
        self.assertIn(first["Message-ID"], second["References"])
        self.nothing_more(ana)
        self.nothing_more(chloe)
        self.assertEqual([], [frame for frame in ana.seen("message") if frame["message"]["kind"] == "from_customer"])
        self.assertEqual(1, len(world.operate("GET", "/v1/conversations").json()["conversations"]))

    def test_a_posted_mail_without_the_providers_proof_is_refused_and_leaves_nothing(self):
        world, servers = self.posted_world()
        ana = world.sign_in("ana")
        forged = mail("Eve <eve@example.net>", "Order 4411 is mine.")
        for what, request_made in self.provider.bad(forged).items():
            with self.subTest(what):
                answer = self.post(world, request_made)
                self.assertEqual(self.provider.refusal, answer.status, answer)
                self.assertNotIn(b"Order", answer.body)
        self.nothing_more(ana)
        self.assertEqual([], world.operate("GET", "/v1/conversations").json()["conversations"])
        # It was no mail that somebody has seen: with the proof it is taken, as the first one.
        self.takes(world, forged, sender="eve@example.net")
        self.assertIn("Order 4411 is mine.", ana.take()["messages"][-1]["text"])
        self.nothing_more(ana)


class BySendGrid(AnyProvider, MailCase):
    posts = SendGrid


class BySignedSendGrid(AnyProvider, MailCase):
    posts = SignedSendGrid


class ByMailgun(AnyProvider, MailCase):
    posts = Mailgun


class ByPostmark(AnyProvider, MailCase):
    posts = Postmark
