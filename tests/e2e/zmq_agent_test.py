"""The sample agent of deploy/examples works a shift against a real usherd, with and without CURVE."""
import os
import pathlib
import signal
import subprocess
import sys

import zmq

from case import EndToEnd
from world import free_port, wait_for

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "examples" / "agent.py"


class SampleAgent(EndToEnd):
    def world_with_door(self, **more):
        endpoint = f"tcp://127.0.0.1:{free_port()}"
        world = self.world(lambda config: config.update(zmq={"agents": endpoint}), start=False)
        world.config["zmq"] = {"agents": endpoint, **more}
        return world

    def work(self, world, token=None, **keys):
        environment = {**os.environ, "USHER_TOKEN": token or world.token_of("ana"), **keys}
        # Who was started in the background ignores the interrupt, and so would its children.
        agent = subprocess.Popen([sys.executable, EXAMPLE, world.config["zmq"]["agents"]], env=environment, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

        def end():
            agent.kill()
            agent.communicate()
        world.closers.append(end)
        return agent

    def answered(self, world, count):
        wait_for(lambda: len(world.outbox()["messages"]) == count, f"{count} replies in the outbox")

    def test_it_answers_what_waits_and_what_comes_and_goes_on_after_a_restart(self):
        world = self.world_with_door()
        world.write_config()
        world.start()
        self.accepted(world.post("Is anybody there?", key="1", sender="u1"))
        agent = self.work(world)
        self.answered(world, 1)
        for number in range(2, 6):
            self.accepted(world.post("And now?", key=str(number), sender=f"u{number}"))
            self.answered(world, number)
        # Its session is gone with the process, its connection is dialled anew, and it says hello again.
        world.restart(hard=True)
        self.accepted(world.post("Still there?", key="6", sender="u6"))
        self.answered(world, 6)
        agent.send_signal(signal.SIGINT)
        said, _ = agent.communicate(timeout=10)
        self.assertEqual(0, agent.returncode, said)
        self.assertEqual(6, said.count("answered "), said)

    def test_a_wrong_token_ends_it_with_the_reason(self):
        world = self.world_with_door()
        world.write_config()
        world.start()
        agent = self.work(world, token="usher_wrong")
        said, _ = agent.communicate(timeout=10)
        self.assertIn("closed: 4003", said)

    def test_with_curve_its_own_key_lets_it_in_and_another_key_does_not(self):
        server_key, server_secret = zmq.curve_keypair()
        own_key, own_secret = zmq.curve_keypair()
        world = self.world_with_door(curve_secret_file="zmq.key", allowed_keys={own_key.decode(): "ana"})
        world.secret("zmq.key", server_secret.decode())
        world.write_config()
        world.start()
        self.accepted(world.post("Psst!", key="1"))
        stranger, stranger_secret = zmq.curve_keypair()
        self.work(world, USHER_SERVER_KEY=server_key.decode(), USHER_PUBLIC_KEY=stranger.decode(),
                  USHER_SECRET_KEY=stranger_secret.decode())
        chloe = self.work(world, token=world.token_of("chloe"), USHER_SERVER_KEY=server_key.decode(),
                          USHER_PUBLIC_KEY=own_key.decode(), USHER_SECRET_KEY=own_secret.decode())
        self.assertIn("closed: 4003", chloe.communicate(timeout=10)[0])
        self.assertEqual([], world.outbox(within=1)["messages"])
        self.work(world, USHER_SERVER_KEY=server_key.decode(), USHER_PUBLIC_KEY=own_key.decode(),
                  USHER_SECRET_KEY=own_secret.decode())
        self.answered(world, 1)
