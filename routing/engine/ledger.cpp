// See ledger.hpp.
#include "routing/engine/ledger.hpp"

#include <array>

#include "routing/message/result.hpp"

namespace usher::engine {
namespace {

void append_counted(std::string& out, std::string_view part) {
  std::array<char, 8> size;  // Its low byte first.
  for (std::size_t i = 0; i < size.size(); ++i) size[i] = static_cast<char>(part.size() >> (8 * i) & 255);
  out.append(size.data(), size.size()).append(part);
}

}  // namespace

// Each part is preceded by its length, so that no two entities share their bytes.
Hash128 entity_hash(std::string_view table, std::string_view key, std::string_view value) {
  std::string bytes;
  bytes.reserve(table.size() + key.size() + value.size() + 24);
  append_counted(bytes, table);
  append_counted(bytes, key);
  append_counted(bytes, value);
  return siphash128(bytes, 0x7573686572, 0x656e74697479);
}

void Ledger::add(const Hash128& hash) {
  ++digest_.count;
  digest_.sum.high += hash.high;
  digest_.sum.low += hash.low;
}

void Ledger::subtract(const Hash128& hash) {
  expect(digest_.count > 0, "a ledger only forgets what it has");
  --digest_.count;
  digest_.sum.high -= hash.high;
  digest_.sum.low -= hash.low;
}

void Ledger::put(Stored& stored, std::string table, std::string key, std::string value) {
  const auto hash = entity_hash(table, key, value);
  if (stored.present && stored.hash == hash) return;
  if (stored.present) subtract(stored.hash);
  stored = {true, hash};
  add(hash);
  changes_.push_back({std::move(table), std::move(key), std::move(value)});
}

void Ledger::erase(Stored& stored, std::string table, std::string key) {
  if (!stored.present) return;
  subtract(stored.hash);
  stored = {};
  changes_.push_back({std::move(table), std::move(key), std::nullopt});
}

void Ledger::drop(std::string table, const Digest& sum) {
  expect(digest_.count >= sum.count, "a ledger only forgets what it has");
  digest_.count -= sum.count;
  digest_.sum.high -= sum.sum.high;
  digest_.sum.low -= sum.sum.low;
  changes_.push_back({std::move(table), "*", std::nullopt});
}

void Ledger::adopt(Stored& stored, std::string_view table, std::string_view key, std::string_view value) {
  stored = {true, entity_hash(table, key, value)};
  add(stored.hash);
}

}  // namespace usher::engine
