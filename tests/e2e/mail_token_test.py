"""A mailbox that is opened with access tokens, on a Dovecot that asks the token server about each: tokens end and are revoked while
mail comes, and the grant itself may be withdrawn for a while.
"""
import signal

from case import mostly_waits
from mail_case import MailCase
from mail_world import MailServers, mail
from token_server import TokenServer
from world import wait_for

REFRESH = "the refresh token of the tests"
# An answer of the token server is used for so long before it is asked again; see docs/email.md.
ASKED_AT_MOST_EVERY = 10


class AccessTokens(MailCase):
    def token_world(self, lasts, login="xoauth2"):
        tokens = TokenServer("support", lasts)
        self.addCleanup(tokens.close)
        servers = MailServers(settings=tokens.dovecot_settings)
        self.addCleanup(servers.close)
        world = self.world(start=False)
        world.secret("refresh", REFRESH)
        # Replies go by a password: what is tried here is the way in.
        world.config["connectors"]["support-mail"] = servers.connector(
            world.secret, login=login, token_url=tokens.url + "/token", client_id="usher", refresh_token_file="refresh", smtp_login="plain")
        world.write_config()
        world.start()
        self.wait_connected(world)
        return world, servers, tokens

    def takes(self, world, servers, agent, text, within=30):
        servers.deliver("support", mail(f"{text.replace(' ', '')}@example.org", text))
        conversation = agent.take(within=within)
        self.assertEqual(text, conversation["messages"][-1]["text"].strip())
        return conversation

    def trouble(self, world):
        return self.mailboxes(world)["support-mail"].get("trouble", "")

    @mostly_waits
    def test_a_token_that_ends_while_the_mailbox_is_connected_is_replaced_and_no_mail_is_lost(self):
        world, servers, tokens = self.token_world(lasts=12)
        ana = world.sign_in("ana")
        conversation = self.takes(world, servers, ana, "with the first token")
        # A connection lives on when its token ends, until the server ends it.
        wait_for(tokens.newest_is_dead, "the first token ends")
        self.assertGreater(servers.cut_connections(), 0)
        self.takes(world, servers, ana, "with the second token")
        self.assertEqual(2, len(tokens.issued))
        self.assertEqual(0, tokens.refused)
        ana.reply(conversation, "Hello")
        ana.expect("delivery", fits=lambda f: f["state"] == "sent")
        self.nothing_more(ana)
        self.counted(world, 2)

    @mostly_waits
    def test_a_revoked_token_is_refused_by_the_server_and_a_fresh_one_is_fetched_at_once(self):
        self.is_replaced_when_revoked("xoauth2")

    @mostly_waits
    def test_a_revoked_token_is_replaced_as_well_where_the_login_is_the_standard_one(self):
        self.is_replaced_when_revoked("oauthbearer")

    def is_replaced_when_revoked(self, login):
        world, servers, tokens = self.token_world(lasts=3600, login=login)
        ana = world.sign_in("ana")
        self.takes(world, servers, ana, "before")
        wait_for(lambda: tokens.newest_is_older_than(ASKED_AT_MOST_EVERY), "the token server may be asked again")
        tokens.revoke()
        self.assertGreater(servers.cut_connections(), 0)
        self.takes(world, servers, ana, "after")
        self.assertEqual((2, 0), (len(tokens.issued), tokens.refused))
        self.assertGreater(tokens.seen_dead, 0)
        self.nothing_more(ana)
        self.counted(world, 2)

    @mostly_waits
    def test_a_grant_that_is_withdrawn_is_told_in_words_and_heals_when_it_is_given_back(self):
        world, servers, tokens = self.withdrawn()
        tokens.accept_refresh_tokens(REFRESH)
        ana = world.sign_in("ana")
        # A refused login is tried again after a minute at most.
        self.assertEqual("while it was refused", ana.take(within=90)["messages"][-1]["text"].strip())
        wait_for(lambda: self.mailboxes(world)["support-mail"]["connected"] and not self.trouble(world), "the trouble is over")
        self.nothing_more(ana)

    @mostly_waits
    def test_a_new_refresh_token_counts_from_the_next_reload_on(self):
        world, servers, tokens = self.withdrawn()
        tokens.accept_refresh_tokens("another one")
        world.secret("refresh", "another one")
        world.signal(signal.SIGHUP)
        ana = world.sign_in("ana")
        self.assertEqual("while it was refused", ana.take()["messages"][-1]["text"].strip())
        self.nothing_more(ana)

    def withdrawn(self):
        """A world whose mailbox is refused its tokens, with a mail that waits there."""
        world, servers, tokens = self.token_world(lasts=3600)
        wait_for(lambda: tokens.newest_is_older_than(ASKED_AT_MOST_EVERY), "the token server may be asked again")
        tokens.accept_refresh_tokens()
        tokens.revoke()
        self.assertGreater(servers.cut_connections(), 0)
        servers.deliver("support", mail("waiting@example.org", "while it was refused"))
        wait_for(lambda: "invalid_grant" in self.trouble(world), "the trouble is told")
        self.assertIn("the refresh token has ended or was withdrawn", self.trouble(world))
        self.assertNotIn(REFRESH, world.operate("GET", "/readyz?verbose=1").body.decode())
        self.assertFalse(self.mailboxes(world)["support-mail"]["connected"])
        return world, servers, tokens
