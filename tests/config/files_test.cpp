// Real files: secrets and their modes, the environment over the file, what cannot be read.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fake_catalog.hpp"

namespace usher::config::test {
namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "usher-config-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::filesystem::path write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    return file;
  }
  [[nodiscard]] std::string text(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// Set for one scope.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

LoadedSettings load_file(const std::filesystem::path& file) { return load(file, keys_of, types); }

std::string with_shop(const std::string& keys) {
  return std::string(shortest) + "connectors:\n  shop: {type: http, " + keys + "}\n";
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a file that does not exist is one problem that says so", "[config]") {
  const Folder folder;
  const auto loaded = load_file(folder.text("none.yaml"));
  CHECK(loaded.problems.lines == Lines{folder.text("none.yaml") + ":1:1 (file): cannot read " +
                                       folder.text("none.yaml") + ": No such file or directory"});
}

TEST_CASE("a folder or a huge file in place of the configuration is refused", "[config]") {
  const Folder folder;
  CHECK(load_file(folder.text("")).problems.lines ==
        Lines{folder.text("") + ":1:1 (file): " + folder.text("") + " is not a regular file"});
  const auto huge = folder.write("huge.yaml", std::string(1024 * 1024 + 1, '#'));
  CHECK(load_file(huge).problems.lines == Lines{huge.string() + ":1:1 (file): is larger than 1 MiB"});
}

TEST_CASE("the data folder and secrets are found from the file's own folder", "[config]") {
  const Folder folder;
  folder.write("secrets/shop.token", "s3cret-s3cret\n");
  const auto file = folder.write("etc/usher.yaml", with_shop("token_file: ../secrets/shop.token"));
  const auto loaded = load_file(file);
  CHECK(loaded.problems.lines.empty());
  REQUIRE(loaded.settings);
  CHECK(loaded.settings->connectors.at(0).options.text("token") == "s3cret-s3cret");
  CHECK(loaded.settings->data_folder == folder.text("etc/data"));
}

TEST_CASE("one line end is trimmed from a secret's file and nothing else", "[config]") {
  const Folder folder;
  for (const auto& [written, read] : std::vector<std::pair<std::string, std::string>>{
           {"abc\n", "abc"}, {"abc\r\n", "abc"}, {"abc", "abc"}, {" abc \n", " abc "}}) {
    folder.write("token", written);
    const auto loaded = load_file(folder.write("f.yaml", with_shop("token_file: token")));
    REQUIRE(loaded.settings);
    CHECK(loaded.settings->connectors.at(0).options.text("token") == read);
  }
}

TEST_CASE("a secret's file that is readable by others, empty, or more than one line is a problem", "[config]") {
  const Folder folder;
  const auto file = folder.write("f.yaml", with_shop("token_file: token"));
  const auto prefix = file.string() + ":5:34 connectors.shop.token_file: ";
  const auto token = folder.text("token");
  for (const mode_t mode : {0644U, 0640U, 0604U, 0660U}) {
    folder.write("token", "abcdefgh\n", mode);
    std::array<char, 8> shown_mode{};
    std::snprintf(shown_mode.data(), shown_mode.size(), "%04o", mode);
    CHECK(load_file(file).problems.lines ==
          Lines{prefix + token + " may be read by others (mode " + shown_mode.data() + "); chmod 600 it"});
  }
  folder.write("token", "abcdefgh\n", 0400);
  CHECK(load_file(file).problems.lines.empty());
  std::filesystem::remove(token);
  folder.write("token", "\n");
  CHECK(load_file(file).problems.lines == Lines{prefix + token + " is empty"});
  folder.write("token", "a\nb\n");
  CHECK(load_file(file).problems.lines == Lines{prefix + "the file holds more than one line, or a control character"});
  folder.write("token", std::string(65 * 1024, 'a'));
  CHECK(load_file(file).problems.lines == Lines{prefix + token + " is too large"});
  std::filesystem::remove(token);
  REQUIRE(::mkfifo(token.c_str(), 0600) == 0);
  CHECK(load_file(file).problems.lines == Lines{prefix + token + " is not a regular file"});
}

TEST_CASE("an agent's token from a file gives the same digest as the text itself", "[config]") {
  const Folder folder;
  folder.write("ana.token", "usher_abc\n");
  const auto loaded =
      load_file(folder.write("f.yaml", std::string(shortest) + "agents: {ana: {token_file: ana.token}}\n"));
  const auto plain = load_added("agents: {ana: {token: usher_abc}}\n");
  REQUIRE(loaded.settings);
  REQUIRE(plain.settings);
  CHECK(loaded.settings->tokens.at(0).sha256 == plain.settings->tokens.at(0).sha256);
}

TEST_CASE("the environment wins over the file, section by section and at the top", "[config]") {
  const Folder folder;
  folder.write("shop.token", "from-a-file\n");
  const auto file = folder.write(
      "f.yaml", with_shop("token: from-the-yaml") + "http: {listen: 127.0.0.1:1}\nagents: {ana-maria: {}}\n");
  const Variable listen("USHER_HTTP__LISTEN", "[::1]:7777");
  const Variable level("USHER_LOG__LEVEL", "debug");
  const Variable data("USHER_DATA", "/srv/usher");
  const Variable proxies("USHER_TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2");
  const Variable misses("USHER_MISSED_OFFERS_MAX", "7");
  const Variable token("USHER_CONNECTORS__SHOP__TOKEN_FILE", "shop.token");
  const Variable capacity("USHER_AGENTS__ANA_MARIA__CAPACITY__TOTAL", "9");
  const auto loaded = load_file(file);
  CHECK(loaded.problems.lines.empty());
  REQUIRE(loaded.settings);
  CHECK(loaded.settings->http.host == "::1");
  CHECK(loaded.settings->http.port == 7777);
  CHECK(loaded.settings->log_level == "debug");
  CHECK(loaded.settings->data_folder == "/srv/usher");
  CHECK(loaded.settings->trusted_proxies == Lines{"10.0.0.1", "10.0.0.2"});
  CHECK(loaded.settings->policy.missed_offers_max == 7);
  CHECK(loaded.settings->connectors.at(0).options.text("token") == "from-a-file");
  CHECK(loaded.settings->policy.agents.at(0).capacity_total == 9);
}

TEST_CASE("a variable that names no key is a problem with the nearest key", "[config]") {
  const Folder folder;
  const auto file = folder.write("f.yaml", std::string(shortest));
  const Variable key("USHER_HTTP__LISTEM", "127.0.0.1:1");
  const Variable section("USHER_HTPP__LISTEN", "127.0.0.1:1");
  const Variable top("USHER_TENNANT", "acme");
  const Variable whole("USHER_LOG", "debug");
  const Variable part("USHER_TENANT__NAME", "acme");
  const Variable empty("USHER___LISTEN", "x");
  CHECK(load_file(file).problems.lines ==
        Lines{"USHER_HTPP__LISTEN:1:1 htpp: unknown key; did you mean http?",
              "USHER_HTTP__LISTEM:1:1 http.listem: unknown key; did you mean listen?",
              "USHER_LOG:1:1 log: names no key; write USHER_LOG__KEY",
              "USHER_TENANT__NAME:1:1 tenant: is not a map; it cannot be set in part",
              "USHER_TENNANT:1:1 tennant: unknown key; did you mean tenant?",
              "USHER___LISTEN:1:1 (environment): a part between the underscores is empty"});
}

TEST_CASE("a variable that is not UTF-8 is refused, like a file that is not", "[config]") {
  const Folder folder;
  const auto file = folder.write("f.yaml", std::string(shortest) + "agents: {ana: {}}\n");
  const Variable name("USHER_AGENTS__ANA__NAME", "\xff");
  CHECK(load_file(file).problems.lines == Lines{"USHER_AGENTS__ANA__NAME:1:1 (environment): is not UTF-8"});
}

TEST_CASE("values from the environment are checked like the file's", "[config]") {
  const Folder folder;
  const auto file = folder.write("f.yaml", std::string(shortest) + "rules: []\n");
  const Variable listen("USHER_HTTP__LISTEN", "nowhere");
  const Variable timeout("USHER_TIMES__OFFER_TIMEOUT", "1");
  const Variable skills("USHER_QUEUES__SUPPORT__SKILLS", "english");
  const Variable rule("USHER_RULES__0__NAME", "x");
  CHECK(load_file(file).problems.lines ==
        Lines{"USHER_HTTP__LISTEN:1:1 http.listen: expected HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, not "
              "\"nowhere\"",
              "USHER_QUEUES__SUPPORT__SKILLS:1:1 queues.support.skills: is a map; set one of its keys",
              "USHER_RULES__0__NAME:1:1 rules: is not a map; it cannot be set in part",
              "USHER_TIMES__OFFER_TIMEOUT:1:1 times.offer_timeout: expected a duration such as 250ms, 30s, 5m, 4h or "
              "7d, not \"1\""});
}

TEST_CASE("a secret written into the environment is refused without being shown", "[config]") {
  const Folder folder;
  const auto file = folder.write("f.yaml", with_shop("token: from-the-yaml"));
  const Variable token("USHER_CONNECTORS__SHOP__TOKEN", "hunter2");
  CHECK(
      load_file(file).problems.lines ==
      Lines{"USHER_CONNECTORS__SHOP__TOKEN:1:1 connectors.shop.token: a secret does not belong in the environment; set "
            "USHER_CONNECTORS__SHOP__TOKEN_FILE to the path of a file"});
}

TEST_CASE("variables of the tools and of a container's surroundings are left alone", "[config]") {
  const Folder folder;
  const auto file = folder.write("f.yaml", std::string(shortest));
  const Variable token("USHER_TOKEN", "x");
  const Variable url("USHER_URL", "x");
  const Variable corpora("USHER_CORPORA", "x");
  const Variable config("USHER_CONFIG", "x");
  const Variable host("USHER_SERVICE_HOST", "10.0.0.1");
  const Variable port("USHER_PORT_8080_TCP_PORT", "8080");
  CHECK(load_file(file).problems.lines.empty());
}

TEST_CASE("a text is loaded without looking at the environment", "[config]") {
  const Variable level("USHER_LOG__LEVEL", "nonsense");
  CHECK(load_added("").problems.lines.empty());
}

}  // namespace usher::config::test
