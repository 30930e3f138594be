"""The base of every end-to-end test: one world a test, its usherd log shown when the test fails."""
import unittest

from world import World


class EndToEnd(unittest.TestCase):
    maxDiff = None

    def world(self, change=None, start=True):
        world = World(change, start)
        self.addCleanup(self.end, world)
        return world

    def end(self, world):
        failed = any(error for _, error in getattr(self._outcome, "errors", [])) or (
            self._outcome.result.failures or self._outcome.result.errors)
        if failed:
            print(f"--- the end of usherd's log of {self.id()}\n{world.log_text()[-3000:]}\n---", flush=True)
        world.close()

    def accepted(self, answer):
        self.assertEqual(202, answer.status, answer)
        return answer.json()
