"""Redis loses or falsifies what it holds: flushed or erased under a live owner, cut off, a bit flipped, an old copy put back."""
import shutil
import subprocess
import time

from fleet import Fleet, fresh_redis
from redis_link import wait_until

LOSSES = ("everything", "meta", "table", "outbox", "everything and the owner", "tables", "outbox-order", "leases")
HARMS = ("tail cut", "old copy", "bit in the file", "bit in a value", "bit in a text")


def flush(task):
    """FLUSHALL, or one key erased, while routers are at work; once together with the death of the owner."""
    rounds = 3 * len(LOSSES) if task.rounds == "all" else task.rounds
    with Fleet(task, task.machines) as fleet, fleet.load() as load:
        fleet.recovers(load, "start")
        while task.rounds_done < rounds:
            what = LOSSES[task.rounds_done % len(LOSSES)]
            time.sleep(task.random.uniform(0, 0.5))
            with fleet.watch.expect_rollback():
                before = generation_of(fleet)
                there = lose(fleet, what)
                fleet.recovers(load, f"lost: {what}")
                # What is lost and not noticed would never be written again. Leases are no state.
                if there and what != "leases" and not wait_until(lambda: generation_of(fleet) not in (None, before), 20):
                    task.totals.trouble(f"lost: {what}: the state was not written anew")
            task.rounds_done += 1
            # Each folds the whole log anew, so that many rounds are not all audited.
            if rounds < 10 or task.rounds_done % 4 == 0:
                fleet.audit()
        fleet.ends(load)


def generation_of(fleet):
    link = fleet.share.redis_link()
    try:
        return link.ask("HGET", fleet.share.key("meta"), "generation")
    finally:
        link.close()


def lose(fleet, what):
    """How many keys were erased; an empty outbox is no key."""
    owner = fleet.owner()
    with_owner = what.endswith("and the owner")
    if with_owner and owner:
        owner.kill()
    link = fleet.share.redis_link()
    try:
        if what.startswith("everything"):
            there = link.ask("DBSIZE")
            link.ask("FLUSHALL")
        elif what == "leases":
            there = link.ask("DEL", f"{fleet.share.prefix}:lease:partition/0", f"{fleet.share.prefix}:leases")
        else:
            # A generation may be left while we look: what is erased must be one that is read.
            generation = link.ask("HGET", fleet.share.key("meta"), "generation").decode()
            names = {"meta": "meta", "table": f"g{generation}:table:conversation", "tables": f"g{generation}:tables",
                     "outbox": f"g{generation}:outbox", "outbox-order": f"g{generation}:outbox-order"}
            there = link.ask("DEL", fleet.share.key(names[what]))
    finally:
        link.close()
    if with_owner and owner:
        owner.begin()
        owner.wait_ready()
    return there


def restore(task):
    """The files of Redis come back shorter, older, or with a wrong bit."""
    rounds = 3 * len(HARMS) if task.rounds == "all" else task.rounds
    fresh_redis(task.machines)
    with Fleet(task, task.machines) as fleet, fleet.load() as load:
        fleet.recovers(load, "start")
        while task.rounds_done < rounds:
            harm = HARMS[task.rounds_done % len(HARMS)]
            backup = copy_of(fleet) if harm == "old copy" else None
            fleet.recovers(load, "before it", sends=5, commands=10)
            with fleet.watch.expect_rollback():
                before = generation_of(fleet)
                said, mended = harm_redis(task, fleet, harm, backup)
                fleet.recovers(load, f"{harm}{said}", within=90)
                if harm == "bit in a value" and not wait_until(lambda: generation_of(fleet) not in (None, before), 20):
                    task.totals.trouble("a wrong value was loaded and taken for right")
                # What the audit does not say by itself.
                if mended and not wait_until(mended, fleet.texts_within):
                    task.totals.trouble("a wrong text was taken for right")
            task.rounds_done += 1
            # Each folds the whole log anew, so that many rounds are not all audited.
            if rounds < 10 or task.rounds_done % 4 == 0:
                fleet.audit()
        fleet.ends(load)


