// Who sent a mail, a person or a machine, and what the machine reports. From what RFC 3834, 3464, 8098 and 5965 say, and
// from the forms of servers that never read them. Whatever is `automated` is never answered automatically, so that two
// machines never talk to each other. Pure: any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "connectors/email/mail.hpp"
#include "routing/message/message.hpp"

namespace usher::connectors::email {

enum class Delivery {
  delivered,  // Or handed on to where no report comes from.
  delayed,    // The server keeps trying.
  failed,     // The server gave up.
};

struct ReportedRecipient {
  std::string address;     // Lower case.
  Delivery delivery = Delivery::failed;
  std::string status;      // RFC 3463, "5.1.1"; "" when the report has none.
  std::string diagnostic;  // One line, for the agent.
  // The address will not get better: no use to write to it again.
  [[nodiscard]] bool permanent() const { return delivery == Delivery::failed && !status.starts_with('4'); }
};

struct MailKind {
  std::optional<Automated> automated;
  std::vector<ReportedRecipient> recipients;
  // The mail that the report is about: its Message-ID, and what else the report calls it by.
  std::vector<std::string> original_ids;
};

[[nodiscard]] MailKind classify_mail(const Mail& mail);

}  // namespace usher::connectors::email
