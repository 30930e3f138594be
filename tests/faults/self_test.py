"""The harness must be able to fail: after an undisturbed run, copies of the data folder are damaged, and each must be seen."""
import sqlite3

from load import Ledger, Load
from node import Node, Totals, look


def sql(statement, *values):
    def damage(folder):
        with sqlite3.connect(folder / "usher.db") as database:
            changed = database.execute(statement, values).rowcount
        database.close()
        assert changed == 1, (statement, changed)
    return damage


def settled(damage):
    """The newest state stands in the change log until a clean stop: after one, a row damaged in a table is what is read."""
    def on(folder):
        look(folder)
        damage(folder)
    return damage and on


def overwrite(folder):
    """Rubbish over a third of the file."""
    with sqlite3.connect(folder / "usher.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    file = folder / "usher.db"
    size = file.stat().st_size
    with open(file, "r+b") as out:
        out.seek(size // 3)
        out.write(b"\xa5" * (size // 3))


def truncate(folder):
    """The last acknowledged records never came to the disk: a sync that was none."""
    with sqlite3.connect(folder / "usher.db") as database:
        database.execute("DELETE FROM inbound_0 WHERE offset > (SELECT max(offset) - 5 FROM inbound_0)")
    database.close()


def damages(ledger):
    """Name, what is done to the copy, what the totals must say then."""
    id = sorted(ledger.so_far().messages.values())[3]
    entity = "UPDATE entities SET {} WHERE (table_name, key) IN (SELECT table_name, key FROM entities WHERE table_name = {} LIMIT 1)"
    return [
        ("undamaged", None, lambda t: t.bad() == 0 and not t.troubles),
        ("an acknowledged message is gone from the journal", sql("DELETE FROM inbound_0 WHERE type LIKE "
         "'usher.message.received%' AND value ->> 'id' = ?", id), lambda t: t.lost == 1),
        ("an agent's command is gone from the journal", lost_command(ledger), lambda t: t.lost == 1),
        # Which of the two depends on how far the state had come.
        ("the end of the journal is gone", truncate, lambda t: t.state_differs == 1 or t.lost > 0),
        ("one byte of an entity is another", sql(entity.format("value = value || '0'", "'conversation'")),
         lambda t: t.state_differs == 1),
        ("the text of a message is gone", sql("DELETE FROM bodies WHERE lower(hex(id)) = ?", id),
         lambda t: t.state_differs == 1),
        ("the state was written under another epoch", sql("UPDATE state_meta SET epoch = epoch - 1"),
         lambda t: t.stale_writes == 1),
        ("the file is damaged", overwrite, lambda t: t.state_differs == 1 or t.lost > 0),
    ]


def lost_command(ledger):
    agent, id = sorted(ledger.so_far().commands)[0]
    return sql("DELETE FROM inbound_0 WHERE id = ?", f"{agent}/{id}")


def add_assignment(ledger):
    """As if an agent had been told too early of what then went to another."""
    told = ledger.so_far().assignments
    conversation, holder = sorted(told)[0]
    others = [name for name in ("ana", "ben", "chloe") if (conversation, name) not in told]
    ledger.assignments.add((conversation, others[0]))


def main(seed, machines=None):
    if machines:
        import self_test_servers
        return self_test_servers.main(seed, machines)
    passed = failed = 0
    node = Node(Ledger(), Totals())
    try:
        node.start()
        with Load(node, f"self{seed}") as load:
            works = load.works_again(sends=20, commands=10)
            node.kill()
        tests = damages(node.ledger) if works else [("the load works", None, lambda t: False)]
        tests.append(("an agent was told of what the journal gave to another", None, lambda t: t.assigned_twice == 1))
        for number, (name, damage, fits) in enumerate(tests, 1):
            if number == len(tests):
                add_assignment(node.ledger)
            node.totals, node.reported, node.position = Totals(), set(), (-1, -1)
            node.audit(settled(damage))
            good = fits(node.totals)
            print(f"{'ok    ' if good else 'FAILED'} {name}: {node.totals.line()}", flush=True)
            passed, failed = passed + good, failed + (not good)
    finally:
        node.totals = Totals()
        node.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
