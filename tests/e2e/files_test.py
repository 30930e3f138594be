"""Files in agents' replies, end to end: what the agent uploaded is what the customer gets, byte for byte, on every channel."""
import hashlib
import subprocess
import urllib.parse

from agent import Refused
from case import EndToEnd
from mail_test import ZOE, MailCase
from mail_world import mail
from world import PROGRAMS, SHOP_TOKEN, request, wait_for

# Every byte, line ends that mail programs like to change, and lines of every kind that end a mail early.
AWKWARD = b"%PDF-1.7\r\n" + bytes(range(256)) * 40 + b"\r\n.\r\n\n.\n\r--=_mixed\r\n" + bytes(100_000)
NAME = "Résumé «4411» 🧾.pdf"


class FilesByLink(EndToEnd):
    def test_a_customer_fetches_the_file_at_the_private_link(self):
        world = self.world()
        accepted = self.accepted(world.form(email="a@b.example", message="Send me the form"))
        ana = world.sign_in("ana")
        conversation = ana.take()
        file = ana.upload(NAME, AWKWARD, "application/pdf")
        self.assertEqual((NAME, "application/pdf", len(AWKWARD), hashlib.sha256(AWKWARD).hexdigest()),
                         (file["name"], file["type"], file["size"], file["sha256"]))
        ana.reply(conversation, "Here it is.", files=[file])
        shown = ana.expect("message", fits=lambda f: f["message"]["kind"] == "reply")["message"]
        self.assertEqual([NAME], [one["name"] for one in shown["attachments"]])
        ana.expect("delivery", fits=lambda f: f["state"] == "sent")

        listed = world.read_link(accepted["link"])["messages"][1]["attachments"]
        self.assertEqual([(NAME, len(AWKWARD))], [(one["name"], one["size"]) for one in listed])
        self.assertTrue(listed[0]["url"].startswith(accepted["link"] + "/"), listed)
        got = request("GET", listed[0]["url"])
        self.assertEqual((200, AWKWARD), (got.status, got.body))
        self.assertEqual("application/octet-stream", got.headers["content-type"])
        self.assertTrue(got.headers["content-disposition"].endswith(urllib.parse.quote(NAME, safe="")), got.headers)
        page = request("GET", accepted["link"], headers={"Accept": "text/html"}).body.decode()
        self.assertIn("<a download href=\"" + urllib.parse.urlsplit(listed[0]["url"]).path.rsplit("/", 3)[1], page)

        # Also after everything was read again from the disk, where the agent still sees it.
        world.restart(hard=True)
        self.assertEqual(AWKWARD, request("GET", listed[0]["url"]).body)
        ana.connect()
        again = ana.welcome["conversations"][0]["messages"][-1]["attachments"][0]
        path = f"/v1/conversations/{conversation['id']}/blobs/{again['sha256']}"
        self.assertEqual(AWKWARD, request("GET", world.url + path, headers={"Authorization": f"Bearer {ana.token}"}).body)

    def test_a_program_fetches_the_file_with_its_channels_token(self):
        world = self.world()
        ana = world.sign_in("ana")
        self.accepted(world.post("Send me the form", key="m-1"))
        conversation = ana.take()
        ana.reply(conversation, "Here it is.", files=[ana.upload(NAME, AWKWARD)])
        ana.expect("delivery", fits=lambda f: f["state"] == "sent")
        file = world.outbox()["messages"][0]["attachments"][0]
        self.assertEqual((NAME, len(AWKWARD)), (file["name"], file["size"]))
        got = request("GET", file["url"], headers={"Authorization": f"Bearer {SHOP_TOKEN}"})
        self.assertEqual((200, AWKWARD), (got.status, got.body))
        self.assertEqual(401, request("GET", file["url"]).status)

    def test_nobody_sends_a_file_that_somebody_else_uploaded(self):
        world = self.world()
        accepted = self.accepted(world.form(email="a@b.example", message="Hello"))
        ana, ben = world.sign_in("ana"), world.sign_in("ben", available=False)
        conversation = ana.take()
        theirs = ben.upload("payroll.pdf", AWKWARD)
        with self.assertRaises(Refused) as refused:
            ana.reply(conversation, "Here it is.", files=[theirs])
        self.assertEqual("unknown_file", refused.exception.code)
        self.assertEqual(1, len(world.read_link(accepted["link"])["messages"]))

    def test_the_terminal_agent_attaches_a_file(self):
        world = self.world()
        accepted = self.accepted(world.form(email="a@b.example", message="Hello terminal"))
        path = world.folder / "plan of it.pdf"
        path.write_bytes(AWKWARD)
        agent = subprocess.Popen([PROGRAMS / "usherctl", "agent", "--url", world.url, "--token", world.token_of("ana")],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(agent.kill)
        output, _ = agent.communicate(f"available\naccept\nattach {path}\nreply Here it is\nclose\n", timeout=60)
        self.assertIn("attached to the next reply in #1: plan of it.pdf", output)
        files = wait_for(lambda: world.read_link(accepted["link"])["messages"][1:], "the reply")[0]["attachments"]
        self.assertEqual(["plan of it.pdf"], [one["name"] for one in files])
        self.assertEqual(AWKWARD, request("GET", files[0]["url"]).body)


class FilesByMail(MailCase):
    def test_the_file_is_inside_the_mail_and_is_what_was_uploaded(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        servers.deliver("support", mail(ZOE, "Send me the form"))
        conversation = ana.take()
        ana.reply(conversation, "Here **it** is.", files=[ana.upload(NAME, AWKWARD), ana.upload("plan.txt", b"one\n.\ntwo")])
        ana.expect("delivery", fits=lambda f: f["state"] == "sent")
        reply = servers.received("zoe")[0]
        self.assertEqual("multipart/mixed", reply.get_content_type())
        self.assertIn("Here **it** is.", reply.get_body(("plain",)).get_content())
        files = list(reply.iter_attachments())
        self.assertEqual([(NAME, "application/pdf", "attachment"), ("plan.txt", "application/octet-stream", "attachment")],
                         [(one.get_filename(), one.get_content_type(), one.get_content_disposition()) for one in files])
        self.assertEqual([AWKWARD, b"one\n.\ntwo"], [one.get_payload(decode=True) for one in files])

    def test_a_mail_that_is_too_large_for_the_server_fails_in_words_before_it_is_sent(self):
        world, servers = self.mail_world()
        servers.smtp.data_size_max = 100_000
        servers.smtp.close()
        servers.smtp.open()
        ana = world.sign_in("ana")
        servers.deliver("support", mail(ZOE, "Send me the form"))
        conversation = ana.take()
        ana.reply(conversation, "Here it is.", files=[ana.upload(NAME, AWKWARD)])
        failed = ana.expect("delivery", fits=lambda f: f["state"] == "failed")
        self.assertIn("larger than the mail server takes", failed["detail"])
        self.assertIn("100000 are taken", failed["detail"])
        self.assertEqual(0, servers.smtp.attempts)
        ana.reply(conversation, "Look at our site, please.")
        ana.expect("delivery", fits=lambda f: f["state"] == "sent")
        self.assertEqual([], list(servers.received("zoe")[0].iter_attachments()))
