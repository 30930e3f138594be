"""The terminal agent over TLS, which ends at a proxy before usherd: whom it trusts, and that nobody else hears the token."""
import subprocess
import threading
import urllib.parse

from case import EndToEnd
from tls_proxy import Authority, TlsProxy
from world import PROGRAMS, wait_for


class Tls(EndToEnd):
    def proxy(self, world, authority, names="DNS:localhost,IP:127.0.0.1"):
        proxy = TlsProxy(urllib.parse.urlsplit(world.url).port, *authority.certificate(names))
        self.addCleanup(proxy.close)
        return proxy

    def agent(self, world, url, *more):
        agent = subprocess.Popen([PROGRAMS / "usherctl", "agent", "--url", url, "--token", world.token_of("ana"), *more],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(agent.kill)
        return agent

    def test_a_shift_over_tls_with_an_authority_of_ones_own(self):
        world = self.world()
        authority = Authority(world.folder, "authority")
        proxy = self.proxy(world, authority)
        for number, url in enumerate((f"wss://localhost:{proxy.port}", f"https://127.0.0.1:{proxy.port}")):
            accepted = self.accepted(world.form(email=f"{number}@b.example", message="Hello over TLS"))
            agent = self.agent(world, url, "--ca-file", authority.file)
            said = []
            reader = threading.Thread(target=lambda: said.extend(agent.stdout), daemon=True)
            reader.start()
            for line, answer in (("available", "OFFER"), ("accept", "YOURS"), ("reply Safely back", "✓ sent"),
                                 ("close solved", "closed")):
                agent.stdin.write(line + "\n")
                agent.stdin.flush()
                wait_for(lambda: answer in "".join(list(said)), f"{answer} after {line} in {said}")
            agent.stdin.close()
            reader.join(timeout=15)
            self.assertEqual(0, agent.wait(timeout=15), said)
            self.assertEqual("Safely back", world.read_link(accepted["link"])["messages"][-1]["text"])

    def refused(self, world, proxy, url, *more):
        agent = self.agent(world, url, *more)
        output, _ = agent.communicate("available\n", timeout=15)
        self.assertEqual(77, agent.returncode, output)
        self.assertIn("not trusted", output)
        self.assertEqual(0, proxy.received, "nothing was said, the token least of all")
        return output

    def test_a_certificate_of_a_stranger_is_refused_before_the_token_is_said(self):
        world = self.world()
        proxy = self.proxy(world, Authority(world.folder, "stranger"))
        friend = Authority(world.folder, "friend")
        self.refused(world, proxy, f"https://localhost:{proxy.port}", "--ca-file", friend.file)
        self.refused(world, proxy, f"https://localhost:{proxy.port}")

    def test_a_right_certificate_for_another_name_is_refused(self):
        world = self.world()
        authority = Authority(world.folder, "authority")
        proxy = self.proxy(world, authority, "DNS:elsewhere.example")
        for host in ("localhost", "127.0.0.1"):
            output = self.refused(world, proxy, f"https://{host}:{proxy.port}", "--ca-file", authority.file)
            self.assertIn(host, output)

    def test_a_file_that_holds_no_certificates_and_one_without_tls_are_wrong_on_the_command_line(self):
        world = self.world(start=False)
        (world.folder / "empty.pem").write_text("nothing\n")
        for url, file in (("https://localhost:1", "empty.pem"), ("https://localhost:1", "none.pem"), ("http://localhost:1", "empty.pem")):
            agent = self.agent(world, url, "--ca-file", world.folder / file)
            output, _ = agent.communicate(timeout=15)
            self.assertEqual(64, agent.returncode, output)
