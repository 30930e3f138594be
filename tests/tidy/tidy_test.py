"""Runs the style guide over the repository: tidy_test.py [--usherd PROGRAM]. Prints `N passed, N failed`."""
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import checks
from source import CODE, ROOT, TEXT, files


def on_every_file():
    texts = list(files(*TEXT))
    for check in checks.EVERY_FILE:
        yield check.__name__, [trouble for path, text in texts for trouble in check(path, text)]


def on_the_whole():
    pages = list(files(".md"))
    yield "reading_order", list(checks.reading_order(pages))
    yield "links", list(checks.links(pages, lambda path: (ROOT / path).exists()))
    yield "rules_have_tests", list(checks.rules_have_tests(files(".cpp", ".py")))
    yield "changelog", list(checks.changelog((ROOT / "CHANGELOG.md").read_text()))
    connectors = [(path, text) for path, text in files(".cpp") if path.startswith("connectors/") and path.endswith("_connector.cpp")]
    catalog = "".join(text for path, text in files(*CODE) if path.startswith("connectors/catalog."))
    yield "catalog_rows", list(checks.catalog_rows(connectors, catalog)) if connectors else ["no connector found"]


def configurations_load(usherd):
    troubles = []
    for file in ("config/usher.yaml",):
        done = subprocess.run([usherd, "check-config", ROOT / file], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            troubles.append(f"{file}: {done.stdout}{done.stderr}")
    return troubles


def main():
    results = [*on_every_file(), *on_the_whole()]
    if len(sys.argv) == 3 and sys.argv[1] == "--usherd":
        results.append(("configurations_load", configurations_load(sys.argv[2])))
    failed = 0
    for name, troubles in results:
        print(f"{'FAILED' if troubles else 'ok    '} {name}")
        for trouble in troubles:
            print(f"    {trouble}")
        failed += bool(troubles)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