def copy_of(fleet):
    """A backup as an operator would make it: the files as they lie there, while Redis writes them."""
    to = fleet.machines.folder / "backup"
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(fleet.machines.redis_files(), to)
    return to


def harm_redis(task, fleet, harm, backup):
    # A wrong value is found when the state is loaded, not before: nobody may go on from memory.
    routers = fleet.with_role("router") if harm.startswith("bit") else []
    with fleet.watch.look_away():
        if harm in FLIP_OF:
            for router in routers:
                router.kill()
            said, mended = "", FLIP_OF[harm](task, fleet)
        else:
            fleet.machines.stop_redis()
            for router in routers:
                router.kill()
            said, mended = HARM_OF[harm](task, fleet, backup), None
            fleet.machines.start_redis()
        for router in routers:
            router.begin()
        for router in routers:
            router.wait_ready()
        owned = wait_until(lambda: fleet.owner(within=1), 60)
        if not owned:
            task.totals.trouble(f"{harm}: nobody owns the partition")
    return said, mended


def put_back(_task, fleet, backup):
    shutil.rmtree(fleet.machines.redis_files())
    shutil.copytree(backup, fleet.machines.redis_files())
    return " put back"


def cut_tail(task, fleet, _):
    file = growing_file(fleet)
    size = file.stat().st_size
    gone = task.random.randrange(1, max(2, min(size, 200_000)))
    with open(file, "r+b") as out:
        out.truncate(size - gone)
    return f": {gone} of {size} bytes"


def flip_in_file(task, fleet, _):
    file = growing_file(fleet)
    size = file.stat().st_size
    at = task.random.randrange(size // 2, size)
    with open(file, "r+b") as out:
        out.seek(at)
        byte = out.read(1)[0]
        out.seek(at)
        out.write(bytes([byte ^ 1 << task.random.randrange(8)]))
    try:
        fleet.machines.start_redis()
        return f", {at} of {size}"
    except OSError:  # It does not start on such a file: what an operator does then is to cut the file off before it.
        manifest = fleet.machines.redis_files() / "appendonly.aof.manifest"
        done = subprocess.run(["redis-check-aof", "--fix", manifest], input="y\n", capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return f", {at} of {size}; Redis refused it, so it was cut off there"


def growing_file(fleet):
    return max(fleet.machines.redis_files().glob("*.incr.aof"), key=lambda file: file.stat().st_mtime)


def flip_in_value(task, fleet):
    link = fleet.share.redis_link()
    try:
        generation = link.ask("HGET", fleet.share.key("meta"), "generation").decode()
        table = fleet.share.key(f"g{generation}:table:conversation")
        key = task.random.choice(sorted(link.ask("HKEYS", table)))
        value = bytearray(link.ask("HGET", table, key))
        value[task.random.randrange(len(value))] ^= 1 << task.random.randrange(8)
        link.ask("HSET", table, key, bytes(value))
    finally:
        link.close()


def flip_in_text(task, fleet):
    """In any byte of it, head and checksum too. Says how to see that it is as it was, or gone with its conversation."""
    link = fleet.share.redis_link()
    try:
        keys = [fleet.share.key(f"msg:{id}") for id in sorted(fleet.ledger.so_far().messages.values())]
        key = task.random.choice([key for key in keys if link.ask("GET", key)])
        sound = link.ask("GET", key)
        text = bytearray(sound)
        text[task.random.randrange(len(text))] ^= 1 << task.random.randrange(8)
        link.ask("SET", key, bytes(text))
    finally:
        link.close()

    def mended():
        again = fleet.share.redis_link()
        try:
            return again.ask("GET", key) in (sound, None)
        finally:
            again.close()
    return mended


HARM_OF = {"tail cut": cut_tail, "old copy": put_back, "bit in the file": flip_in_file}
FLIP_OF = {"bit in a value": flip_in_value, "bit in a text": flip_in_text}
