// WebhookClient: many HTTP posts at once by libcurl's multi interface. No redirects, no proxy of the environment, only
// http and https, a deadline for the whole, and nothing of the answer kept but its status. One thread owns it, which
// alone calls everything but wake().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/connector.hpp"
#include "connectors/verdict.hpp"

namespace usher::connectors {

struct PostResult {
  int status = 0;                // 0: there was no answer; see `trouble`.
  std::string trouble;           // In words, without the address.
  bool refused_address = false;  // The name leads to a private address, and that is not allowed.
  Milliseconds retry_after{0};   // What the receiver asked for; 0: nothing.
};

// 2xx sent; 408, 409, 425, 429, 5xx and no answer deferred; anything else failed.
[[nodiscard]] Verdict judge(const PostResult& result);

class WebhookClient {
 public:
  explicit WebhookClient(bool allow_private_addresses);
  // Breaks off what is in flight.
  ~WebhookClient();

  // `ticket` names it in finished().
  void start(std::uint64_t ticket, HttpPost post);
  [[nodiscard]] std::size_t in_flight() const;
  // Works on the posts until one is done, wake() was called, or `at_most` is over. What is done leaves with it.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, PostResult>> finished(Milliseconds at_most);
  // Any thread, as long as the client lives.
  void wake();

 private:
  struct Transfers;
  std::unique_ptr<Transfers> transfers_;
};

}  // namespace usher::connectors
