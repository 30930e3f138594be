"""The base of tests about mail: a world whose `support-mail` is a mailbox on a real IMAP server."""
import json

from case import EndToEnd
from mail_world import MailServers
from world import wait_for


class MailCase(EndToEnd):
    imap_server = "dovecot"

    def mail_world(self, start=True, share=None, **more):
        servers = MailServers(self.imap_server)
        self.addCleanup(servers.close)
        world = self.world(start=False, share=share)
        world.config["connectors"]["support-mail"] = servers.connector(world.secret, **more)
        world.write_config()
        if start:
            world.start()
            self.wait_connected(world)
        return world, servers

    def mailboxes(self, world):
        answer = world.operate("GET", "/readyz?verbose=1")
        return {one["connector"]: one for one in json.loads(answer.body).get("mailboxes", [])}

    def counted(self, world, count):
        """So many mails and no more were taken; each is counted a moment after an agent may have it."""
        def taken():
            return self.mailboxes(world)["support-mail"]["taken"]
        wait_for(lambda: taken() >= count, f"{count} mails are counted")
        self.assertEqual(count, taken())

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

    def work_through(self, agent, count):
        """The texts of so many conversations of one mail each. An agent has room for three, so each is closed before the next."""
        texts = []
        held = list(agent.welcome["conversations"])
        offers = list(agent.welcome["offers"])
        while len(texts) < count:
            if held:
                conversation = held.pop()
            elif offers:
                agent.command("accept", offer=offers.pop()["offer"])
                conversation = agent.expect("assigned")["conversation"]
            else:
                conversation = agent.take(within=60)
            self.assertEqual(1, len(conversation["messages"]), conversation)
            texts.append(conversation["messages"][-1]["text"].strip())
            agent.close_conversation(conversation)
            agent.command("wrapped_up", conversation=conversation["id"])
        return sorted(texts)
