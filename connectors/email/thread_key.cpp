// Thread keys.
#include "connectors/email/thread_key.hpp"

#include <algorithm>

#include "connectors/email/email_limits.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/signature.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors::email {

namespace {

constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view id_prefix = "u1.";
constexpr std::size_t id_size = 26;   // 128 bits.
constexpr std::size_t mac_bytes = 10;
constexpr std::size_t mac_size = 16;  // 80 bits: out of reach for guessing by mail.
constexpr std::size_t day_size = 3;   // Days since 1970, in a circle of 32768 of them.
constexpr std::int64_t day_circle = 1 << (5 * day_size);
// Shorter by what the day takes, so that a sender is no longer than an address. 64 bits, for days only.
constexpr std::size_t sender_mac_bytes = 8;
constexpr std::size_t sender_mac_size = 13;
static_assert(day_size + sender_mac_size == mac_size);
constexpr std::size_t tag_size = id_size + 1 + mac_size;
constexpr std::size_t local_part_bytes_max = 64;

std::string base32(std::string_view bytes) {
  std::string out;
  unsigned held = 0, bits = 0;
  for (const char c : bytes) {
    held = (held << 8) | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 5; bits -= 5) out += digits[(held >> (bits - 5)) & 31];
    held &= 31;
  }
  if (bits > 0) out += digits[(held << (5 - bits)) & 31];
  return out;
}

std::string bytes_of(MessageId id) {
  std::string out;
  for (const std::uint64_t half : {id.high, id.low})
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((half >> shift) & 0xff);
  return out;
}

// Only the one spelling that base32() gives.
std::optional<MessageId> id_of(std::string_view text) {
  if (text.size() != id_size) return std::nullopt;
  MessageId id;
  unsigned held = 0, bits = 0, filled = 0;
  for (const char c : text) {
    const std::size_t digit = digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    held = ((held & 0xff) << 5) | static_cast<unsigned>(digit);
    bits += 5;
    if (bits < 8 || filled == 16) continue;
    bits -= 8;
    auto& half = filled++ < 8 ? id.high : id.low;
    half = (half << 8) | ((held >> bits) & 0xff);
  }
  return base32(bytes_of(id)) == text ? std::optional(id) : std::nullopt;
}

// Length first, so that no two triples are signed alike. `purpose` keeps an address from being replayed as an id.
std::string mac(const std::string& secret, const TenantId& tenant, std::string_view purpose, std::string_view ids, std::size_t bytes_kept = mac_bytes) {
  std::string bytes = "usher mail thread 1";
  for (const std::string_view text : {std::string_view(tenant.text()), purpose, ids}) {
    const auto size = static_cast<std::uint32_t>(text.size());
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((size >> shift) & 0xff);
    bytes += text;
  }
  return base32(hmac_sha256(secret, bytes).substr(0, bytes_kept));
}

bool is_signed(const ThreadSecrets& secrets, std::string_view purpose, std::string_view ids, std::string_view signature,
               std::size_t bytes_kept = mac_bytes) {
  bool good = false;
  // Every secret is tried, so that the time does not tell which one it was.
  for (const std::string& secret : secrets.secrets) good |= equal_secrets(mac(secret, secrets.tenant, purpose, ids, bytes_kept), signature);
  return good;
}

const std::string& signing(const ThreadSecrets& secrets) {
  usher::message::expect(!secrets.secrets.empty(), "mail threads are signed with a secret");
  return secrets.secrets.front();
}

std::int64_t day_of(Instant at) { return unix_ms(at) / 86'400'000; }

std::string day_text(std::int64_t day) {
  std::string out;
  for (std::size_t i = day_size; i-- > 0;) out += digits[static_cast<std::size_t>(day >> (5 * i)) & 31];
  return out;
}

// A clock of another machine may be ahead, so tomorrow counts, too. Requires: it was signed, so it is of digits.
bool is_in_time(std::string_view day, std::int64_t today) {
  std::int64_t signed_on = 0;
  for (const char c : day) signed_on = signed_on * 32 + static_cast<std::int64_t>(digits.find(c));
  const std::int64_t age_and_one = ((today - signed_on + 1) % day_circle + day_circle) % day_circle;
  return age_and_one <= limits::envelope_days + 1;
}

// `tag` with a plus behind the name of the mailbox `base`; "" when that would be no address.
std::string tagged(std::string_view base, const std::string& tag) {
  const std::size_t at = base.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 + tag.size() > local_part_bytes_max) return {};
  return std::string(base.substr(0, at)) + "+" + tag + std::string(base.substr(at));
}

// The tag of an address in lower case, when it is as long as one of ours; "" otherwise.
std::string tag_of(std::string_view address) {
  const std::string local = ascii_lower(address.substr(0, std::min(address.rfind('@'), address.size())));
  const std::size_t plus = local.rfind('+');
  return plus != std::string::npos && local.size() == plus + 1 + tag_size ? local.substr(plus + 1) : std::string();
}

