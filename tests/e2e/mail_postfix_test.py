"""Mail over a real Postfix, in both directions: the customer's mails reach the mailbox by it, and the replies the customer."""
from case import mostly_waits
from mail_case import MailCase
from mail_world import answer_to, mail
from postfix_server import Postfix
from world import wait_for

ZOE = "Zoe Lang <zoe@example.org>"


class OverPostfix:
    def postfix_world(self):
        world, servers = self.mail_world(start=False)
        postfix = Postfix(servers)
        self.addCleanup(postfix.close)
        world.config["connectors"]["support-mail"].update(smtp_url=postfix.url, smtp_login="none")
        world.write_config()
        world.start()
        self.wait_connected(world)
        return world, servers, postfix

    def test_a_mail_its_reply_and_the_answer_to_that_stay_one_conversation(self):
        world, servers, postfix = self.postfix_world()
        ana = world.sign_in("ana")
        first = mail(ZOE, "Where is my parcel? Grüße")
        postfix.send(first)
        conversation = ana.take()
        self.assertIn("Where is my parcel? Grüße", conversation["messages"][-1]["text"])
        ana.reply(conversation, "It is **on its way**.\n.\nfrom here\n")
        ana.expect("delivery", fits=lambda f: f["state"] == "sent")
        reply = servers.received("zoe")[0]
        self.assertEqual(first["Message-ID"], reply["In-Reply-To"])
        self.assertIn("It is **on its way**.\n.\nfrom here", reply.get_body(("plain",)).get_content().replace("\r\n", "\n"))
        ana.close_conversation(conversation)
        postfix.send(answer_to(reply, "Thank you, and when?", ZOE))
        back = ana.take()
        self.assertEqual(conversation["id"], back["id"])
        self.assertIn("Thank you, and when?", back["messages"][-1]["text"])
        # The signed address alone, as a program without References has it.
        postfix.send(mail("Zoe <private@example.net>", "From my telephone", to=reply["Reply-To"], subject="hello"))
        self.assertIn("From my telephone", ana.expect("message", fits=lambda f: f["message"]["kind"] == "from_customer")["message"]["text"])
        self.nothing_more(ana)
        self.assertEqual(1, len(servers.inbox("zoe")))


class PostfixToDovecot(OverPostfix, MailCase):
    def test_a_recipient_that_it_refuses_is_told_in_its_words(self):
        world, servers, postfix = self.postfix_world()
        ana = world.sign_in("ana")
        postfix.send(mail("Max <max@elsewhere.example>", "Do you write to strangers?"))
        conversation = ana.take()
        ana.reply(conversation, "We try.")
        told = ana.expect("delivery", fits=lambda f: f["state"] == "failed")
        self.assertIn("Relay access denied", told.get("detail", ""))

    @mostly_waits
    def test_a_reply_waits_for_it_while_it_is_away_and_is_sent_once(self):
        world, servers, postfix = self.postfix_world()
        ana = world.sign_in("ana")
        postfix.send(mail(ZOE, "Are you there?"))
        conversation = ana.take()
        postfix.stop()
        ana.reply(conversation, "Now I am.")
        ana.expect("delivery", fits=lambda f: f["state"] == "deferred")
        postfix.start()
        ana.expect("delivery", within=120, fits=lambda f: f["state"] == "sent")
        wait_for(lambda: len(servers.inbox("zoe")) == 1, "the reply arrives once")
        self.assertIn("Now I am.", servers.inbox("zoe")[0][1].get_body(("plain",)).get_content())


class PostfixToCourier(OverPostfix, MailCase):
    imap_server = "courier"
