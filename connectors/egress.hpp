// Egress: carries replies from the outbound stream to customers. Runs on a thread of its own with libcurl's multi
// interface, and hands mails to the threads of MailLane; reads from a durable cursor, makes one attempt per effect (rule E5: retries live in the engine) and appends
// what became of it to the inbound stream before the cursor moves. A crash repeats an attempt with the same id.
//
// Journey: router -> outbound stream -> [egress] -> customer; and back: delivery record -> inbound stream.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/blob_store.hpp"
#include "connectors/connector.hpp"
#include "connectors/mail_lane.hpp"
#include "routing/journal/journal.hpp"
#include "routing/state/state_store.hpp"

namespace usher::connectors {

// Under which name the journal keeps how far replies are sent.
inline constexpr const char* egress_consumer = "egress";

struct EgressStatus {
  Offset cursor = offset_none;     // Everything before it is reported.
  std::uint64_t sent = 0, deferred = 0, failed = 0;
  std::size_t pending = 0;         // Replies read and not reported yet: at most the window of 256, more may follow.
  std::string last_error;          // Verdict::kind of the newest attempt that was not sent; empty: none so far.
  std::uint64_t unreadable = 0;    // Outbound records that name no reply: passed over.
  Offset erased_before = offset_none;  // Replies before it were erased unsent: retention is too short.
  std::string trouble;             // Why it does not move, in words; empty when it does.
  std::string mail_trouble;        // The connector whose mail server is in trouble, and what it is; empty: none.
  CopyFigures copies;              // Of sent mails.
};

class Egress {
 public:
  // All outlive it.
  struct Ports {
    journal::Journal& journal;
    state::StateReader& state;
    const Clock& clock;
    const BlobStore* blobs = nullptr;  // Of files in replies; none: a reply with files waits.
    std::string public_url = {};       // Outbound::public_url.
  };

  // Without a saved cursor it starts at the end of the stream as it is now: construct it before the router.
  // allow_private_addresses: webhooks may go to loopback and private networks (the guard against request forgery).
  Egress(Partition partition, Ports ports, std::vector<Instance> instances, bool allow_private_addresses, MailHooks hooks = {});
  // Takes nothing new, gives what is in flight a moment, then joins. What was cut off is repeated after a restart; mails that
  // are not as far as their dot are cut off at once, since a server cannot have them yet.
  ~Egress();

  // The connectors from now on: after a reload. Any thread.
  void use(std::vector<Instance> instances);
  // Any thread.
  [[nodiscard]] EgressStatus status() const;

 private:
  struct Carrier;
  std::unique_ptr<Carrier> carrier_;
};

}  // namespace usher::connectors