// Of an id of ours: "REPLY.ID", with the signature checked.
std::optional<std::string> verified_ids(const ThreadSecrets& secrets, std::string_view id) {
  const std::string word = ascii_lower(id.substr(0, std::min(id.find('@'), id.size())));
  constexpr std::size_t ids_size = id_size + 1 + id_size;
  if (!word.starts_with(id_prefix) || word.size() != id_prefix.size() + ids_size + 1 + mac_size) return std::nullopt;
  const std::string_view ids = std::string_view(word).substr(id_prefix.size(), ids_size);
  if (ids[id_size] != '.' || word[id_prefix.size() + ids_size] != '.') return std::nullopt;
  if (!is_signed(secrets, "id", ids, std::string_view(word).substr(id_prefix.size() + ids_size + 1))) return std::nullopt;
  return std::string(ids);
}

}  // namespace

std::string mint_message_id(const ThreadSecrets& secrets, MessageId reply, MessageId thread, std::string_view domain) {
  const std::string ids = base32(bytes_of(reply)) + "." + base32(bytes_of(thread));
  return "<" + std::string(id_prefix) + ids + "." + mac(signing(secrets), secrets.tenant, "id", ids) + "@" + std::string(domain) + ">";
}

std::string mint_reply_address(const ThreadSecrets& secrets, MessageId thread, std::string_view base) {
  const std::string id = base32(bytes_of(thread));
  return tagged(base, id + "." + mac(signing(secrets), secrets.tenant, "address", id));
}

std::string mint_envelope_sender(const ThreadSecrets& secrets, MessageId thread, std::string_view base, Instant now) {
  const std::string id = base32(bytes_of(thread)) + day_text(day_of(now));
  return tagged(base, id + "." + mac(signing(secrets), secrets.tenant, "sender", id, sender_mac_bytes));
}

std::string without_reply_tag(std::string_view address) {
  const std::string tag = tag_of(address);
  if (tag.empty() || (tag[id_size] != '.' && tag[id_size + day_size] != '.')) return std::string(address);
  const std::size_t at = std::min(address.rfind('@'), address.size());
  return std::string(address.substr(0, at - tag.size() - 1)) + std::string(address.substr(at));
}

std::optional<MessageId> verify_message_id(const ThreadSecrets& secrets, std::string_view id) {
  const auto ids = verified_ids(secrets, id);
  return ids ? id_of(std::string_view(*ids).substr(id_size + 1)) : std::nullopt;
}

std::optional<MessageId> verify_reply(const ThreadSecrets& secrets, std::string_view id) {
  const auto ids = verified_ids(secrets, id);
  return ids ? id_of(std::string_view(*ids).substr(0, id_size)) : std::nullopt;
}

std::optional<MessageId> verify_reply_address(const ThreadSecrets& secrets, std::string_view address) {
  const std::string tag = tag_of(address);
  if (tag.empty() || tag[id_size] != '.') return std::nullopt;
  const std::string_view id = std::string_view(tag).substr(0, id_size);
  if (!is_signed(secrets, "address", id, std::string_view(tag).substr(id_size + 1))) return std::nullopt;
  return id_of(id);
}

std::optional<MessageId> verify_envelope_sender(const ThreadSecrets& secrets, std::string_view address, Instant received_at) {
  const std::string tag = tag_of(address);
  constexpr std::size_t signed_size = id_size + day_size;
  if (tag.empty() || tag[signed_size] != '.') return std::nullopt;
  const std::string_view text = std::string_view(tag).substr(0, signed_size);
  if (!is_signed(secrets, "sender", text, std::string_view(tag).substr(signed_size + 1), sender_mac_bytes)) return std::nullopt;
  return is_in_time(text.substr(id_size), day_of(received_at)) ? id_of(text.substr(0, id_size)) : std::nullopt;
}

std::optional<MessageId> find_thread(const ThreadSecrets& secrets, const Mail& mail, Instant received_at) {
  for (const auto& id : mail.in_reply_to)
    if (auto found = verify_message_id(secrets, id)) return found;
  for (auto id = mail.references.rbegin(); id != mail.references.rend(); ++id)
    if (auto found = verify_message_id(secrets, *id)) return found;
  const auto by_address = [&](const std::string& address) {
    auto found = verify_reply_address(secrets, address);
    return found ? found : verify_envelope_sender(secrets, address, received_at);
  };
  for (const auto& address : mail.delivered_to)
    if (auto found = by_address(address)) return found;
  for (const auto* list : {&mail.to, &mail.cc})
    for (const auto& mailbox : *list)
      if (auto found = by_address(mailbox.address)) return found;
  return std::nullopt;
}

}  // namespace usher::connectors::email
