// MailboxesPost: the mailboxes of this node's connectors, each read by one process at a time: the one that holds the lease
// `mailbox/CONNECTOR`. Embedded: always this one. Also keeps copies of what was sent, for egress. Any thread.
//
// Journey: mailbox -> [reader] -> ingress -> journal.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/access_tokens.hpp"
#include "connectors/connector.hpp"
#include "connectors/email/imap/mailbox_reader.hpp"
#include "connectors/ingress.hpp"
#include "connectors/sent_copies.hpp"
#include "daemon/node_lease.hpp"

namespace usher::daemon {

// For readiness and metrics.
struct MailboxFigures {
  std::string connector;
  bool here = false;  // This process reads it.
  connectors::email::imap::MailboxStatus status{};
};

class MailboxesPost {
 public:
  // All outlive it, and so do the leases; null: nobody else could read.
  struct Ports {
    journal::Journal& journal;
    connectors::Ingress& ingress;
    connectors::AccessTokens& tokens;
    const Clock& clock;
    std::filesystem::path notes;  // The folder of what is being read, a file for each mailbox.
  };

  MailboxesPost(Partition partition, Ports ports, const std::vector<connectors::Instance>& instances, state::Leases* leases,
                std::string holder);
  ~MailboxesPost();
  // Reads no more; what was handed to ingress still arrives. Another process may read then.
  void stop();

  // After a reload: a mailbox whose settings changed begins anew, the others go on.
  void use(const std::vector<connectors::Instance>& instances);
  [[nodiscard]] std::vector<MailboxFigures> figures() const;

 private:
  class Mailbox;

  const Partition partition_;
  const Ports ports_;
  state::Leases* const leases_;
  const std::string holder_;
  using Mailboxes = std::map<std::string, std::unique_ptr<Mailbox>>;

  std::mutex changing_;  // Held while mailboxes end and begin, which may take seconds; taken before mutex_.
  // Held for moments only: the router asks for figures. So a mailbox ends after mutex_ is let go.
  mutable std::mutex mutex_;
  Mailboxes mailboxes_;   // Guarded by mutex_; by the connector's name.
  bool stopped_ = false;  // Guarded by mutex_.
};

// For egress: puts a copy of what was sent where the connector wants it. The tokens outlive it.
[[nodiscard]] connectors::KeepCopy keep_sent_copies(connectors::AccessTokens& tokens);

}  // namespace usher::daemon
