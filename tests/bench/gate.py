"""See tests/bench/gate. The ceilings are generous: they catch a new scan, not a new line."""
import argparse
import pathlib
import sys

sys.dont_write_bytecode = True

from callgrind import instructions_per_message

FEW, MANY = 10_000, 100_000
CEILING = 300_000
GROWTH = 1.5


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    options = parser.parse_args()
    few, many = (instructions_per_message(options.programs, options.scratch, waiting) for waiting in (FEW, MANY))
    results = [(f"a message costs {few:.0f} instructions with {FEW} waiting, {CEILING} at most", few <= CEILING),
               (f"with {MANY} waiting it costs {many / few:.2f} times that, {GROWTH} at most", many / few <= GROWTH)]
    for sentence, good in results:
        print(f"{'ok    ' if good else 'FAILED'} {sentence}")
    failed = sum(not good for _, good in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
