// What is said about files with something wrong, line by line.
#include "wrong_files.hpp"

#include <catch2/catch.hpp>

#include "fake_catalog.hpp"

namespace usher::config::test {

TEST_CASE("each kind of problem is named with file, line, column, key and what to write instead", "[config]") {
  for (const auto& file : wrong_files()) {
    INFO(file.what << "\n" << file.yaml);
    const auto loaded = load_lines(file.yaml);
    CHECK_FALSE(loaded.settings.has_value());
    CHECK(loaded.problems.lines == file.problems);
  }
}

TEST_CASE("all problems of a file are reported at once, sorted by line", "[config]") {
  const auto loaded = load_added(
      "times: {offer_timeout: 1}\n"
      "agents: {Ana: {}, ben: {skills: {english: 9}}}\n"
      "htpp: {}\n"
      "log: {level: loud}\n");
  const std::vector<std::string> expected = {
      "f.yaml:4:24 times.offer_timeout: expected a duration such as 250ms, 30s, 5m, 4h or 7d, not \"1\"",
      "f.yaml:5:10 agents.Ana: \"Ana\" is not a name: use a-z, 0-9, _ and -, beginning with a letter or digit, 64 at "
      "most",
      "f.yaml:5:43 agents.ben.skills.english: must be between 1 and 5",
      "f.yaml:6:1 htpp: unknown key; did you mean http?",
      "f.yaml:7:14 log.level: \"loud\" is not one of debug, info, warn, error",
  };
  CHECK(loaded.problems.lines == expected);
}

TEST_CASE("what a connector says of its settings stands at the key, among all other problems", "[config]") {
  const ConnectorCheck check = [](const TenantId& tenant, const ConnectorSettings& connector) -> Result<void> {
    CHECK(tenant.text() == "acme");
    if (connector.type == "http") return fail(Fault::malformed, "webhook_secret: must be: long");
    return fail(Fault::malformed, "fields.massage: is none");
  };
  const auto loaded = load_text(std::string(shortest) +
                                    "connectors:\n"
                                    "  one: {type: http, token: abcdefgh, webhook_secret: x}\n"
                                    "  two: {type: http, token: abcdefgh}\n"
                                    "  three: {type: webform, fields: {massage: x}}\n"
                                    "  four: {type: webform, wait: soon}\n"
                                    "htpp: {}\n",
                                "f.yaml", keys_of, types, check);
  const std::vector<std::string> expected = {
      "f.yaml:5:54 connectors.one.webhook_secret: must be: long",
      "f.yaml:6:3 connectors.two.webhook_secret: must be: long",
      "f.yaml:7:34 connectors.three.fields.massage: is none",
      "f.yaml:8:3 connectors.four.fields.massage: is none",
      "f.yaml:8:31 connectors.four.wait: expected a duration such as 250ms, 30s, 5m, 4h or 7d, not \"soon\"",
      "f.yaml:9:1 htpp: unknown key; did you mean http?",
  };
  CHECK(loaded.problems.lines == expected);
  CHECK_FALSE(loaded.settings.has_value());
}

TEST_CASE("a key of a wrong form does not hide what else is wrong with its connector, but for what may come of it alone", "[config]") {
  const ConnectorCheck check = [](const TenantId&, const ConnectorSettings&) -> Result<void> {
    return fail(Fault::malformed, "webhook_secret: is short\nwebhook_url: missing\ntoken: goes with webhook_url\ntoken_previous: is the same");
  };
  const auto lines = [&](const std::string& connector) {
    return load_text(std::string(shortest) + "connectors:\n  one: " + connector, "f.yaml", keys_of, types, check).problems.lines;
  };
  const auto said = lines("{type: http, token: abcdefgh, webhook_url: nowhere}\n");
  REQUIRE(said.size() == 3);
  CHECK(said[0] == "f.yaml:5:3 connectors.one.token_previous: is the same");
  CHECK(said[1] == "f.yaml:5:3 connectors.one.webhook_secret: is short");
  CHECK(said[2].starts_with("f.yaml:5:51 connectors.one.webhook_url: "));
  // A secret's file, and a key that was mistyped.
  CHECK(lines("{type: http, token_file: is-not-there}\n").size() == 4);
  const auto mistyped = lines("{type: http, token: abcdefgh, webhook_ur: x}\n");
  REQUIRE(mistyped.size() == 3);
  CHECK(mistyped[2] == "f.yaml:5:38 connectors.one.webhook_ur: unknown key; did you mean webhook_url?");
}

TEST_CASE("a finding that has the name of a mistyped key among its words, and is not about that key, is told", "[config]") {
  const ConnectorCheck check = [](const TenantId&, const ConnectorSettings&) -> Result<void> {
    return fail(Fault::malformed,
                "webhook_url: is no token: token\nwebhook_secret.token: is none\nwebhook_url or token: missing\nwebhook_secret: needs token\n"
                "webhook_secret: must be another one than token\nwebhook_secret: goes with token: long alone\nwebhook_secret: either it or token");
  };
  const auto lines = load_text(std::string(shortest) + "connectors:\n  one: {type: http, tokn: abcdefgh}\n", "f.yaml", keys_of, types, check).problems.lines;
  const std::vector<std::string> expected = {
      "f.yaml:5:3 connectors.one.token: missing; write it or token_file",
      "f.yaml:5:3 connectors.one.webhook_secret.token: is none",
      "f.yaml:5:3 connectors.one.webhook_url: is no token: token",
      "f.yaml:5:21 connectors.one.tokn: unknown key; did you mean token?",
  };
  CHECK(lines == expected);
}

TEST_CASE("a key that is written right hides nothing that is about a key of a similar name", "[config]") {
  const ConnectorCheck check = [](const TenantId&, const ConnectorSettings&) -> Result<void> {
    return fail(Fault::malformed, "near_url: is wrong\nnear_urn: is wrong");
  };
  static constexpr Key near[] = {{"near_url", Kind::url, false, "", "One."}, {"near_urn", Kind::text, false, "", "Another."}};
  const auto keys = [](std::string_view) { return std::optional(std::span<const Key>(near)); };
  const auto lines = load_text(std::string(shortest) + "connectors:\n  one: {type: http, near_url: nowhere}\n", "f.yaml", keys, types, check).problems.lines;
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "f.yaml:5:3 connectors.one.near_urn: is wrong");
}

