"""Proves that every tidy check can fail: a bad snippet it must find, beside a good one it must pass."""
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import checks
import source

HEAD = "// What it is.\n"


def found(check, path, text):
    return list(check(path, text))


class EachCheckCanFail(unittest.TestCase):
    def both(self, check, path, bad, good):
        self.assertTrue(found(check, path, bad), f"{check.__name__} misses {bad!r}")
        self.assertEqual([], found(check, path, good))

    def test_an_include_of_a_higher_layer_or_a_sibling(self):
        for path, bad in (("routing/message/a.hpp", "routing/engine/step.hpp"), ("routing/engine/a.cpp", "config/key.hpp"),
                          ("routing/journal/a.cpp", "routing/engine/step.hpp"), ("connectors/a.cpp", "routing/router/router.hpp"),
                          ("config/a.cpp", "connectors/connector.hpp"), ("routing/router/a.cpp", "daemon/node.hpp"),
                          ("routing/router/a.cpp", "routing/state/sqlite_database.hpp"),
                          ("connectors/webform/a.cpp", "routing/state/sqlite_store.hpp"), ("daemon/a.cpp", "node.hpp")):
            self.both(checks.includes, path, f'#include "{bad}"\n', '#include "routing/message/ids.hpp"\n#include <map>\n')
        self.assertEqual([], found(checks.includes, "daemon/node.cpp", '#include "routing/state/sqlite_database.hpp"\n'))

    def test_an_engine_that_is_not_pure(self):
        good = "#include <map>\nfor (auto& x : ordered_) use(x);  // double trouble\n"
        for bad in ("#include <regex>\n", "#include <cmath>\n", "#include <boost/json.hpp>\n", "#include <mutex>\n",
                    "auto t = std::chrono::system_clock::now();\n", "double score = 0;\n",
                    "std::unordered_map<int, int> seen_;\nvoid f() { for (auto& x : seen_) use(x); }\n",
                    "std::unordered_set<int> seen_;\nauto i = seen_.begin();\n"):
            self.both(checks.engine_is_pure, "routing/engine/a.cpp", bad, good)
        self.both(checks.engine_is_pure, "routing/engine/CMakeLists.txt",
                  "usher_layer(NAME engine DEPENDS usher::message Boost::json)", "usher_layer(NAME engine DEPENDS usher::message)")

    def test_a_file_or_a_function_that_is_too_long(self):
        self.both(checks.sizes, "daemon/a.cpp", HEAD * 402, HEAD * 399)
        long_body = "int f(int x) {\n" + "  x += 1;\n" * 70 + "  return x;\n}\n"
        many_short = ("int f(int x) {\n" + "  if (x) {\n    x += 1;\n  }\n" * 20 + "}\n") * 4
        self.both(checks.sizes, "daemon/a.cpp", long_body, many_short)
        self.both(checks.sizes, "daemon/a.cpp", "namespace a {\nclass B {\n public:\n  " + long_body + "};\n}\n",
                  "namespace a {\nclass B {\n public:\n" + "  int f_;\n" * 90 + "};\n}\n")
        self.both(checks.sizes, "daemon/a.cpp", "A::A() : b_{1}, c_{2} {\n" + "  x();\n" * 71 + "}\n", "A::A() : b_{1} {\n}\n")
        self.both(checks.sizes, "tests/a.py", "def f():\n" + "    x = 1\n" * 71, "def f():\n    x = 1\n")

    def test_a_temporary_beside_co_await(self):
        for bad in ("co_await apply(Plan{1});", "co_await [p]() -> Task<int> { co_return p; }();", "Agg a{p, co_await g()};"):
            self.both(checks.co_await_has_no_temporaries, "daemon/a.cpp", bad, "auto plan = Plan{1};\nco_await apply(std::move(plan));\n")

    def test_unfinished_work(self):
        self.both(checks.nothing_unfinished, "daemon/a.cpp", "// TO" + "DO: later\n", "// Todos los agentes.\n")
        self.both(checks.nothing_unfinished, "docs/a.md", "This is a place" + "holder.\n", "This is a page.\n")

    def test_a_file_without_a_head(self):
        self.both(checks.head_comment, "daemon/a.cpp", "#include <map>\n", HEAD)
        self.both(checks.head_comment, "daemon/a.hpp", HEAD, HEAD + "#pragma once\n")

    def test_a_test_that_sleeps_or_hides(self):
        self.both(checks.no_sleeping_in_tests, "tests/a_test.cpp", "std::this_thread::sleep_for(1s);\n", "wait_until(done);\n")
        self.both(checks.no_sleeping_in_tests, "tests/a_test.cpp", 'TEST_CASE("x", "[.slow]") {}\n', 'TEST_CASE("x", "[slow]") {}\n')

    def test_a_path_of_one_machine(self):
        self.both(checks.no_paths_of_one_machine, "docs/a.md", "see /ho" + "me/ana/usher\n", "see ./home/ana and /etc/usher\n")

    def test_a_catalog_that_does_not_match_its_folders(self):
        good = [("connectors/sms/sms_connector.cpp", "const Connector sms_connector{\n};\n")]
        self.assertEqual([], list(checks.catalog_rows(good, "row(sms)")))
        self.assertTrue(list(checks.catalog_rows(good, "")))
        self.assertTrue(list(checks.catalog_rows(good, "row(sms) row(fax)")))
        self.assertTrue(list(checks.catalog_rows([("connectors/a/a_connector.cpp", "")], "")))

    def test_a_link_that_leads_nowhere_and_a_page_nobody_finds(self):
        pages = [("docs/README.md", "[a](a.md) [web](https://example.org) [up](../README.md#x)"), ("docs/a.md", "")]
        there = {"docs/a.md", "README.md"}.__contains__
        self.assertEqual([], list(checks.links(pages, there)))
        self.assertEqual([], list(checks.reading_order(pages)))
        self.assertTrue(list(checks.links([("docs/README.md", "[b](b.md)")], there)))
        self.assertTrue(list(checks.reading_order(pages + [("docs/decisions/0001-x.md", "")])))

    def test_a_rule_that_no_test_names(self):
        named = "".join(f'TEST_CASE("x", "[rule-{rule}]") {{}}\n' for rule in checks.RULES)
        self.assertEqual([], list(checks.rules_have_tests([("tests/a_test.cpp", named)])))
        missing = list(checks.rules_have_tests([("tests/a_test.cpp", named.replace("rule-X2", "rule-X"))]))
        self.assertEqual(["no test names rule X2"], missing)

    def test_a_changelog_without_a_head(self):
        self.assertTrue(list(checks.changelog("# Changelog\n\n## Soon\n")))
        for head in ("## Unreleased", "## [Unreleased]", "## 0.1.0 - 2026-11-21"):
            self.assertEqual([], list(checks.changelog(head + "\n")))

    def test_literals_and_comments_do_not_count_as_code(self):
        text = 'auto a = R"x({{{ //)x"; // {{{\nauto b = "\\"{"; /* { \n { */ char c = \'{\'; int big = 1\'000;\n'
        self.assertNotIn("{", source.bare(text))
        self.assertEqual(text.count("\n"), source.bare(text).count("\n"))


if __name__ == "__main__":
    unittest.main()
