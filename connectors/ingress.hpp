// Ingress: the one way from any connector's bytes into the journal: verify, parse, triage, blobs, append. Owns one
// thread, used only for inputs with files, since an fsync must not stall the edge's loop. Any thread may call.
//
// Journey: edge -> [ingress] -> journal -> router.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "connectors/blob_store.hpp"
#include "connectors/connector.hpp"
#include "connectors/triage.hpp"
#include "routing/journal/journal.hpp"

namespace usher::connectors {

struct Accepted {
  std::vector<MessageId> ids;  // Empty: taken for a robot's work and dropped; the sender must not learn it.
};
using AcceptDone = std::function<void(Result<Accepted>)>;

class Ingress {
 public:
  // All outlive it.
  Ingress(journal::Journal& journal, Partition partition, BlobStore& blobs, std::shared_ptr<const Triage> triage,
          const Clock& clock);
  // Finishes the inputs with files that it has taken, then joins.
  ~Ingress();

  // `done` runs exactly once: with ids once every message is durable, on a thread of the journal's; with a refusal at
  // once on the caller's; with a blob's failure on ingress's own thread. It must be quick and may not throw.
  // thread_token: the edge has verified that the sender may add to that message's conversation.
  void accept(const Connector& connector, const Instance& instance, Raw raw, std::optional<MessageId> thread_token,
              AcceptDone done);

  // The labels from now on: after a reload.
  void use(std::shared_ptr<const Triage> triage);

 private:
  struct Desk;
  std::unique_ptr<Desk> desk_;
};

}  // namespace usher::connectors
