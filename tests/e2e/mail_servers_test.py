"""What must hold on every IMAP server, on real ones: Dovecot, Cyrus and Courier. Two of them keep folders below INBOX, one knows
no MOVE and no UIDNEXT. A server whose packages cannot be fetched fails its tests: nothing is skipped.
"""
from case import mostly_waits
from mail_case import MailCase
from mail_world import SUPPORT, answer_to, mail
from world import wait_for

ZOE = "Zoe Lang <zoe@example.org>"


class AnyServer:
    def test_a_mail_is_answered_and_the_answer_to_that_stays_with_the_same_agent(self):
        world, servers = self.mail_world(after_ingest="keyword", sent_folder="Sent")
        ana = world.sign_in("ana")
        first = mail(ZOE, "Where is my parcel? Grüße", subject="Order 4411 – wo?")
        servers.deliver("support", first)
        conversation = ana.take()
        self.assertEqual(("email", "Order 4411 – wo?"), (conversation["channel"], conversation["subject"]))
        self.assertEqual("Zoe Lang", conversation["customer"]["display_name"])
        self.assertIn("Where is my parcel? Grüße", conversation["messages"][-1]["text"])

        chloe = world.sign_in("chloe")  # With nothing to do, so everything else would be hers.
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

        # Where people look for what was sent, whatever the server calls that folder.
        wait_for(lambda: [copy["Message-ID"] for _, copy in servers.inbox("support", "Sent")] == [reply["Message-ID"]], "a copy is kept")
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
        self.nothing_more(chloe)

    def test_mail_that_comes_while_the_server_or_usher_restarts_is_taken_once(self):
        world, servers = self.mail_world(after_ingest="seen")
        ana = world.sign_in("ana")
        expected = []
        for number in range(12):
            text = f"mail {number:02}"
            expected.append(text)
            servers.deliver("support", mail(f"c{number}@example.org", text))
            if number == 3:
                servers.restart_imap()
            if number == 7:
                world.kill()
            if number == 9:
                world.start()
                ana.connect()
                ana.available()
        self.assertEqual(expected, self.work_through(ana, len(expected)))
        self.nothing_more(ana)

    def test_what_another_client_moves_and_deletes_troubles_nobody(self):
        world, servers = self.mail_world(after_ingest="move", move_to="Done")
        ana = world.sign_in("ana")
        servers.deliver("support", mail(ZOE, "one"))
        self.assertIn("one", ana.take()["messages"][-1]["text"])
        wait_for(lambda: len(servers.inbox("support", "Done")) == 1 and not servers.inbox("support"), "the mail is moved")
        world.kill()
        servers.deliver("support", mail(ZOE, "gone before anybody looked"))
        servers.deliver("support", mail(ZOE, "two"))
        servers.move_away("support", 0, "Elsewhere")
        world.start()
        ana.connect()
        ana.available()
        offers = ana.welcome["offers"] or [ana.offer(within=30)]
        self.assertIn("two", offers[0]["conversation"]["messages"][-1]["text"])
        wait_for(lambda: len(servers.inbox("support", "Done")) == 2, "the second is moved as well")

    def test_mail_that_was_there_before_the_first_connect_is_left_and_what_comes_in_a_heap_is_taken_once(self):
        world, servers = self.mail_world(start=False)
        for number in range(3):
            servers.deliver("support", mail(ZOE, f"old {number}"))
        world.start()
        self.wait_connected(world)
        ana = world.sign_in("ana")
        heap = [f"new {number:02}" for number in range(15)]
        for text in heap:
            servers.deliver("support", mail(f"{text.replace(' ', '')}@example.org", text))
        self.assertEqual(heap, self.work_through(ana, len(heap)))
        self.nothing_more(ana)
        self.counted(world, 15)

    def test_a_connection_that_breaks_while_it_waits_loses_nothing_and_the_last_mail_may_be_gone_meanwhile(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        for number in range(3):
            servers.deliver("support", mail(f"c{number}@example.org", f"before {number}"))
        self.assertEqual([f"before {number}" for number in range(3)], self.work_through(ana, 3))
        # Then no mail says any more how far the numbers went.
        servers.move_away("support", -1, "Elsewhere")
        self.assertGreater(servers.cut_connections(), 0)
        servers.deliver("support", mail("c3@example.org", "while it was away"))
        self.assertEqual("while it was away", ana.take(within=30)["messages"][-1]["text"].strip())
        servers.deliver("support", mail("c4@example.org", "afterwards"))
        self.assertEqual("afterwards", ana.take(within=30)["messages"][-1]["text"].strip())
        self.nothing_more(ana)
        self.counted(world, 5)
        servers.move_away("support", -1, "Elsewhere")
        world.restart()
        self.wait_connected(world)
        servers.deliver("support", mail("c5@example.org", "after the restart"))
        self.counted(world, 1)
        self.assertNotIn("new numbering", world.log_text())

    def test_a_server_that_says_goodbye_is_left_and_come_back_to(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        servers.deliver("support", mail(ZOE, "before"))
        self.assertEqual(["before"], self.taken(ana, 1))
        servers.say_goodbye()
        wait_for(lambda: "said goodbye" in world.log_text(), "the goodbye is heard")
        servers.let_in()
        servers.deliver("support", mail("c1@example.org", "while it was away"))
        self.assertEqual(["while it was away"], self.taken(ana, 1))
        servers.deliver("support", mail("c2@example.org", "afterwards"))
        self.assertEqual(["afterwards"], self.taken(ana, 1))
        self.nothing_more(ana)
        self.counted(world, 3)

    def test_a_new_numbering_of_the_mailbox_brings_nothing_twice_and_loses_nothing(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        for text in ("old one", "old two"):
            servers.deliver("support", mail(ZOE, text))
        self.assertEqual(["old one", "old two"], self.taken(ana, 2))
        wait_for(lambda: self.mailboxes(world)["support-mail"]["taken"] == 2, "both are taken")
        before = servers.numbering("support")
        servers.stop_imap()
        servers.number_anew("support")
        servers.start_imap()
        self.assertNotEqual(before, servers.numbering("support"))
        servers.deliver("support", mail(ZOE, "new one"))
        self.assertIn("new one", ana.take(within=60)["messages"][-1]["text"])
        self.nothing_more(ana)
        self.assertIn("new numbering", world.log_text())

    @mostly_waits
    def test_a_folder_that_another_client_moves_away_and_makes_anew_is_found_under_its_name(self):
        world, servers = self.mail_world(start=False, folder="Orders")
        servers.make_folder("support", "Orders")
        world.start()
        self.wait_connected(world)
        ana = world.sign_in("ana")
        before = servers.numbering("support", "Orders")
        for text in ("old one", "old two"):
            servers.file("support", mail(ZOE, text), "Orders")
        wait_for(lambda: self.mailboxes(world)["support-mail"]["taken"] == 2, "both are taken")
        # Servers say nothing of it to the one who has the folder open. Its numbers begin anew, below those that are dealt with.
        # So it is looked after when a wait ends that brought no mail, and such a wait has begun now that is a short one.
        servers.make_folder_anew("support", "Orders", "Elsewhere")
        self.assertNotEqual(before, servers.numbering("support", "Orders"))
        servers.file("support", mail(ZOE, "new one"), "Orders")
        texts = [ana.take(within=60)["messages"][-1]["text"].strip() for _ in range(3)]
        self.assertEqual(["new one", "old one", "old two"], sorted(texts))
        self.nothing_more(ana)

    def test_fifty_thousand_old_mails_are_left_where_they_are(self):
        world, servers = self.mail_world(start=False)
        servers.fill("support", mail(ZOE, "old"), 50_000)
        world.start()
        self.wait_connected(world)
        ana = world.sign_in("ana")
        servers.deliver("support", mail(ZOE, "new"))
        self.assertIn("new", ana.take()["messages"][-1]["text"])
        self.nothing_more(ana)
        self.counted(world, 1)
        with servers.imap("support") as client:
            self.assertEqual(b"50001", client.select("INBOX", readonly=True)[1][0])

    def test_operators_are_told_what_is_wrong_with_a_mailbox(self):
        world, servers = self.mail_world(after_ingest="move", move_to="Done", sent_folder="Sent")
        good = world.ctl("connectors", "test", "support-mail", "--config", str(world.config_file))
        self.assertEqual(0, good.returncode, good.stdout + good.stderr)
        for part in ("move_to: Done is not there yet and will be made", "sent_folder: Sent is not there yet and will be made", f"takes mail from {SUPPORT}"):
            self.assertIn(part, good.stdout)
        self.assertEqual([], servers.inbox("support", "Done"))
        mailbox = world.config["connectors"]["support-mail"]

        def wrong(**changed):
            kept = dict(mailbox)
            mailbox.update(changed)
            world.write_config()
            done = world.ctl("connectors", "test", "support-mail", "--config", str(world.config_file))
            mailbox.clear()
            mailbox.update(kept)
            self.assertEqual(65, done.returncode, changed)
            # Each server has a sentence of its own, so that one lost is not covered up by the other.
            imap, _, smtp = done.stderr.strip().removeprefix("usherctl: support-mail: imap: ").partition("; smtp: ")
            return imap, smtp

        imap_port, smtp_port = mailbox["imap_url"].rpartition(":")[2], servers.smtp.port
        world.secret("wrong.password", "not this one")
        right = mailbox["password_file"]
        imap, smtp = wrong(password_file="wrong.password", smtp_password_file=right)
        self.assertTrue(imap.startswith("the server refused the user name or the password"), imap)
        self.assertIn("takes mail", smtp)
        imap, smtp = wrong(smtp_password_file="wrong.password")
        self.assertIn("logged in as support", imap)
        self.assertTrue(smtp.startswith("the mail server refused the user name or the password"), smtp)
        imap, smtp = wrong(ca_file="/etc/ssl/certs/ca-certificates.crt")
        self.assertTrue(imap.startswith("the certificate of localhost is from an authority that is not trusted here"), imap)
        self.assertTrue(smtp.startswith(f"the certificate of localhost:{smtp_port} is by an authority that is not believed here"), smtp)
        self.assertIn("localhost:1 cannot be reached", wrong(imap_url="imaps://localhost:1")[0])
        self.assertIn("localhost:1 refuses connections", wrong(smtp_url="smtp://localhost:1")[1])
        self.assertIn("the server refused to open the folder Nowhere", wrong(folder="Nowhere")[0])
        # Ports that are right for something else.
        self.assertIn("write imaps://", wrong(imap_url=f"imap://localhost:{imap_port}")[0])
        self.assertIn("write smtps://", wrong(smtp_url=f"smtp://localhost:{imap_port}")[1])
        self.assertIn("an SMTP server answers", wrong(imap_url=f"imap://localhost:{smtp_port}")[0])
        self.assertIn("no SMTP server but an IMAP server answers", wrong(smtp_url=f"smtps://localhost:{imap_port}")[1])
        servers.smtp.sender_refused = "553 5.7.1 not your address"
        self.assertEqual(f"the mail server refuses the sender {SUPPORT}: 553 5.7.1 not your address", wrong()[1])


class OnDovecot(AnyServer, MailCase):
    pass


class OnCyrus(AnyServer, MailCase):
    imap_server = "cyrus"


class OnCourier(AnyServer, MailCase):
    imap_server = "courier"
