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

void append_head(std::string& text, const OutboxEntry& entry) {
  text.append(std::to_string(entry.offset)).append(" ").append(std::to_string(entry.index)).append(" ");
  text.append(journal::stream_name(entry.stream)).append(" ").append(std::to_string(entry.entry.id.size()));
  text.append(" ").append(std::to_string(entry.entry.type.size()));
}
void append_content(std::string& text, const OutboxEntry& entry) {
  text.append(entry.entry.id).append(" ").append(entry.entry.type).append("\n").append(entry.entry.value);
}

// Takes OFFSET INDEX STREAM ID-BYTES off the head.
bool take_place(std::string_view& head, OutboxEntry& entry, std::size_t& id_size) {
  bool good = parse(take(head, ' '), entry.offset) && parse(take(head, ' '), entry.index);
  const auto stream = take(head, ' ');
  bool known = false;
  for (int i = 0; i < journal::stream_count; ++i)
    if (journal::stream_name(static_cast<Stream>(i)) == stream) {
      entry.stream = static_cast<Stream>(i);
      known = true;
    }
  good = good && known;
  return parse(take(head, ' '), id_size) && good;
}

// Takes ID TYPE VALUE off the text; what follows the value stays.
bool take_content(std::string_view& text, OutboxEntry& entry, std::size_t id_size, std::size_t type_size, std::size_t value_size) {
  for (const auto size : {id_size, type_size, value_size})
    if (size > text.size()) return false;
  if (id_size + type_size + value_size + 2 > text.size()) return false;
  entry.entry.id = text.substr(0, id_size);
  entry.entry.type = text.substr(id_size + 1, type_size);
  entry.entry.value = text.substr(id_size + type_size + 2, value_size);
  text.remove_prefix(id_size + type_size + value_size + 2);
  return true;
}

// With the checksum of everything else at the end of the first line.
std::string sealed(std::string text) {
  const auto sum = " " + hexadecimal(siphash128(text, 0x7573686572, 0x656666656374));
  text.insert(text.find('\n'), sum);
  return text;
}

bool decode_alone(std::string_view text, OutboxEntry& entry) {
  std::size_t id_size = 0;
  std::size_t type_size = 0;
  const auto whole = text;
  auto head = take(text, '\n');
  if (!take_place(head, entry, id_size)) return false;
  // Earlier builds wrote no checksum.
  const bool has_sum = head.find(' ') != std::string_view::npos;
  if (!parse(take(head, ' '), type_size) || text.size() < 2) return false;
  const auto rest = id_size > text.size() || type_size > text.size() ? 0 : text.size() - std::min(text.size(), id_size + type_size + 2);
  if (!take_content(text, entry, id_size, type_size, rest)) return false;
  return !has_sum || encode_block({entry}, 0, 1) == whole;
}

// As they were written, to the last letter: a block of one is written in the other form.
bool decode_several(std::string_view text, std::vector<OutboxEntry>& entries) {
  const auto whole = text;
  auto head = take(text, '\n');
  static_cast<void>(take(head, ' '));
  std::size_t count = 0;
  if (!parse(take(head, ' '), count)) return false;
  while (!text.empty() && entries.size() < count) {
    auto& entry = entries.emplace_back();
    std::size_t id_size = 0, type_size = 0, value_size = 0;
    auto line = take(text, '\n');
    if (!take_place(line, entry, id_size) || !parse(take(line, ' '), type_size) || !parse(line, value_size)) return false;
    if (!take_content(text, entry, id_size, type_size, value_size) || !text.starts_with('\n')) return false;
    text.remove_prefix(1);
  }
  return entries.size() > 1 && encode_block(entries, 0, entries.size()) == whole;
}

// As the scripts write it beside its parts. Earlier builds wrote no such fields.
bool said_again(std::map<std::string_view, std::string_view>& meta) {
  const auto text = [&](const char* name) { return std::string(meta[name]); };
  const auto published = meta.contains("published") ? " " + text("published") : std::string();
  const auto numbers = text("epoch") + " " + text("offset") + " " + text("count") + published;
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
                    parse(found["outbox"], stored.blocks) &&
                    (!found.contains("published") || parse(found["published"], stored.published)) && !found["generation"].empty();
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

std::string encode_block(const std::vector<OutboxEntry>& outbox, std::size_t first, std::size_t last) {
  expect(first < last && last <= outbox.size(), "a block has effects");
  std::string text;
  if (last - first == 1) {
    append_head(text, outbox[first]);
    text += '\n';
    append_content(text, outbox[first]);
    return sealed(std::move(text));
  }
  std::size_t bytes = 128;
  for (auto i = first; i < last; ++i) bytes += encoded_bytes(outbox[i]);
  text.reserve(bytes);
  text.append("effects ").append(std::to_string(last - first)).append("\n");
  for (auto i = first; i < last; ++i) {
    append_head(text, outbox[i]);
    text.append(" ").append(std::to_string(outbox[i].entry.value.size())).append("\n");
    append_content(text, outbox[i]);
    text += '\n';
  }
  return sealed(std::move(text));
}

std::string block_name(const OutboxEntry& first) { return std::to_string(first.offset) + "/" + std::to_string(first.index); }

Result<std::vector<OutboxEntry>> decode_block(std::string_view name, std::string_view text) {
  std::vector<OutboxEntry> entries;
  const bool good = text.starts_with("effects ") ? decode_several(text, entries) : decode_alone(text, entries.emplace_back());
  if (!good) return damaged("an entry of the outbox");
  // Trimmed by its name: under another one it would stay, or go instead of what belongs there.
  if (block_name(entries.front()) != name) return damaged("an entry of the outbox stands under another name");
  return entries;
}

}  // namespace usher::state
