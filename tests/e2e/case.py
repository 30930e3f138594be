"""The base of every end-to-end test: one world a test, its usherd log shown when the test fails."""
import unittest

from servers import backend
from world import World


def only_on(*backends):
    """A class of tests that means something on these backends only; `run` leaves it out on the others."""
    def mark(tests):
        tests.backends = backends
        return tests
    return mark


def mostly_waits(test):
    """A test that waits for what nobody can hurry, such as a minute until a mail is tried again: it is begun first, and takes none of
    the places of those that work."""
    test.mostly_waits = True
    return test


def belongs_here(tests):
    return backend() in getattr(tests, "backends", (backend(),))


class EndToEnd(unittest.TestCase):
    maxDiff = None

    def world(self, change=None, start=True, **more):
        world = World(change, start, **more)
        self.addCleanup(self.end, world)
        return world

    def end(self, world):
        failed = any(error for _, error in getattr(self._outcome, "errors", [])) or (
            self._outcome.result.failures or self._outcome.result.errors)
        if failed:
            print(f"--- the end of usherd's log of {self.id()}\n{world.log_text()[-3000:]}\n{world.state_text()}\n---", flush=True)
        world.close()

    def accepted(self, answer):
        self.assertEqual(202, answer.status, answer)
        return answer.json()
