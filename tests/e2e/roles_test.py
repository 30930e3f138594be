"""Roles: one installation as several processes on Kafka and Redis. Any of them may be restarted or die while the others work."""
import signal
import threading
import time

from case import EndToEnd, only_on
from receiver import Receiver
from servers import Share
from world import WEBHOOK_SECRET, World, request, wait_for

SLOW = "60s"  # Long enough that nothing in these tests moves on by running out of time.


def patient(config):
    config["times"].update(offer_timeout=SLOW, session_grace=SLOW)


class Fleet(EndToEnd):
    """Nodes of one installation: the same configuration, each with its own data folder, ports and roles."""

    def fleet(self, *roles, change=patient, each=None):
        """`each(node)`: what a node has of its own, such as files beside its configuration."""
        share = Share()
        first = None
        nodes = []

        def configure(config):
            change(config)
            config["zmq"] = {"agents": "off", "cluster_secret_file": "cluster.secret"}

        for index, role in enumerate(roles):
            node = World(configure, start=False, share=share, roles=role)
            self.addCleanup(self.end, node)
            first = first or node
            # Private links lead to the one address that customers know.
            node.config["http"]["public_url"] = first.url
            node.config["node"] = {"name": f"n{index}"}
            node.secret("cluster.secret", "cluster-secret-0123456789abcdef0123456789abcdef")
            if each:
                each(node)
            node.write_config()
            nodes.append(node)
        for node in nodes:
            node.begin()
        for node in nodes:
            node.wait_ready()
        return nodes

    @staticmethod
    def phase(node):
        try:
            return node.operate("GET", "/v1/status").json().get("phase")
        except OSError:
            return None

    def owner(self, nodes, within=15):
        return wait_for(lambda: next((node for node in nodes if self.phase(node) == "routing"), None),
                        "one of the routers owns the partition", within)

    @staticmethod
    def connected(router, name):
        listed = router.operate("GET", "/v1/agents").json()["agents"]
        return next(row["connected"] for row in listed if row["id"] == name)

    def converse(self, edge, desk, name="ana", key="k"):
        """One message, in by an edge, to an agent at a desk, and the answer back."""
        accepted = self.accepted(edge.form(email=f"{key}@b.example", message=f"Question {key}"))
        agent = desk.sign_in(name)
        conversation = agent.take()
        self.assertEqual(f"Question {key}", conversation["messages"][-1]["text"])
        agent.reply(conversation, f"Answer {key}")
        wait_for(lambda: [m["text"] for m in edge.read_link(accepted["link"])["messages"]]
                 == [f"Question {key}", f"Answer {key}"], "the answer at the private link")
        return agent, conversation, accepted


@only_on("kafka")
class Apart(Fleet):
    def test_a_message_goes_by_edge_router_and_desk_to_an_agent_and_its_answer_back(self):
        edge, router, desk = self.fleet("edge", "router", "desk")
        agent, conversation, accepted = self.converse(edge, desk)
        self.assertEqual("assigned", edge.read_link(accepted["link"])["state"])
        self.accepted(edge.post("By the channel", key="c", sender="u2"))
        agent.reply(agent.take(), "Back by the channel")
        self.assertEqual(["Back by the channel"], [m["text"] for m in edge.outbox()["messages"]])
        agent.command("close", conversation=conversation["id"], disposition="solved")
        wait_for(lambda: edge.read_link(accepted["link"])["state"] in ("wrap_up", "closed"), "the end of the conversation")

    def test_a_node_answers_for_its_own_roles_only_and_says_so(self):
        edge, router, desk = self.fleet("edge", "router", "desk")
        for node in (edge, desk):
            refused = node.operate("GET", "/v1/agents")
            self.assertEqual(503, refused.status, refused)
            self.assertIn("no router", refused.json()["title"] + refused.json().get("detail", ""))
        self.assertEqual(200, router.operate("GET", "/v1/agents").status)
        self.assertEqual(404, desk.form(email="a@b.example", message="Not here").status)
        self.assertEqual("edge", edge.operate("GET", "/v1/status").json()["roles"])
        with self.assertRaises(OSError):
            router.form(email="a@b.example", message="Nobody listens here")
        made = desk.operate("POST", "/v1/agents/ana/tokens")
        self.assertEqual(201, made.status, made)
        self.assertEqual(404, desk.operate("POST", "/v1/agents/nobody/tokens").status)

    def test_weaker_durability_is_named_and_no_reason_to_be_unready_rule_J3(self):
        (node,) = self.fleet("edge,router,desk")
        ready = request("GET", node.ops + "/readyz")
        self.assertEqual(200, ready.status, ready)
        self.assertTrue(any("repli" in weakness or "broker" in weakness for weakness in ready.json()["weaknesses"]), ready)

    def test_a_node_of_another_tenant_on_the_same_topics_and_keys_is_refused_rule_J5(self):
        edge, router, desk = self.fleet("edge", "router", "desk")
        for roles in ("edge", "router", "desk", "edge,router,desk"):
            stranger = World(lambda config: config.update(tenant="bravo"), start=False, share=edge.share, roles=roles)
            self.addCleanup(self.end, stranger)
            stranger.begin()
            self.assertEqual(65, stranger.process.wait(timeout=30), stranger.log_text()[-2000:])
            self.assertIn("tenant acme's, not bravo's", stranger.log_text())
        self.assertEqual("routing", self.phase(router))
        self.converse(edge, desk)

    def test_a_backup_is_refused_with_a_sentence_that_says_where_backups_are(self):
        (node,) = self.fleet("edge,router,desk")
        made = node.ctl("backup", str(node.folder / "backup"))
        self.assertNotEqual(0, made.returncode)
        self.assertIn("Kafka", made.stderr)