TEST_CASE("a file over 1 MiB is refused before it is parsed", "[config]") {
  const auto loaded = load_added("#" + std::string(1024 * 1024, 'x'));
  CHECK(loaded.problems.lines == std::vector<std::string>{"f.yaml:1:1 (file): is larger than 1 MiB"});
}

TEST_CASE("what an operator mistyped is shown cut and without control characters", "[config]") {
  const auto loaded = load_added("log: {level: \"\\e[31m" + std::string(100, 'z') + "\"}\n");
  REQUIRE(loaded.problems.lines.size() == 1);
  CHECK(loaded.problems.lines[0].find('\x1b') == std::string::npos);
  CHECK(loaded.problems.lines[0].size() < 200);
}

TEST_CASE("a secret is never shown in a problem", "[config]") {
  const auto loaded = load_added(
      "connectors:\n  shop: {type: http, token: \"hunter2\\n\", webhook_secret: 271828182}\n"
      "agents: {ana: {token: hunter2}, ben: {token: [hunter2]}}\n");
  CHECK(loaded.problems.lines.size() == 4);
  for (const auto& line : loaded.problems.lines) {
    CHECK(line.find("hunter2") == std::string::npos);
    CHECK(line.find("271828182") == std::string::npos);
  }
}

TEST_CASE("suggestions come nearest first and never from afar", "[config]") {
  const std::string_view known[] = {"listen", "level", "labels"};
  CHECK(suggestions("lisetn", known) == std::vector<std::string_view>{"listen"});
  CHECK(suggestions("lebel", known) == std::vector<std::string_view>{"level"});
  CHECK(suggestions("label", known) == std::vector<std::string_view>{"labels"});
  CHECK(suggestions("LISTEN", known) == std::vector<std::string_view>{"listen"});
  CHECK(suggestions("queue", known).empty());
  CHECK(suggestions("", known).empty());
  CHECK(suggestions(std::string(1000, 'l'), known).empty());
}

}  // namespace usher::config::test
