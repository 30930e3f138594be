// Recipient: which addresses are ours, and who else a reply to a mail goes to. Both ends of the email connector ask: what
// comes in from ourselves with nobody else to answer is our own mail on its way round, and what goes out never goes to us.
// Pure: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/message/message.hpp"

namespace usher::connectors::email {

using namespace usher::message;

// The addresses of one mailbox: its own, its aliases, and any of these with a tag behind a plus.
class OwnAddresses {
 public:
  OwnAddresses() = default;
  OwnAddresses(std::string_view address, const std::vector<std::string>& aliases);
  [[nodiscard]] bool has(std::string_view address) const;

 private:
  std::vector<std::string> addresses_;  // Lower case.
};

struct Recipient {
  std::string address;
  std::string name;  // "" where the mail gives none for that address.
};

// The first of Reply-To, From, To and Cc that is an address and not ours: never more than one. To and Cc count only in a mail
// from ourselves, as a colleague's to a customer, or a form's with a copy to who filled it in. None: nobody to answer.
[[nodiscard]] std::optional<Recipient> recipient_of(const Message& message, const OwnAddresses& own);

}  // namespace usher::connectors::email
