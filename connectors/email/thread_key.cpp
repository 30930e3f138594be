// Thread keys.
#include "connectors/email/thread_key.hpp"

#include <algorithm>

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
std::string mac(const std::string& secret, const TenantId& tenant, std::string_view purpose, std::string_view ids) {
  std::string bytes = "usher mail thread 1";
  for (const std::string_view text : {std::string_view(tenant.text()), purpose, ids}) {
    const auto size = static_cast<std::uint32_t>(text.size());
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((size >> shift) & 0xff);
    bytes += text;
  }
  return base32(hmac_sha256(secret, bytes).substr(0, mac_bytes));
}

bool is_signed(const ThreadSecrets& secrets, std::string_view purpose, std::string_view ids, std::string_view signature) {
  if (signature.size() != mac_size) return false;
  bool good = false;
  // Every secret is tried, so that the time does not tell which one it was.
  for (const std::string& secret : secrets.secrets) good |= equal_secrets(mac(secret, secrets.tenant, purpose, ids), signature);
  return good;
}

const std::string& signing(const ThreadSecrets& secrets) {
  usher::message::expect(!secrets.secrets.empty(), "mail threads are signed with a secret");
  return secrets.secrets.front();
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
  const std::size_t at = base.rfind('@');
  if (at == std::string_view::npos || at == 0) return {};
  const std::string id = base32(bytes_of(thread));
  const std::string local = std::string(base.substr(0, at)) + "+" + id + "." + mac(signing(secrets), secrets.tenant, "address", id);
  if (local.size() > local_part_bytes_max) return {};
  return local + std::string(base.substr(at));
}

std::string without_reply_tag(std::string_view address) {
  const std::size_t at = std::min(address.rfind('@'), address.size());
  const std::size_t plus = address.substr(0, at).rfind('+');
  const bool tagged = plus != std::string_view::npos && at == plus + 1 + id_size + 1 + mac_size && address[plus + 1 + id_size] == '.';
  return tagged ? std::string(address.substr(0, plus)) + std::string(address.substr(at)) : std::string(address);
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
  const std::string local = ascii_lower(address.substr(0, std::min(address.rfind('@'), address.size())));
  const std::size_t plus = local.rfind('+');
  if (plus == std::string::npos || local.size() != plus + 1 + id_size + 1 + mac_size || local[plus + 1 + id_size] != '.') return std::nullopt;
  const std::string_view id = std::string_view(local).substr(plus + 1, id_size);
  if (!is_signed(secrets, "address", id, std::string_view(local).substr(plus + 2 + id_size))) return std::nullopt;
  return id_of(id);
}

std::optional<MessageId> find_thread(const ThreadSecrets& secrets, const Mail& mail) {
  for (const auto& id : mail.in_reply_to)
    if (auto found = verify_message_id(secrets, id)) return found;
  for (auto id = mail.references.rbegin(); id != mail.references.rend(); ++id)
    if (auto found = verify_message_id(secrets, *id)) return found;
  for (const auto& address : mail.delivered_to)
    if (auto found = verify_reply_address(secrets, address)) return found;
  for (const auto* list : {&mail.to, &mail.cc})
    for (const auto& mailbox : *list)
      if (auto found = verify_reply_address(secrets, mailbox.address)) return found;
  return std::nullopt;
}

}  // namespace usher::connectors::email
