"""Runs benchmarks and reports ratios: see tests/bench/run and docs/performance.md.

Each benchmark gives figures of ours (a) and of what it is compared with (b), two of each a round, taken A B B A. A round's
ratio is mean a by mean b; what is reported is the median over the rounds, with the smallest and the largest.
"""
import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True

import bullmq
import http_ingest
import server_form
import takeover
from callgrind import instructions_per_message

LATER = ("chat.sockets", "chat.p99")


class Bench:
    def __init__(self, goal, better, unit, measure):
        self.goal, self.better, self.unit, self.measure = goal, better, unit, measure


def program(name, what, *more):
    def measure(options):
        command = [options.programs / name, what, "--rounds", str(options.rounds), *more]
        if name != "usher_bench_engine":
            command += ["--scratch", options.scratch, "--seconds", str(options.seconds)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{name} {what} failed")
        return json.loads(done.stdout)
    return measure


def instructions(options):
    few, many = (instructions_per_message(options.programs, options.scratch, waiting) for waiting in (10_000, 100_000))
    return {"a": [[many, many]], "b": [[few, few]]}


BENCHES = {
    "embedded.throughput": Bench(0.5, "higher", "messages/s", program("usher_bench_embedded", "throughput")),
    "embedded.p99": Bench(5, "lower", "ns", program("usher_bench_embedded", "p99")),
    "http.ingest": Bench(0.5, "higher", "requests/s", http_ingest.measure),
    "kafka.throughput": Bench(0.25, "higher", "messages/s", server_form.program("usher_bench_server", "throughput")),
    "kafka.p99": Bench(2.5, "lower", "ns", server_form.program("usher_bench_server", "p99")),
    "takeover": Bench(0.25, "lower", "ms", takeover.measure),
    "rebuild": Bench(1.5, "lower", "ns", server_form.program("usher_bench_rebuild", "waiting")),
    "zmq.offers": Bench(0.3, "higher", "offers/s", program("usher_bench_fabric", "offers")),
    "bullmq.kafka": Bench(3, "higher", "messages/s", bullmq.on_kafka),
    "bullmq.embedded": Bench(8, "higher", "messages/s", bullmq.embedded),
    "bullmq.p99": Bench(0.2, "lower", "ns", bullmq.latency),
    "engine.records": Bench(None, "lower", "ns a turn", program("usher_bench_engine", "records")),
    "engine.memory": Bench(None, "lower", "bytes", program("usher_bench_engine", "memory")),
    "engine.instructions": Bench(1.5, "lower", "instructions", instructions),
}


def summary(bench, figures):
    ratios = [statistics.mean(a) / statistics.mean(b) for a, b in zip(figures["a"], figures["b"])]
    return {"ratio": round(statistics.median(ratios), 4), "min": round(min(ratios), 4), "max": round(max(ratios), 4),
            "goal": bench.goal, "better": bench.better}


def line(name, bench, figures, ratios):
    ours, theirs = (statistics.median(statistics.mean(pair) for pair in figures[side]) for side in "ab")
    reached = "" if bench.goal is None else "reached" if (
        ratios["ratio"] >= bench.goal if bench.better == "higher" else ratios["ratio"] <= bench.goal) else "MISSED"
    goal = "" if bench.goal is None else f"{'>=' if bench.better == 'higher' else '<='} {bench.goal}"
    notes = ", ".join(f"{key} {value}" for key, value in figures.items() if key not in "ab")
    return (f"{name:<20} {ratios['ratio']:>8.3f} ({ratios['min']:.3f} to {ratios['max']:.3f}) {goal:<7} {reached:<8}"
            f"{ours:,.0f} against {theirs:,.0f} {bench.unit}{'; ' + notes if notes else ''}")


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="Ratios, each measured beside what it is compared with.")
    parser.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--scratch", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.5, help="of one slice; a round has four")
    parser.add_argument("--waiting", type=int, default=1_000_000, help="conversations that rebuild finds waiting")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    options = parser.parse_intermixed_args()
    for name in options.names:
        if name in LATER:
            print(f"{name}: not built yet", file=sys.stderr)
        elif name not in BENCHES:
            parser.error(f"there is no benchmark {name}; there are {', '.join(BENCHES)}")
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"the machine is not quiet (load {load:.1f}): the figures are not worth publishing", file=sys.stderr)

    # Told to stop, it ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results, failed = {}, False
    for name in [name for name in BENCHES if name in options.names or not options.names]:
        try:
            figures = BENCHES[name].measure(options)
        except (RuntimeError, OSError, subprocess.SubprocessError) as trouble:
            print(f"{name}: {trouble}", file=sys.stderr)
            failed = True
            continue
        results[name] = summary(BENCHES[name], figures)
        print(line(name, BENCHES[name], figures, results[name]), file=sys.stderr if options.json else sys.stdout, flush=True)
    if options.json:
        print(json.dumps(results))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
