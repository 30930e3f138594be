// Agents' tokens, the secrets of a data folder, and what reaches the disk.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <set>

#include "daemon/agent_tokens.hpp"
#include "daemon/secret_files.hpp"
#include "tests/daemon/scratch_folder.hpp"
#include "tests/message/show_result.hpp"

using namespace usher::daemon;

namespace {
std::unique_ptr<AgentTokens> open(const ScratchFolder& folder) {
  auto opened = AgentTokens::open(folder.path());
  REQUIRE(opened);
  return std::move(*opened);
}
unsigned mode_of(const std::filesystem::path& file) {
  struct stat about {};
  REQUIRE(::stat(file.c_str(), &about) == 0);
  return about.st_mode & 0777;
}
}  // namespace

TEST_CASE("a created token names its agent, and nothing close to it does", "[tokens]") {
  const ScratchFolder folder;
  const auto tokens = open(folder);
  const auto token = tokens->create(AgentId("ana"));
  REQUIRE(token);
  CHECK(token->size() == 6 + 43);
  CHECK(token->starts_with("usher_"));
  CHECK(tokens->who(*token) == AgentId("ana"));
  auto altered = *token;
  altered.back() = altered.back() == 'A' ? 'B' : 'A';
  CHECK_FALSE(tokens->who(altered));
  CHECK_FALSE(tokens->who(token->substr(0, token->size() - 1)));
  CHECK_FALSE(tokens->who(*token + "x"));
  CHECK_FALSE(tokens->who(""));
  CHECK_FALSE(tokens->who(std::string(100'000, 'x')));
}

TEST_CASE("a created token works after a restart, and the file holds only its hash, readable by its owner", "[tokens]") {
  const ScratchFolder folder;
  const auto token = open(folder)->create(AgentId("ana"));
  REQUIRE(token);
  CHECK(open(folder)->who(*token) == AgentId("ana"));
  CHECK(folder.read("tokens.json").find(*token) == std::string::npos);
  CHECK(folder.read("tokens.json").find(sha256_of(*token)) != std::string::npos);
  CHECK(mode_of(folder.path() / "tokens.json") == 0600);
}

TEST_CASE("revoking takes back every created token of that agent only, for good, and says whose", "[tokens]") {
  const ScratchFolder folder;
  const auto tokens = open(folder);
  const auto first = tokens->create(AgentId("ana"));
  const auto second = tokens->create(AgentId("ana"));
  const auto other = tokens->create(AgentId("ben"));
  std::vector<AgentId> told;
  tokens->on_revoked([&](const AgentId& agent) {
    CHECK_FALSE(tokens->who(*first));  // It stopped working before anybody hears of it.
    told.push_back(agent);
  });
  CHECK(*tokens->revoke(AgentId("ana")) == 2);
  CHECK(told == std::vector<AgentId>{AgentId("ana")});
  CHECK_FALSE(tokens->who(*second));
  CHECK(tokens->who(*other) == AgentId("ben"));
  CHECK_FALSE(open(folder)->who(*first));
  CHECK(*tokens->revoke(AgentId("ana")) == 0);
  CHECK(told.size() == 1);
}

TEST_CASE("tokens of the configuration count, and an agent that loses one at a reload is named", "[tokens]") {
  const ScratchFolder folder;
  const auto tokens = open(folder);
  std::vector<AgentId> told;
  tokens->on_revoked([&](const AgentId& agent) { told.push_back(agent); });
  tokens->use_config({{AgentId("ana"), sha256_of("secret-of-ana")}, {AgentId("ben"), sha256_of("secret-of-ben")}});
  CHECK(told.empty());
  CHECK(tokens->who("secret-of-ana") == AgentId("ana"));
  tokens->use_config({{AgentId("ana"), sha256_of("a new one")}, {AgentId("ben"), sha256_of("secret-of-ben")}});
  CHECK(told == std::vector<AgentId>{AgentId("ana")});
  CHECK_FALSE(tokens->who("secret-of-ana"));
  CHECK(tokens->who("secret-of-ben") == AgentId("ben"));
}

TEST_CASE("a damaged token file stops the start instead of signing everybody out", "[tokens]") {
  const ScratchFolder folder;
  for (const auto* damage : {"", "{", "[]", R"({"v":1,"tokens":[{"agent":"ana"}]})", R"({"tokens":[{"agent":"a","sha256":"00"}]})"}) {
    folder.write("tokens.json", damage);
    const auto opened = AgentTokens::open(folder.path());
    INFO(damage);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().fault == Fault::malformed);
    CHECK(folder.read("tokens.json") == damage);
  }
}

TEST_CASE("a token that could not be written down is not created", "[tokens]") {
  const ScratchFolder folder;
  const auto tokens = open(folder);
  std::filesystem::create_directory(folder.path() / "tokens.json");  // Nothing can be renamed onto a folder.
  const auto token = tokens->create(AgentId("ana"));
  REQUIRE_FALSE(token);
  CHECK(token.error().fault == Fault::unavailable);
}

TEST_CASE("no two tokens are alike", "[tokens]") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_token());
  CHECK(seen.size() == 1000);
}

TEST_CASE("the secrets of a folder are made once, 0600, and are the same ever after", "[secrets]") {
  const ScratchFolder folder;
  const auto first = open_secrets(folder.path());
  REQUIRE(first);
  CHECK(first->link_key.size() == 32);
  CHECK(folder.read("admin.token") == first->admin_token + "\n");
  CHECK(mode_of(folder.path() / "secret.key") == 0600);
  CHECK(mode_of(folder.path() / "admin.token") == 0600);
  const auto second = open_secrets(folder.path());
  REQUIRE(second);
  CHECK(second->link_key == first->link_key);
  CHECK(second->admin_token == first->admin_token);
}

TEST_CASE("a secret that others may read, or half a key, is refused by name", "[secrets]") {
  const ScratchFolder folder;
  REQUIRE(open_secrets(folder.path()));
  std::filesystem::permissions(folder.path() / "admin.token", std::filesystem::perms(0644));
  const auto readable = open_secrets(folder.path());
  REQUIRE_FALSE(readable);
  CHECK(readable.error().fault == Fault::unauthorised);
  CHECK(readable.error().detail.find("admin.token") != std::string::npos);
  std::filesystem::permissions(folder.path() / "admin.token", std::filesystem::perms(0600));
  folder.write("secret.key", "short");
  const auto short_key = open_secrets(folder.path());
  REQUIRE_FALSE(short_key);
  CHECK(short_key.error().fault == Fault::malformed);
}

TEST_CASE("replacing a file leaves the old one whole when it cannot be done", "[secrets]") {
  const ScratchFolder folder;
  REQUIRE(replace_file(folder.path() / "one", "before"));
  std::filesystem::create_directory(folder.path() / "one.new");
  CHECK_FALSE(replace_file(folder.path() / "one", "after"));
  CHECK(folder.read("one") == "before");
}
