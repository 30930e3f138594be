// Recipients of replies.
#include "connectors/email/recipient.hpp"

#include <algorithm>

#include "connectors/email/header_block.hpp"
#include "connectors/email/header_text.hpp"

namespace usher::connectors::email {

namespace {

// The mailbox, plain or with a tag: the addresses that thread_key.hpp makes, and any other.
bool is_of_mailbox(std::string_view mailbox, std::string_view address) {
  const std::size_t at = std::min(mailbox.rfind('@'), mailbox.size());
  const std::string_view local = mailbox.substr(0, at), domain = mailbox.substr(at);
  return address == mailbox || (address.size() > mailbox.size() && address.starts_with(local) && address[at] == '+' && address.ends_with(domain));
}

}  // namespace

OwnAddresses::OwnAddresses(std::string_view address, const std::vector<std::string>& aliases) {
  addresses_.push_back(ascii_lower(address));
  for (const std::string& alias : aliases) addresses_.push_back(ascii_lower(alias));
}

bool OwnAddresses::has(std::string_view address) const {
  const std::string folded = ascii_lower(address);
  return std::any_of(addresses_.begin(), addresses_.end(), [&](const std::string& ours) { return is_of_mailbox(ours, folded); });
}

std::optional<Recipient> recipient_of(const Message& message, const OwnAddresses& own) {
  const auto first_of = [&](const std::vector<Identity>& list) {
    return std::find_if(list.begin(), list.end(), [&](const Identity& one) { return one.kind == "email" && is_mail_address(one.value) && !own.has(one.value); });
  };
  const auto& from = message.from.identities;
  const bool ours = !from.empty() && std::all_of(from.begin(), from.end(), [&](const Identity& one) { return one.kind == "email" && own.has(one.value); });
  // The name stands beside From; of a mail from ourselves it is our own.
  for (const auto* list : {&message.reply_to, &from})
    if (const auto found = first_of(*list); found != list->end()) return Recipient{found->value, ours ? std::string() : message.from.display_name};
  // A list or a group that writes as ourselves has its author elsewhere, and whoever reads along is not him.
  if (!ours || message.automated == Automated::bulk) return std::nullopt;
  if (const auto found = first_of(message.to); found != message.to.end()) return Recipient{found->value, {}};
  const auto found = first_of(message.cc);
  if (found == message.cc.end()) return std::nullopt;
  const auto strangers = std::count_if(message.cc.begin(), message.cc.end(), [&](const Identity& one) { return one.kind == "email" && !own.has(one.value); });
  return strangers == 1 ? std::optional(Recipient{found->value, {}}) : std::nullopt;
}

}  // namespace usher::connectors::email
