"""Mail end to end: a customer's mail reaches an agent, the reply reaches the customer's mailbox, and the answer to that comes
back into the same conversation; nothing is lost and nothing comes twice, whatever the servers do meanwhile.
"""
import json
import os
import shutil

from case import EndToEnd, only_on
from mail_world import SUPPORT, MailServers, answer_to, bounce_of, mail
from world import wait_for

ZOE = "Zoe Lang <zoe@example.org>"


class MailCase(EndToEnd):
    def mail_world(self, start=True, **more):
        servers = MailServers()
        self.addCleanup(servers.close)
        world = self.world(start=False)
        world.config["connectors"]["support-mail"] = servers.connector(world.secret, **more)
        world.write_config()
        if start:
            world.start()
            self.wait_connected(world)
        return world, servers

    def mailboxes(self, world):
        answer = world.operate("GET", "/readyz?verbose=1")
        return {one["connector"]: one for one in json.loads(answer.body).get("mailboxes", [])}

    def wait_connected(self, world, connector="support-mail"):
        def connected():
            one = self.mailboxes(world).get(connector)
            return one and one["connected"] and one["last_poll"]
        wait_for(connected, f"{connector} is connected")

    def taken(self, agent, count):
        """So many conversations, by their newest text."""
        return sorted(agent.take()["messages"][-1]["text"].strip() for _ in range(count))

    def nothing_more(self, agent):
        agent.settle()
        self.assertEqual([], agent.seen("offer"))


