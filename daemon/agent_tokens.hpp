// AgentTokens: who a bearer token is. Tokens come from the configuration (as hashes) and from `usherctl token create`;
// only SHA-256 hashes are kept, the created ones in DATA/tokens.json (fsynced, then renamed into place).
// Any thread; the mutex is held for look-ups and for one small file write, never while a callback runs.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "routing/message/ids.hpp"
#include "routing/message/result.hpp"

namespace usher::daemon {

using namespace usher::message;

// "usher_" and 43 base64url characters: 256 bits of the operating system's randomness.
[[nodiscard]] std::string random_token();
// Lower-case hexadecimal SHA-256.
[[nodiscard]] std::string sha256_of(std::string_view bytes);

class AgentTokens {
 public:
  // Reads DATA/tokens.json; absent means none were created. `malformed` when it cannot be understood: it is not
  // overwritten, since that would silently sign out everybody.
  [[nodiscard]] static Result<std::unique_ptr<AgentTokens>> open(std::filesystem::path data_folder);
  ~AgentTokens();

  // Replaces the tokens of the configuration; agents that thereby lost one are reported to on_revoked.
  void use_config(std::vector<config::AgentToken> tokens);
  // A new token of the agent; this is the only time that it can be seen. `unavailable`: not durable, not created.
  [[nodiscard]] Result<std::string> create(const AgentId& agent);
  // Takes back every created token of the agent. Those of the configuration stay. Returns how many.
  [[nodiscard]] Result<std::size_t> revoke(const AgentId& agent);
  // Compares hashes, in time that does not depend on how much of a token was right.
  [[nodiscard]] std::optional<AgentId> who(std::string_view token) const;
  // `told` runs on the thread that revoked, after the token stopped working: the sessions of that agent that used it may
  // end. It must only post.
  void on_revoked(std::function<void(const AgentId&)> told);

 private:
  struct Books;
  explicit AgentTokens(std::unique_ptr<Books> books);
  std::unique_ptr<Books> books_;
};

}  // namespace usher::daemon
