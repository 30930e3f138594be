// AgentTokens: two lists of hashes under one mutex, the created ones mirrored in tokens.json.
#include "daemon/agent_tokens.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <mutex>

#include "connectors/signature.hpp"
#include "daemon/secret_files.hpp"

namespace usher::daemon {
namespace {

constexpr std::size_t token_random_bytes = 32;
constexpr std::size_t token_length_max = 256;
constexpr std::size_t sha256_hex_length = 64;

std::string base64url(std::string_view bytes) {
  static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : bytes) {
    held = (held << 8) | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) out += alphabet[(held >> (bits - 6)) & 63];
  }
  if (bits > 0) out += alphabet[(held << (6 - bits)) & 63];
  return out;
}

std::string to_json(const std::vector<config::AgentToken>& created) {
  boost::json::array tokens;
  for (const auto& token : created)
    tokens.push_back(boost::json::object{{"agent", token.agent.text()}, {"sha256", token.sha256}});
  return boost::json::serialize(boost::json::object{{"v", 1}, {"tokens", std::move(tokens)}}) + "\n";
}

std::optional<config::AgentToken> read_token(const boost::json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return std::nullopt;
  const auto* agent = object->if_contains("agent");
  const auto* hash = object->if_contains("sha256");
  if (agent == nullptr || hash == nullptr || !agent->is_string() || !hash->is_string()) return std::nullopt;
  if (agent->get_string().empty() || hash->get_string().size() != sha256_hex_length) return std::nullopt;
  return config::AgentToken{AgentId(std::string(agent->get_string())), std::string(hash->get_string())};
}

std::optional<std::vector<config::AgentToken>> from_json(std::string_view text) {
  boost::json::error_code wrong;
  const auto parsed = boost::json::parse({text.data(), text.size()}, wrong);
  if (wrong || !parsed.is_object()) return std::nullopt;
  const auto* tokens = parsed.get_object().if_contains("tokens");
  if (tokens == nullptr || !tokens->is_array()) return std::nullopt;
  std::vector<config::AgentToken> created;
  for (const auto& value : tokens->get_array()) {
    auto token = read_token(value);
    if (!token) return std::nullopt;
    created.push_back(std::move(*token));
  }
  return created;
}

}  // namespace

struct AgentTokens::Books {
  std::filesystem::path file;  // Constant after construction.

  mutable std::mutex mutex;
  // Guarded by mutex.
  std::vector<config::AgentToken> configured;
  std::vector<config::AgentToken> created;
  std::function<void(const AgentId&)> told;
};

std::string sha256_of(std::string_view bytes) { return connectors::sha256_hex(bytes); }

std::string random_token() { return "usher_" + base64url(random_bytes(token_random_bytes)); }

AgentTokens::AgentTokens(std::unique_ptr<Books> books) : books_(std::move(books)) {}
AgentTokens::~AgentTokens() = default;

Result<std::unique_ptr<AgentTokens>> AgentTokens::open(std::filesystem::path data_folder) {
  auto books = std::make_unique<Books>();
  books->file = std::move(data_folder) / "tokens.json";
  const auto text = read_small_file(books->file);
  if (!text && text.error().fault != Fault::not_found) return text.error();
  if (text) {
    auto created = from_json(*text);
    if (!created) return fail(Fault::malformed, books->file.string() + " is damaged; mend it or move it away");
    books->created = std::move(*created);
  }
  return std::unique_ptr<AgentTokens>(new AgentTokens(std::move(books)));
}

void AgentTokens::use_config(std::vector<config::AgentToken> tokens) {
  std::vector<AgentId> losers;
  std::function<void(const AgentId&)> told;
  {
    const std::lock_guard hold(books_->mutex);
    for (const auto& old : books_->configured) {
      const bool kept = std::any_of(tokens.begin(), tokens.end(), [&](const config::AgentToken& token) {
        return token.agent == old.agent && token.sha256 == old.sha256;
      });
      if (!kept && std::find(losers.begin(), losers.end(), old.agent) == losers.end()) losers.push_back(old.agent);
    }
    books_->configured = std::move(tokens);
    told = books_->told;
  }
  if (!told) return;
  for (const auto& agent : losers) told(agent);
}

Result<std::string> AgentTokens::create(const AgentId& agent) {
  auto token = random_token();
  const std::lock_guard hold(books_->mutex);
  auto more = books_->created;
  more.push_back({agent, sha256_of(token)});
  // On disk first: a token that was shown works after a restart.
  const auto written = replace_file(books_->file, to_json(more));
  if (!written) return written.error();
  books_->created = std::move(more);
  return token;
}

Result<std::size_t> AgentTokens::revoke(const AgentId& agent) {
  std::size_t revoked = 0;
  std::function<void(const AgentId&)> told;
  {
    const std::lock_guard hold(books_->mutex);
    auto fewer = books_->created;
    revoked = std::erase_if(fewer, [&](const config::AgentToken& token) { return token.agent == agent; });
    if (revoked == 0) return revoked;
    const auto written = replace_file(books_->file, to_json(fewer));
    if (!written) return written.error();
    books_->created = std::move(fewer);
    told = books_->told;
  }
  if (told) told(agent);
  return revoked;
}

std::optional<AgentId> AgentTokens::who(std::string_view token) const {
  if (token.empty() || token.size() > token_length_max) return std::nullopt;
  const auto hash = sha256_of(token);
  std::optional<AgentId> found;
  const auto look = [&](const std::vector<config::AgentToken>& tokens) {
    for (const auto& one : tokens)
      if (connectors::equal_secrets(one.sha256, hash)) found = one.agent;
  };
  const std::lock_guard hold(books_->mutex);
  look(books_->configured);
  look(books_->created);
  return found;
}

void AgentTokens::on_revoked(std::function<void(const AgentId&)> told) {
  const std::lock_guard hold(books_->mutex);
  books_->told = std::move(told);
}

}  // namespace usher::daemon