class MailJourney(MailCase):
    def test_a_mail_is_answered_and_the_answer_to_that_stays_with_the_same_agent(self):
        world, servers = self.mail_world(after_ingest="keyword")
        ana = world.sign_in("ana")
        first = mail(ZOE, "Where is my parcel? Grüße", subject="Order 4411 – wo?")
        servers.deliver("support", first)
        conversation = ana.take()
        self.assertEqual(("email", "Order 4411 – wo?"), (conversation["channel"], conversation["subject"]))
        self.assertEqual("Zoe Lang", conversation["customer"]["display_name"])
        self.assertIn("Where is my parcel? Grüße", conversation["messages"][-1]["text"])

        ana.reply(conversation, "It is **on its way**.\n.\nfrom here\n")
        ana.expect("delivery", fits=lambda f: f["state"] == "sent")
        reply = servers.received("zoe")[0]
        self.assertEqual(first["Message-ID"], reply["In-Reply-To"])
        self.assertEqual(first["Message-ID"], reply["References"])
        self.assertEqual("Re: Order 4411 – wo?", reply["Subject"])
        self.assertIn(SUPPORT, reply["From"])
        plain = reply.get_body(("plain",)).get_content().replace("\r\n", "\n")
        self.assertIn("It is **on its way**.\n.\nfrom here", plain)
        self.assertIn("> Where is my parcel?", plain)
        self.assertIn("<strong>on its way</strong>", reply.get_body(("html",)).get_content())

        # Kept for others to see that it was taken; whether somebody has read it is not ours to say.
        wait_for(lambda: "$UsherIngested" in servers.inbox("support")[0][0], "the mail is marked")
        self.assertNotIn("\\Seen", servers.inbox("support")[0][0])

        ana.close_conversation(conversation)
        again = answer_to(reply, "Thank you, and when?", ZOE)
        del again["Subject"]
        again["Subject"] = "another subject"
        servers.deliver("support", again)
        back = ana.take()
        self.assertEqual(conversation["id"], back["id"])
        self.assertIn("Thank you, and when?", back["messages"][-1]["text"])
        ana.reply(back, "Tomorrow.")
        second = servers.received("zoe", 2)[1]
        self.assertEqual(again["Message-ID"], second["In-Reply-To"])
        self.assertIn(first["Message-ID"], second["References"])
        # The answer to the second reply belongs here too.
        servers.deliver("support", answer_to(second, "Good.", ZOE))
        self.assertIn("Good.", ana.expect("message", fits=lambda f: f["message"]["kind"] == "from_customer")["message"]["text"])
        self.nothing_more(ana)

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

    def test_mail_that_comes_while_the_server_or_usher_restarts_is_taken_once(self):
        world, servers = self.mail_world(after_ingest="seen")
        ana = world.sign_in("ana")
        expected = []
        for number in range(12):
            text = f"mail {number:02}"
            expected.append(text)
            servers.deliver("support", mail(f"c{number}@example.org", text))
            if number == 3:
                servers.restart_dovecot()
            if number == 7:
                world.kill()
            if number == 9:
                world.start()
                ana.connect()
                ana.available()
        # Ana has room for three at once, so each is closed before the next.
        seen = []
        held = list(ana.welcome["conversations"])
        offers = list(ana.welcome["offers"])
        while len(seen) < len(expected):
            if held:
                conversation = held.pop()
            elif offers:
                conversation = self.accept(ana, offers.pop())
            else:
                conversation = ana.take(within=60)
            self.assertEqual(1, len(conversation["messages"]), conversation)
            seen.append(conversation["messages"][-1]["text"].strip())
            self.close_quietly(ana, conversation)
        self.assertEqual(expected, sorted(seen))
        self.nothing_more(ana)

    def accept(self, agent, offer):
        agent.command("accept", offer=offer["offer"])
        return agent.expect("assigned")["conversation"]

    def close_quietly(self, agent, conversation):
        agent.close_conversation(conversation)
        agent.command("wrapped_up", conversation=conversation["id"])

    def test_a_new_numbering_of_the_mailbox_brings_nothing_twice_and_loses_nothing(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        for text in ("old one", "old two"):
            servers.deliver("support", mail(ZOE, text))
        self.assertEqual(["old one", "old two"], self.taken(ana, 2))
        wait_for(lambda: self.mailboxes(world)["support-mail"]["taken"] == 2, "both are taken")
        servers.stop_dovecot()
        for file in servers.maildir("support").glob("dovecot*"):
            file.unlink()  # Dovecot numbers all mails anew, under another UIDVALIDITY.
        servers.start_dovecot()
        servers.deliver("support", mail(ZOE, "new one"))
        self.assertIn("new one", ana.take(within=60)["messages"][-1]["text"])
        self.nothing_more(ana)

    def test_what_another_client_moves_and_deletes_troubles_nobody(self):
        world, servers = self.mail_world(after_ingest="move", move_to="Done")
        with servers.imap("support") as client:
            client.create("Done")
            client.create("Elsewhere")
        ana = world.sign_in("ana")
        servers.deliver("support", mail(ZOE, "one"))
        self.assertIn("one", ana.take()["messages"][-1]["text"])
        wait_for(lambda: len(servers.inbox("support", "Done")) == 1 and not servers.inbox("support"), "the mail is moved")
        world.kill()
        servers.deliver("support", mail(ZOE, "gone before anybody looked"))
        servers.deliver("support", mail(ZOE, "two"))
        with servers.imap("support") as client:
            client.select("INBOX")
            first = client.uid("SEARCH", "ALL")[1][0].split()[0]
            client.uid("MOVE", first, "Elsewhere")
        world.start()
        ana.connect()
        ana.available()
        offers = ana.welcome["offers"] or [ana.offer(within=30)]
        self.assertIn("two", offers[0]["conversation"]["messages"][-1]["text"])
        wait_for(lambda: len(servers.inbox("support", "Done")) == 2, "the second is moved as well")

    def test_operators_are_told_what_is_wrong_with_a_mailbox(self):
        world, servers = self.mail_world()
        good = world.ctl("connectors", "test", "support-mail", "--config", str(world.config_file))
        self.assertEqual(0, good.returncode, good.stdout + good.stderr)
        mailbox = world.config["connectors"]["support-mail"]

        def wrong(**changed):
            kept = dict(mailbox)
            mailbox.update(changed)
            world.write_config()
            done = world.ctl("connectors", "test", "support-mail", "--config", str(world.config_file))
            mailbox.clear()
            mailbox.update(kept)
            self.assertNotEqual(0, done.returncode, changed)
            return done.stderr

        world.secret("wrong.password", "not this one")
        self.assertIn("password", wrong(password_file="wrong.password"))
        self.assertIn("certificate", wrong(ca_file="/etc/ssl/certs/ca-certificates.crt"))
        self.assertIn("localhost:1", wrong(imap_url="imaps://localhost:1"))
        self.assertIn("localhost:1", wrong(smtp_url="smtp://localhost:1"))
        self.assertIn("Nowhere", wrong(folder="Nowhere"))


@only_on("embedded")
class OldMail(MailCase):
    def test_fifty_thousand_old_mails_are_left_where_they_are(self):
        world, servers = self.mail_world(start=False)
        folder = servers.maildir("support") / "cur"
        folder.mkdir(parents=True, exist_ok=True)
        for part in ("new", "tmp"):
            (folder.parent / part).mkdir(exist_ok=True)
        source = folder / "1700000000.M0P1.old,S=200:2,"
        source.write_bytes(mail(ZOE, "old").as_bytes())
        if os.geteuid() == 0:  # Then mail is another user's.
            for path in (source, folder, folder.parent, folder.parent / "new", folder.parent / "tmp", folder.parent.parent):
                shutil.chown(path, "nobody", "nogroup")
        for number in range(1, 50_000):
            (folder / f"1700000000.M{number}P1.old:2,").hardlink_to(source)
        world.start()
        self.wait_connected(world)
        ana = world.sign_in("ana")
        servers.deliver("support", mail(ZOE, "new"))
        self.assertIn("new", ana.take()["messages"][-1]["text"])
        self.nothing_more(ana)
        self.assertEqual(1, self.mailboxes(world)["support-mail"]["taken"])
