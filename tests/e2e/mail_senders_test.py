"""Who may join a conversation by mail: what the provider's check of the sender says, what an agent sees of it, and what counts
beside it.
"""
import email.policy

from mail_case import MailCase
from mail_world import answer_to, mail

ZOE = "Zoe Lang <zoe@example.org>"
CHECKER = "mx.example.com"


def checked(results, message, by=CHECKER, below=""):
    """The mail as the receiving server keeps it: its results on top, what the sender claimed below its `Received`."""
    stamp = f"Authentication-Results: {by}; {results}\r\n" if results else ""
    received = f"Received: from somewhere by {CHECKER} with ESMTPS; Sat, 21 Nov 2026 18:58:01 +0000\r\n"
    return (stamp + received + below).encode() + message.as_bytes(policy=email.policy.SMTP)


GOOD = "dkim=pass header.d=example.org; dmarc=pass header.from=example.org"
CLAIMED = f"Authentication-Results: {CHECKER}; {GOOD}\r\n"
PASSED = {"result": "pass", "method": "dmarc", "domain": "example.org"}
FAILED = {"result": "fail", "method": "dmarc", "domain": "example.org"}
NOBODY = {"result": "unknown", "method": None, "domain": "example.org"}


class MailSenders(MailCase):
    def conversation(self):
        """One that began with a mail of Zoe's, which the check passed, and has a reply of ours."""
        world, servers = self.mail_world(authserv_id=CHECKER)
        ana = world.sign_in("ana")
        first = mail(ZOE, "One")
        servers.deliver("support", checked(GOOD, first))
        conversation = ana.take()
        self.assertEqual(PASSED, conversation["messages"][-1]["verification"])
        self.assertEqual([{"kind": "email", "value": "zoe@example.org", "verified": True}], conversation["messages"][-1]["from"])
        ana.reply(conversation, "Hello")
        return servers, ana, first, conversation, servers.received("zoe")[0]

    @staticmethod
    def joined(agent):
        return agent.expect("message", fits=lambda f: f["message"]["kind"] == "from_customer")

    def test_an_unverified_sender_who_quotes_customers_mails_only_begins_a_conversation_of_its_own(self):
        servers, ana, first, conversation, _ = self.conversation()
        known = first["Message-ID"]

        def quoting(text):
            return mail(ZOE, text, subject="Re: Order 4411", In_Reply_To=known, References=f"<older@example.org> {known}")
        for what, forged, expected in (
                ("the check failed", checked("dmarc=fail header.from=example.org", quoting("a"), below=CLAIMED), FAILED),
                ("it says nothing of the sender", checked("spf=none; dkim=none; dmarc=none", quoting("b")), NOBODY),
                ("it is missing", checked("", quoting("c")), NOBODY),
                ("another server's word", checked(GOOD, quoting("d"), by="mx.example.net"), NOBODY),
                ("a check of the machine only", checked("spf=pass smtp.mailfrom=zoe@example.org", quoting("e")),
                 {"result": "pass", "method": "spf", "domain": "example.org"})):
            with self.subTest(what):
                servers.deliver("support", forged)
                other = ana.take()
                self.assertNotEqual(conversation["id"], other["id"])
                self.assertEqual(1, other["messages_total"])
                self.assertEqual(expected, other["messages"][-1]["verification"])
                self.assertEqual([expected["result"] == "pass"], [one["verified"] for one in other["messages"][-1]["from"]])
                ana.close_conversation(other)
                ana.command("wrapped_up", conversation=other["id"])
        # The same words of somebody who was checked are in the conversation, and nothing of the others.
        servers.deliver("support", checked(GOOD, quoting("It is me.")))
        frame = self.joined(ana)
        self.assertEqual((conversation["id"], "It is me."), (frame["conversation"], frame["message"]["text"].strip()))
        self.assertEqual(PASSED, frame["message"]["verification"])
        self.nothing_more(ana)

    def test_an_unverified_sender_joins_by_what_we_signed_and_the_agent_sees_it(self):
        servers, ana, _, conversation, reply = self.conversation()
        by_address = mail(ZOE, "By the address", to=reply["Reply-To"], subject="hello")
        by_id = mail(ZOE, "By the id alone", subject="Re: Order 4411", In_Reply_To=reply["Message-ID"], References=reply["Message-ID"])
        # In its form as ours is: one letter of what signs it is another.
        at = reply["Message-ID"].index("@") - 4
        changed = reply["Message-ID"][:at] + ("b" if reply["Message-ID"][at] == "a" else "a") + reply["Message-ID"][at + 1:]
        forged_id = mail(ZOE, "By an id that is not ours", subject="Re: Order 4411", In_Reply_To=changed, References=changed)
        for message, stamp, expected in ((by_id, "dmarc=fail header.from=example.org", FAILED), (by_address, "", NOBODY),
                                         (answer_to(reply, "By both", ZOE), "dmarc=fail header.from=example.org", FAILED)):
            servers.deliver("support", checked(stamp, message))
            frame = self.joined(ana)
            self.assertEqual(conversation["id"], frame["conversation"])
            self.assertEqual(expected, frame["message"]["verification"])
            self.assertEqual([False], [one["verified"] for one in frame["message"]["from"]])
        servers.deliver("support", checked("dmarc=fail header.from=example.org", forged_id))
        self.assertNotEqual(conversation["id"], ana.take()["id"])
        self.nothing_more(ana)

    def test_without_a_server_to_believe_nothing_is_claimed_and_the_sender_is_taken_at_their_word(self):
        world, servers = self.mail_world()
        ana = world.sign_in("ana")
        first = mail(ZOE, "One")
        servers.deliver("support", checked(GOOD, first))
        conversation = ana.take()
        self.assertNotIn("verification", conversation["messages"][-1])
        self.assertEqual([False], [one["verified"] for one in conversation["messages"][-1]["from"]])
        servers.deliver("support", checked("dmarc=fail header.from=example.org", mail(ZOE, "Two", In_Reply_To=first["Message-ID"])))
        frame = self.joined(ana)
        self.assertEqual(conversation["id"], frame["conversation"])
        self.assertNotIn("verification", frame["message"])