class Traffic:
    """Messages at a steady pace until stopped; what was acknowledged is remembered, what was refused is tried again."""

    def __init__(self, edges):
        self.edges, self.acknowledged, self.stopping = edges, {}, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        number = 0
        while not self.stopping.wait(0.05):
            for edge in self.edges:
                try:
                    answer = edge.post(f"Message {number}", key=f"t{number}", sender=f"t{number}")
                except OSError:
                    continue  # This edge is away: the customer tries the next one.
                if answer.status == 202:
                    self.acknowledged[answer.json()["id"]] = number
                    number += 1
                    break

    def stop(self):
        self.stopping.set()
        self.thread.join(timeout=30)
        return self.acknowledged


@only_on("kafka")
class Restarts(Fleet):
    def known(self, router, count):
        def look():
            listed = router.operate("GET", "/v1/conversations?limit=5000")
            return listed.status == 200 and len(listed.json()["conversations"]) == count
        wait_for(look, f"{count} conversations, one for each message acknowledged")

    def test_each_role_is_restarted_under_traffic_and_nothing_acknowledged_is_lost(self):
        nodes = self.fleet("edge", "edge", "router", "router", "desk")
        edges, routers, desk = nodes[:2], nodes[2:4], nodes[4]
        owner = self.owner(routers)
        traffic = Traffic(edges)
        for node in (edges[0], owner, desk, edges[1], *(router for router in routers if router is not owner)):
            node.restart()
        acknowledged = traffic.stop()
        self.assertGreater(len(acknowledged), 10)
        self.known(self.owner(routers), len(acknowledged))
        self.assertEqual(len(acknowledged), len(set(acknowledged.values())))
        # And the work goes on.
        ana = desk.sign_in("ana")
        self.assertIn("Message", ana.take()["messages"][-1]["text"])

    def test_a_router_that_was_killed_is_followed_within_seconds_and_work_in_hand_is_kept_rule_O2(self):
        edge, one, other, desk = self.fleet("edge", "router", "router", "desk")
        owner = self.owner([one, other])
        standby = other if owner is one else one
        self.assertEqual("standby", self.phase(standby))
        agent, conversation, accepted = self.converse(edge, desk)
        owner.kill()
        begin = time.monotonic()
        self.owner([standby], within=10)
        took = time.monotonic() - begin
        print(f"     takeover after kill -9: {took:.2f} s", flush=True)
        self.assertLess(took, 5, "takeover")
        agent.reply(conversation, "After the takeover")
        wait_for(lambda: len(edge.read_link(accepted["link"])["messages"]) == 3, "the second answer")
        self.accepted(edge.post("New work", key="n", sender="u3"))
        self.assertEqual("New work", agent.take()["messages"][-1]["text"])

    def test_a_router_that_is_told_to_stop_hands_over_at_once_rule_O2(self):
        edge, one, other, desk = self.fleet("edge", "router", "router", "desk")
        owner = self.owner([one, other])
        standby = other if owner is one else one
        agent, conversation, accepted = self.converse(edge, desk)
        self.assertEqual(0, owner.stop())
        begin = time.monotonic()
        self.owner([standby])
        took = time.monotonic() - begin
        # A lease that nobody gave back would run for 1.3 s more at least.
        print(f"     hand-over after SIGTERM: {took:.2f} s", flush=True)
        self.assertLess(took, 1.0)
        agent.reply(conversation, "After the hand-over")
        wait_for(lambda: len(edge.read_link(accepted["link"])["messages"]) == 3, "the second answer")

    def test_agents_of_a_desk_that_was_killed_come_back_on_another_with_their_work_rule_A1(self):
        edge, router, one, other = self.fleet("edge", "router", "desk", "desk")
        agent, conversation, accepted = self.converse(edge, one)
        one.kill()

        wait_for(lambda: not self.connected(router, "ana"), "the router knows that ana's desk is gone", 20)
        again = other.sign_in("ana", available=False)
        self.assertEqual([conversation["id"]], [c["id"] for c in again.welcome["conversations"]])
        again.reply(conversation, "From the other desk")
        wait_for(lambda: len(edge.read_link(accepted["link"])["messages"]) == 3, "the second answer")

    def test_agents_of_a_desk_that_is_told_to_stop_are_sent_to_another_at_once_rule_A1(self):
        edge, router, one, other = self.fleet("edge", "router", "desk", "desk")
        agent, conversation, accepted = self.converse(edge, one)
        self.assertEqual(0, one.stop())
        agent.expect_closed(1012)
        again = other.sign_in("ana", available=False)
        self.assertEqual([conversation["id"]], [c["id"] for c in again.welcome["conversations"]])
        again.reply(conversation, "From the other desk")
        wait_for(lambda: len(edge.read_link(accepted["link"])["messages"]) == 3, "the second answer")

    def test_a_desk_that_was_frozen_past_its_lease_welcomes_its_agents_anew_rule_A1(self):
        edge, router, desk = self.fleet("edge", "router", "desk")
        agent, conversation, accepted = self.converse(edge, desk)
        desk.signal(signal.SIGSTOP)
        try:
            wait_for(lambda: not self.connected(router, "ana"), "the router holds the desk for dead", 25)
        finally:
            desk.signal(signal.SIGCONT)
        agent.expect("welcome", fits=lambda f: [c["id"] for c in f["conversations"]] == [conversation["id"]])
        wait_for(lambda: self.connected(router, "ana"), "ana is connected again")
        agent.reply(conversation, "As if nothing had been")
        wait_for(lambda: len(edge.read_link(accepted["link"])["messages"]) == 3, "the second answer")

    def test_a_node_with_another_file_changes_nothing_until_it_owns_the_partition_and_reloads_rule_P1(self):
        one, other = self.fleet("edge,router,desk", "edge,router,desk")
        owner = self.owner([one, other])
        second = other if owner is one else one
        second.config["agents"]["ana"]["skills"]["french"] = 5
        second.write_config()
        second.restart()
        self.accepted(second.post("Bonjour", key="fr", language="fr"))
        ana = second.sign_in("ana")
        second.signal(signal.SIGHUP)
        wait_for(lambda: "reloaded" in second.log_text(), "the reload of a node that does not own the partition")
        owner.stop()
        self.owner([second])
        wait_for(lambda: "active policy is another" in second.log_text(), "the new owner says that its file is another")
        ana.settle()
        self.assertEqual([], ana.seen("offer"))
        second.signal(signal.SIGHUP)
        self.assertEqual("Bonjour", ana.take()["messages"][-1]["text"])

    def test_replies_are_sent_once_when_the_edge_that_sends_them_is_restarted_rule_E5(self):
        receiver = Receiver(WEBHOOK_SECRET)
        self.addCleanup(receiver.close)

        def change(config):
            patient(config)
            config["connectors"]["shop"].update(webhook_url=receiver.url, webhook_secret=WEBHOOK_SECRET)

        edge, other, rest = self.fleet("edge", "edge", "router,desk", change=change)
        agent = rest.sign_in("ana")
        for number, node in enumerate((edge, other, edge)):
            self.accepted(other.post(f"Question {number}", key=f"q{number}", sender=f"u{number}"))
            agent.reply(agent.take(), f"Answer {number}")
            wait_for(lambda count=number + 1: len(receiver.delivered()) >= count, "the webhook")
            node.restart()
        self.assertEqual([f"Answer {n}" for n in range(3)], [post["data"]["text"] for post in receiver.delivered()])
