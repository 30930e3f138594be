// Text forms of meta, bodies and outbox entries. Lengths stand before what may hold any byte.
#include "routing/state/redis_layout.hpp"

#include <array>
#include <charconv>
#include <map>
#include <random>

#include "routing/state/text_checksum.hpp"

namespace usher::state {

namespace {

struct HashTag;
using HashId = Id128<HashTag>;

Error damaged(const std::string& what) { return fail(Fault::malformed, "the state in Redis is damaged: " + what); }

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

bool parse(std::string_view text, Hash128& hash) {
  const auto id = HashId::parse(text);
  if (id) hash = {id->high, id->low};
  return id.has_value();
}

// The part before `separator`, which is taken off together with it.
std::string_view take(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

std::string head_of(const Body& body) {
  return body.conversation.text() + " " + std::to_string(body.sequence) + " " + hexadecimal(text_checksum(body));
}

// The parts of an entry before and behind its checksum.
std::string head_of(const OutboxEntry& entry) {
  return std::to_string(entry.offset) + " " + std::to_string(entry.index) + " " + std::string(journal::stream_name(entry.stream)) +
         " " + std::to_string(entry.entry.id.size()) + " " + std::to_string(entry.entry.type.size());
}
std::string content_of(const OutboxEntry& entry) { return entry.entry.id + " " + entry.entry.type + "\n" + entry.entry.value; }

// As the scripts write it beside its parts. Earlier builds wrote no such fields.
bool said_again(std::map<std::string_view, std::string_view>& meta) {
  const auto text = [&](const char* name) { return std::string(meta[name]); };
  const auto numbers = text("epoch") + " " + text("offset") + " " + text("count");
  return (!meta.contains("numbers") || text("numbers") == numbers) &&
         (!meta.contains("hashes") || text("hashes") == text("fingerprint") + text("digest"));
}

}  // namespace

std::string hexadecimal(const Hash128& hash) { return HashId{hash.high, hash.low}.text(); }

std::string glob_escaped(std::string_view text) {
  std::string escaped;
  for (const char each : text) {
    if (std::string_view("*?[]^-\\").find(each) != std::string_view::npos) escaped += '\\';
    escaped += each;
  }
  return escaped;
}

std::string fresh_token() {
  std::random_device source;
  return HashId{0, (static_cast<std::uint64_t>(source()) << 32) | source()}.text().substr(16);
}

Result<std::optional<StoredMeta>> decode_meta(RedisView fields) {
  if (fields.size() == 0) return std::optional<StoredMeta>();
  std::map<std::string_view, std::string_view> found;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) found[fields.at(i).text()] = fields.at(i + 1).text();
  StoredMeta stored;
  auto& meta = stored.meta;
  const bool good = parse(found["epoch"], meta.position.epoch) && parse(found["offset"], meta.position.offset) &&
                    parse(found["fingerprint"], meta.fingerprint) && parse(found["count"], meta.digest.count) &&
                    parse(found["digest"], meta.digest.sum) && parse(found["entities"], stored.entities) &&
                    parse(found["outbox"], stored.effects) && !found["generation"].empty();
  if (!good) return damaged("a field of meta is missing or wrong");
  if (!said_again(found)) return damaged("a field of meta was changed");
  stored.generation = found["generation"];
  return std::optional(std::move(stored));
}

std::string encode_body(const Body& body) {
  return head_of(body) + "\n" + body.json;
}

Result<Body> decode_body(MessageId id, std::string_view text) {
  Body body;
  body.id = id;
  const auto whole = text;
  auto head = take(text, '\n');
  const auto conversation = ConversationId::parse(take(head, ' '));
  // No bit makes one form the other: a number ends at a space or at the end of the line, and two bits are between those.
  const bool sealed = head.find(' ') != std::string_view::npos;
  bool sound = conversation && parse(take(head, ' '), body.sequence);
  if (sound) {
    body.conversation = *conversation;
    body.json = text;
    // As it was written, to the last letter.
    if (sealed) sound = whole.starts_with(head_of(body) + "\n");
  }
  if (!sound) return damaged("the text of message " + id.text());
  return body;
}

std::string encode_effect(const OutboxEntry& entry) {
  const auto head = head_of(entry);
  const auto content = content_of(entry);
  return head + " " + hexadecimal(siphash128(head + "\n" + content, 0x7573686572, 0x656666656374)) + "\n" + content;
}

Result<OutboxEntry> decode_effect(std::string_view text) {
  OutboxEntry entry;
  std::size_t id_size = 0;
  std::size_t type_size = 0;
  const auto whole = text;
  auto head = take(text, '\n');
  bool good = parse(take(head, ' '), entry.offset) && parse(take(head, ' '), entry.index);
  const auto stream = take(head, ' ');
  bool known = false;
  for (int i = 0; i < journal::stream_count; ++i)
    if (journal::stream_name(static_cast<Stream>(i)) == stream) {
      entry.stream = static_cast<Stream>(i);
      known = true;
    }
  good = good && known && parse(take(head, ' '), id_size);
  const bool sealed = head.find(' ') != std::string_view::npos;
  good = good && parse(take(head, ' '), type_size);
  good = good && id_size <= text.size() && type_size <= text.size() && id_size + type_size + 2 <= text.size();
  if (!good) return damaged("an entry of the outbox");
  entry.entry.id = text.substr(0, id_size);
  entry.entry.type = text.substr(id_size + 1, type_size);
  entry.entry.value = text.substr(id_size + type_size + 2);
  if (sealed && encode_effect(entry) != whole) return damaged("an entry of the outbox");
  return entry;
}

}  // namespace usher::state
