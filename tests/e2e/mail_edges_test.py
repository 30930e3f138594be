"""Two edges with one mailbox: one of them reads it, and when that one dies the other goes on. No mail is lost, and none comes twice."""
from case import only_on
from mail_case import MailCase
from mail_world import MailServers, mail
from roles_test import Fleet
from world import wait_for


@only_on("kafka")
class TwoEdges(Fleet, MailCase):
    def setUp(self):
        self.servers = MailServers()
        self.addCleanup(self.servers.close)
        self.sent = []

    def has_mailbox(self, node):
        node.config["connectors"]["support-mail"] = self.servers.connector(node.secret, after_ingest="keyword")

    def figures(self, edge):
        return self.mailboxes(edge).get("support-mail")

    def readers(self, edges):
        """Those who read, or try to: whoever does not has nothing to say of the mailbox."""
        return [edge for edge in edges if (self.figures(edge) or {}).get("read_here")]

    def reader_of(self, edges, within=20):
        def alone():
            found = self.readers(edges)
            self.assertLess(len(found), 2)
            return found and self.figures(found[0])["last_poll"] and found[0]
        return wait_for(alone, "one edge reads the mailbox", within)

    def deliver(self, count):
        for _ in range(count):
            self.sent.append(f"mail {len(self.sent):02}")
            self.servers.deliver("support", mail(f"Customer <c{len(self.sent)}@example.org>", self.sent[-1]))

    def answered(self, agent, sender, text):
        """Who gets it has the one copy."""
        before = len(self.servers.smtp.taken)
        self.servers.deliver("support", mail(sender, text))
        conversation = agent.take(within=60)
        self.assertIn(text, conversation["messages"][-1]["text"])
        agent.reply(conversation, f"To {text}")
        agent.expect("delivery", within=60, fits=lambda f: f["state"] == "sent")
        self.assertEqual(before + 1, len(self.servers.smtp.taken))
        agent.close_conversation(conversation)
        agent.command("wrapped_up", conversation=conversation["id"])

    def test_a_mailbox_of_two_edges_is_read_by_one_and_by_the_other_when_that_one_dies_rule_I3(self):
        nodes = self.fleet("edge", "edge", "router,desk", each=self.has_mailbox)
        edges, desk = nodes[:2], nodes[2]
        first = self.reader_of(edges)
        second = next(edge for edge in edges if edge is not first)
        ana = desk.sign_in("ana")
        self.answered(ana, "Zoe <zoe@example.org>", "Before")
        self.deliver(4)
        wait_for(lambda: self.figures(first)["taken"] == 5, "the mails are taken")
        self.assertEqual([first], self.readers(edges))
        self.assertEqual(0, self.figures(second)["taken"])

        self.deliver(3)
        first.kill()  # In the midst of these, or before: whatever it had begun.
        self.deliver(3)
        self.assertIs(second, self.reader_of([second], within=30))
        wait_for(lambda: len([flags for flags, _ in self.servers.inbox("support") if "$UsherIngested" in flags]) == 11, "all mails are marked")
        # The one that comes back waits for its turn.
        first.start()
        self.deliver(2)
        wait_for(lambda: len([flags for flags, _ in self.servers.inbox("support") if "$UsherIngested" in flags]) == 13, "all mails are marked")
        self.assertEqual([second], self.readers(edges))
        self.assertEqual(0, self.figures(first)["taken"])

        self.assertEqual(self.sent, self.work_through(ana, len(self.sent)))
        self.nothing_more(ana)
        self.assertEqual(len(self.sent) + 1, len(desk.operate("GET", "/v1/conversations?limit=100").json()["conversations"]))
        self.answered(ana, "Max <max@example.org>", "After")
        self.assertEqual(2, len(self.servers.smtp.taken))

    def test_an_edge_that_is_told_to_stop_gives_its_mailbox_to_the_other_at_once(self):
        nodes = self.fleet("edge", "edge", "router,desk", each=self.has_mailbox)
        edges, desk = nodes[:2], nodes[2]
        first = self.reader_of(edges)
        second = next(edge for edge in edges if edge is not first)
        self.deliver(2)
        wait_for(lambda: self.figures(first)["taken"] == 2, "the mails are taken")
        self.assertEqual(0, first.stop())
        self.deliver(2)
        # A lease that nobody gave back would run for ten seconds.
        self.assertIs(second, self.reader_of([second], within=8))
        self.assertEqual(self.sent, self.work_through(desk.sign_in("ana"), len(self.sent)))
