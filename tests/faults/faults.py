"""Faults on real usherd processes: what to run, how often, and the sum of what the audits found. Called by ./run.

Each fault is a function of a Task. Embedded: in process_faults, disk_faults and crash_points, on the one daemon of node. On
Kafka and Redis: in server_faults, store_faults and split_faults, on the processes of fleet. The load and what it was told
stand in load.
"""
import argparse
import contextlib
import os
import pathlib
import random
import signal
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent


def arguments():
    parser = argparse.ArgumentParser(prog="tests/faults/run", description="Faults on real usherd processes.")
    parser.add_argument("--backend", choices=["embedded", "kafka"], default="embedded")
    parser.add_argument("--programs", default="build/dev/bin", help="the folder of usherd and usher_audit")
    parser.add_argument("--rounds", help="rounds of each fault; `all`: each crash point there is")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--self-test", action="store_true", help="shows that what is lost or damaged is reported")
    parser.add_argument("--list", action="store_true", help="print the names of the faults only")
    parser.add_argument("faults", nargs="*", metavar="FAULT")
    options = parser.parse_intermixed_args()
    if options.rounds not in (None, "all") and (not options.rounds.isdigit() or int(options.rounds) < 1):
        parser.error("--rounds: a number from 1 up, or `all`")
    return parser, options


def catalog(backend):
    """Name, what runs it, rounds when all faults are run, rounds when it is named."""
    return on_servers() if backend == "kafka" else embedded()


def on_servers():
    import server_faults
    import split_faults
    import store_faults
    import upgrade_faults
    return {
        "kill": (server_faults.kill, 10, 20),
        "pause": (server_faults.pause, 3, 10),
        "flush": (store_faults.flush, 5, 8),
        "restore": (store_faults.restore, 5, 10),
        "redis-stop": (server_faults.redis_stop, 1, 1),
        "kafka-stop": (server_faults.kafka_stop, 1, 1),
        "topic-recreated": (split_faults.topic_recreated, 1, 2),
        "cut": (split_faults.cut, 2, 4),
        "upgrade": (upgrade_faults.upgrade, 2, 6),
        "two-routers": (split_faults.two_routers, 1, 2),
    }


def embedded():
    import crash_points
    import disk_faults
    import process_faults
    return {
        "kill": (process_faults.kill, 50, 50),
        "term": (process_faults.term, 3, 5),
        "io-error": (disk_faults.io_error, 6, 6),
        "slow-disk": (disk_faults.slow_disk, 1, 3),
        "disk-full": (disk_faults.disk_full, 2, 3),
        "crash-points": (crash_points.crash_points, 100, 200),
    }


def run_one(name, run, rounds, seed, machines):
    from node import Task, Totals
    begin = time.monotonic()
    task = Task(name, rounds, random.Random(f"{seed}/{name}"), Totals(), machines)
    try:
        run(task)
    except Exception:  # A harness that breaks has shown nothing: that is trouble, and the other faults still run.
        task.totals.trouble(f"{name}: {traceback.format_exc()}")
    print(f"{name}: {task.rounds_done} rounds in {time.monotonic() - begin:.0f} s; {task.totals.line()}"
          f"{'; TROUBLE' if task.totals.troubles else ''}", flush=True)
    return task.totals


def main():
    parser, options = arguments()
    programs = pathlib.Path(options.programs).resolve()
    os.environ["USHER_PROGRAMS"] = str(programs)
    os.environ["USHER_E2E_BACKEND"] = options.backend
    os.environ.setdefault("USHER_WAIT_MAX", "60")
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
    try:
        known = catalog(options.backend)
    except ImportError as missing:
        print(f"cannot run: {missing} (deploy/install-packages installs what is needed)")
        return 69
    if options.list:
        print("\n".join(known))
        return 0
    unknown = [name for name in options.faults if name not in known]
    if unknown:
        parser.error(f"no such fault: {', '.join(unknown)} (there are: {', '.join(known)})")
    for program in ("usherd", "usherd_next", "usher_audit"):
        if not os.access(programs / program, os.X_OK):
            print(f"cannot run: {programs / program} is not built")
            return 69
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # What was started is ended on the way out.
    try:
        with servers_of(options.backend) as machines:
            if options.self_test:
                import self_test
                return self_test.main(seed, machines)
            return run_all(options, known, seed, machines)
    except OSError as missing:
        print(f"cannot run: {missing}")
        return 69


def servers_of(backend):
    """One broker and one Redis for the run, or nothing."""
    if backend == "embedded":
        return contextlib.nullcontext()
    from fleet import Machines
    return Machines()


def run_all(options, known, seed, machines):
    from node import Totals
    totals = Totals()
    for name in options.faults or known:
        run, in_all, alone = known[name]
        rounds = options.rounds or (alone if options.faults else in_all)
        totals.add(run_one(name, run, rounds if rounds == "all" else int(rounds), seed, machines))
    for trouble in totals.troubles:
        print(f"TROUBLE {trouble}")
    if totals.troubles or totals.bad():
        backend = " --backend kafka" if machines else ""
        print(f"again: tests/faults/run{backend} --seed {seed} {' '.join(options.faults)}".rstrip())
    print(totals.line(), flush=True)
    return 1 if totals.troubles or totals.bad() else 0


if __name__ == "__main__":
    sys.exit(main())
