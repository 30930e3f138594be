// SecureStream: bytes to and from one mail server, with TLS from the first byte, from start_tls() on, or never (loopback).
// Blocks its caller, but each step has a deadline and a StopSwitch ends it at once. One thread at a time owns it.
//
// poll() and OpenSSL rather than Asio: the mailbox has a thread of its own that does one thing after another, so a loop with
// completions would only be waited for.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "connectors/email/imap/imap_limits.hpp"
#include "connectors/email/imap/stop_switch.hpp"
#include "connectors/email/mail_account.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors::email::imap {

// How long no answer may come until a line counts as dead; the limits unless a test says otherwise.
struct Silence {
  std::chrono::seconds on_the_line = limits::line_silent_max;  // From the other machine, whatever runs there.
  std::chrono::milliseconds behind_idle = limits::done_within;  // From the server, when a wait ends.
};

class SecureStream {
 public:
  // The switch outlives it.
  SecureStream(MailServer server, const StopSwitch& stop, const Silence& silence = {});
  ~SecureStream();

  // Resolves, connects, and with Protection::tls shakes hands. `unavailable` in an operator's words.
  Result<void> connect(Deadline deadline);
  // RFC 3501 6.2.1. The caller has made sure that it holds no byte that came before.
  Result<void> start_tls(Deadline deadline);
  Result<void> send(std::string_view bytes, Deadline deadline);
  // What came, 16 KiB at most and valid until the next call; empty: silence until the deadline, and the stream goes on.
  Result<std::string_view> receive(Deadline deadline);
  // The first bytes that came over the wire, encrypted or not; a few.
  [[nodiscard]] std::string_view first_bytes() const;
  // "TLSv1.3", or "no TLS".
  [[nodiscard]] std::string protection() const;

 private:
  struct Wire;
  std::unique_ptr<Wire> wire_;
};

}  // namespace usher::connectors::email::imap
