"""Mail end to end: a customer's mail reaches an agent, the reply reaches the customer's mailbox, and the answer to that comes
back into the same conversation; nothing is lost and nothing comes twice, whatever the servers do meanwhile.
"""
import hashlib
import json
import signal

from case import mostly_waits
from mail_case import MailCase
from mail_world import SUPPORT, MailServers, answer_to, bounce_of, mail
from world import wait_for

ZOE = "Zoe Lang <zoe@example.org>"


class MailJourney(MailCase):
    def test_a_flood_of_one_sender_comes_behind_people_and_says_so(self):
        world, servers = self.mail_world()
        # One after the other: what the journal takes in one millisecond has no first and last.
        mails = [mail("Robot <robot@example.net>", f"alert {number}") for number in range(11)] + [mail(ZOE, "Where is my parcel?")]
        for taken, one in enumerate(mails, start=1):
            servers.deliver("support", one)
            wait_for(lambda: self.mailboxes(world)["support-mail"]["taken"] == taken, f"mail {taken} is taken")
        ana = world.sign_in("ana")
        order = []
        for _ in range(12):
            conversation = ana.take()
            order.append((conversation["messages"][-1]["text"].strip(), conversation["flood"]))
            ana.close_conversation(conversation)
            ana.command("wrapped_up", conversation=conversation["id"])
        self.assertEqual([(f"alert {number}", None) for number in range(10)] + [("Where is my parcel?", None), ("alert 10", "sender")], order)

    def test_a_second_mail_before_any_answer_joins_and_a_stranger_does_not(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        first = mail(ZOE, "One")
        servers.deliver("support", first)
        conversation = ana.take()
        servers.deliver("support", mail(ZOE, "Two", In_Reply_To=first["Message-ID"], References=first["Message-ID"]))
        self.assertIn("Two", ana.expect("message", fits=lambda f: f["message"]["kind"] == "from_customer")["message"]["text"])
        servers.deliver("support", mail("Eve <eve@example.net>", "Mine", In_Reply_To=first["Message-ID"], subject="Re: Order 4411"))
        self.assertNotEqual(conversation["id"], ana.take()["id"])

    def test_an_answer_from_another_address_joins_by_the_address_it_was_sent_to(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        servers.deliver("support", mail(ZOE, "One"))
        conversation = ana.take()
        ana.reply(conversation, "Hello")
        reply = servers.received("zoe")[0]
        servers.deliver("support", mail("Zoe <private@example.net>", "From my telephone", to=reply["Reply-To"], subject="hello"))
        self.assertIn("From my telephone", ana.expect("message", fits=lambda f: f["message"]["kind"] == "from_customer")["message"]["text"])

    def test_the_same_mail_to_two_of_our_addresses_is_one_conversation(self):
        servers = MailServers()
        self.addCleanup(servers.close)
        world = self.world(start=False)
        world.config["connectors"]["support-mail"] = servers.connector(world.secret)
        world.config["connectors"]["sales-mail"] = servers.connector(world.secret, user="sales", address="sales@example.com")
        world.write_config()
        world.start()
        self.wait_connected(world)
        self.wait_connected(world, "sales-mail")
        ana = world.sign_in("ana")
        both = mail(ZOE, "To everybody", to=f"{SUPPORT}, sales@example.com")
        servers.deliver("support", both)
        servers.deliver("sales", both)
        other = mail(ZOE, "Another one under the same id", message_id=both["Message-ID"])
        servers.deliver("sales", other)
        self.assertEqual(["Another one under the same id", "To everybody"], self.taken(ana, 2))
        self.nothing_more(ana)

    def test_answering_machines_call_nobody_and_bounces_make_it_work_again(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        servers.deliver("support", mail(ZOE, "One"))
        conversation = ana.take()
        ana.reply(conversation, "Hello")
        reply = servers.received("zoe")[0]
        ana.expect("delivery", fits=lambda f: f["state"] == "sent")
        ana.close_conversation(conversation)
        servers.deliver("support", answer_to(reply, "I am on holiday.", ZOE, Auto_Submitted="auto-replied"))
        wait_for(lambda: self.mailboxes(world)["support-mail"]["taken"] == 2, "the answering machine's mail is taken")
        self.nothing_more(ana)
        servers.deliver("support", bounce_of(reply, action="delayed", status="4.4.1"))
        wait_for(lambda: self.mailboxes(world)["support-mail"]["taken"] == 3, "the delay is taken")
        self.nothing_more(ana)
        servers.deliver("support", bounce_of(reply))
        back = ana.take()
        self.assertEqual(conversation["id"], back["id"])
        self.nothing_more(ana)

    def test_a_mail_with_files_brings_them_and_a_broken_one_is_delivered_raw(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        with_file = mail(ZOE, "See the picture")
        with_file.add_attachment(b"\x89PNG\r\n\x1a\n" + bytes(2_000_000), maintype="image", subtype="png", filename="schaden ü.png")
        servers.deliver("support", with_file)
        conversation = ana.take()
        files = conversation["messages"][-1]["attachments"]
        self.assertEqual([("schaden ü.png", "image/png", 2_000_008)], [(f["name"], f["type"], f["size"]) for f in files])
        servers.deliver("support", b"\x00\xff this is no mail at all\r\n\r\n\xc3")
        self.assertIn("this is no mail at all", ana.take()["messages"][-1]["text"])


class MailServersInTrouble(MailCase):
    def test_the_daemon_tries_a_mailbox_with_what_it_has_loaded(self):
        world, servers = self.mail_world(start=False, move_to="Done", after_ingest="move")
        world.secret("support.password", "not this one")
        world.start()

        def tried(name="support-mail"):
            return world.ctl("connectors", "test", name)
        refused = tried()
        self.assertEqual((65, ""), (refused.returncode, refused.stdout))
        self.assertIn("imap: the server refused the user name or the password", refused.stderr)
        self.assertIn("; smtp: the mail server refused the user name or the password", refused.stderr)
        # A better file helps from the next reload on, so until then this is what is true.
        world.secret("support.password", servers.password("support"))
        self.assertEqual(65, tried().returncode)
        world.signal(signal.SIGHUP)
        good = wait_for(lambda: (lambda done: done if done.returncode == 0 else None)(tried()), "the new password is tried", 60)
        self.assertIn("support-mail: ok, imap: connected to localhost:", good.stdout)
        self.assertIn(f"takes mail from {SUPPORT}", good.stdout)
        self.assertIn("move_to: Done is not there yet and will be made", good.stdout)
        told = json.loads(world.ctl("--json", "connectors", "test", "support-mail").stdout)
        self.assertEqual(("support-mail", True), (told["connector"], told["ok"]))
        servers.smtp.close()
        gone = tried()
        self.assertEqual(65, gone.returncode)
        self.assertIn("refuses connections: nothing listens there", gone.stderr)
        self.assertEqual(0, tried("contact").returncode)
        nobody = tried("nobody")
        self.assertEqual(65, nobody.returncode)
        self.assertIn("no connector of that name", nobody.stderr)

    def test_a_reply_is_tried_again_and_refused_ones_are_told(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        servers.smtp.script = ["451 4.3.0 try later"]
        servers.deliver("support", mail(ZOE, "One"))
        conversation = ana.take()
        ana.reply(conversation, "Hello")
        told = ana.expect("delivery", fits=lambda f: f["state"] == "deferred")
        self.assertIn("try later", told.get("detail", ""))
        self.assertEqual([], servers.inbox("zoe"))
        servers.smtp.script = ["550 5.1.1 nobody here"] * 2  # The second for the plain sender.
        servers.deliver("support", mail("Max <max@example.org>", "Two"))
        other = ana.take()
        ana.reply(other, "Hello Max")
        told = ana.expect("delivery", fits=lambda f: f["state"] == "failed")
        self.assertIn("nobody here", told.get("detail", ""))

    @mostly_waits
    def test_a_mail_that_was_taken_and_not_confirmed_comes_again_under_the_same_id(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        servers.smtp.script = ["vanish"]
        servers.deliver("support", mail(ZOE, "One"))
        conversation = ana.take()
        ana.reply(conversation, "Hello")
        ana.expect("delivery", within=120, fits=lambda f: f["state"] == "sent")
        first, second = servers.smtp.taken
        self.assertEqual(first[2], second[2])
        self.assertEqual(2, servers.smtp.attempts)

    @mostly_waits
    def test_a_reply_waits_for_a_server_that_is_away_over_a_restart_of_usher(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        servers.deliver("support", mail(ZOE, "One"))
        conversation = ana.take()
        servers.smtp.close()
        ana.reply(conversation, "Hello")
        ana.expect("delivery", fits=lambda f: f["state"] == "deferred")
        world.restart(hard=True)
        servers.smtp.open()
        self.assertIn("Hello", servers.received("zoe", within=120)[0].get_body(("plain",)).get_content())
        self.assertEqual(1, len(servers.smtp.taken))

    def test_a_kill_right_after_the_first_connection_loses_nothing_that_comes_meanwhile(self):
        world, servers = self.mail_world()
        world.kill()
        servers.deliver("support", mail(ZOE, "One"))
        world.start()
        ana = world.sign_in("ana")
        self.assertEqual(["One"], self.taken(ana, 1))
        self.nothing_more(ana)
        self.assertEqual(1, world.log_text().count("only new mail is taken"))

    def test_a_mail_that_ended_two_processes_is_delivered_raw_and_the_next_one_as_ever(self):
        world, servers = self.mail_world()
        world.kill()
        servers.deliver("support", mail(ZOE, "deadly"))
        servers.deliver("support", mail(ZOE, "behind it"))
        with servers.imap("support") as client:
            client.select("INBOX", readonly=True)
            first = client.uid("FETCH", "1", "(BODY.PEEK[])")[1][0][1]
        # As two processes leave it that ended while they read the first one.
        note = world.data / "mailboxes/support-mail.reading"
        note.write_text(f"{hashlib.sha256(first).hexdigest()} 2\n")
        world.start()
        ana = world.sign_in("ana")
        texts = [ana.take()["messages"][-1]["text"].strip() for _ in range(2)]
        raw = [text for text in texts if "Message-ID: " in text and "deadly" in text]
        self.assertEqual((1, 1), (len(raw), texts.count("behind it")), texts)
        self.assertEqual(f"{hashlib.sha256(first).hexdigest()} 2\n", note.read_text())  # Met again, it is the same message.
        self.counted(world, 2)
        self.assertIn("ended this program", world.log_text())
