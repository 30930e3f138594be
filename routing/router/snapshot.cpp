// See snapshot.hpp.
#include "routing/router/snapshot.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <utility>

#include "routing/engine/engine.hpp"
#include "routing/message/limits.hpp"

namespace usher::router {

namespace json = boost::json;

namespace {

constexpr int in_flight_max = 4;
constexpr std::size_t read_at_once = 16;
constexpr const char* chunk_type = "usher.snapshot.chunk.v1";
constexpr const char* manifest_type = "usher.snapshot.manifest.v1";
// A part of a chunk is never larger than one entity, and those are small; room for what JSON adds.
constexpr std::size_t chunk_bytes = limits::snapshot_chunk_bytes_max / 2;

// By claim first: two owners may write one at the same offset.
using SnapshotKey = std::pair<Offset, Offset>;

std::string entry_id(const SnapshotKey& key, const std::string& part) {
  return std::to_string(key.first) + "/" + std::to_string(key.second) + "/" + part;
}

SnapshotKey key_of(const Snapshot& snapshot) { return {snapshot.claimed_at, snapshot.meta.position.offset}; }

std::string hex(const Hash128& hash) { return Id128<void>{hash.high, hash.low}.text(); }

std::string manifest_json(const Snapshot& snapshot, std::size_t chunks) {
  const auto& meta = snapshot.meta;
  return json::serialize(json::object{{"v", 1},
                                      {"offset", meta.position.offset},
                                      {"epoch", meta.position.epoch},
                                      {"fingerprint", hex(meta.fingerprint)},
                                      {"entities", meta.digest.count},
                                      {"digest", hex(meta.digest.sum)},
                                      {"owner_version", snapshot.owner_version},
                                      {"claimed_at", snapshot.claimed_at},
                                      {"drained", snapshot.drained},
                                      {"chunks", chunks}});
}

std::optional<Hash128> hash_of(const json::value& text) {
  const auto parsed = text.is_string() ? Id128<void>::parse(std::string_view(text.get_string())) : std::nullopt;
  if (!parsed) return std::nullopt;
  return Hash128{parsed->high, parsed->low};
}

struct Manifest {
  Snapshot snapshot;
  std::size_t chunks = 0;
};

// What another version, or a stray hand, wrote is no manifest.
std::optional<Manifest> read_manifest(const std::string& text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return std::nullopt;
  try {
    Manifest read;
    auto& meta = read.snapshot.meta;
    meta.position = {object->at("epoch").to_number<Offset>(), object->at("offset").to_number<Offset>()};
    const auto fingerprint = hash_of(object->at("fingerprint"));
    const auto digest = hash_of(object->at("digest"));
    if (!fingerprint || !digest || object->at("v") != 1) return std::nullopt;
    meta.fingerprint = *fingerprint;
    meta.digest = {object->at("entities").to_number<std::uint64_t>(), *digest};
    read.snapshot.owner_version = object->at("owner_version").to_number<int>();
    read.snapshot.claimed_at = object->at("claimed_at").to_number<Offset>();
    read.snapshot.drained = object->at("drained").as_bool();
    read.chunks = object->at("chunks").to_number<std::size_t>();
    return read;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

bool add_entities(const std::string& chunk, std::vector<state::Entity>& entities) {
  boost::system::error_code error;
  const auto value = json::parse(chunk, error);
  const auto* list = error ? nullptr : value.if_array();
  if (list == nullptr) return false;
  for (const auto& item : *list) {
    const auto* parts = item.if_array();
    if (parts == nullptr || parts->size() != 3) return false;
    for (const auto& part : *parts)
      if (!part.is_string()) return false;
    const auto text = [&](std::size_t i) { return std::string((*parts)[i].get_string().data(), (*parts)[i].get_string().size()); };
    entities.push_back({text(0), text(1), text(2)});
  }
  return true;
}

template <class See>
Result<void> for_each_entry(journal::Journal& journal, Partition partition, See&& see) {
  const auto bounds = journal.bounds(journal::Stream::snapshots, partition);
  if (!bounds) return bounds.error();
  for (Offset from = bounds->first; from < bounds->end;) {
    const auto records = journal.read(journal::Stream::snapshots, partition, from, read_at_once);
    if (!records) return records.error();
    if (records->empty()) break;
    for (const auto& record : *records) see(record.entry);
    from = records->back().offset + 1;
  }
  return {};
}

// Its entities, if they are all there and add up.
bool fill(Snapshot& snapshot, std::size_t chunks, const std::map<std::string, std::string>& values) {
  for (std::size_t i = 0; i < chunks; ++i) {
    const auto chunk = values.find(entry_id(key_of(snapshot), std::to_string(i)));
    if (chunk == values.end() || !add_entities(chunk->second, snapshot.entities)) return false;
  }
  engine::Digest digest;
  for (const auto& entity : snapshot.entities) {
    const auto hash = engine::entity_hash(entity.table, entity.key, entity.value);
    ++digest.count;
    digest.sum.high += hash.high;
    digest.sum.low += hash.low;
  }
  return digest == snapshot.meta.digest;
}

}  // namespace

Result<std::optional<Snapshot>> newest_snapshot(journal::Journal& journal, Partition partition) {
  std::map<std::string, std::string> chunks;
  std::map<SnapshotKey, Manifest> manifests;
  const auto read = for_each_entry(journal, partition, [&](const journal::Entry& entry) {
    if (entry.value.empty()) {  // Forgotten.
      chunks.erase(entry.id);
      std::erase_if(manifests, [&](const auto& one) { return entry_id(one.first, "manifest") == entry.id; });
    } else if (entry.type == chunk_type) {
      chunks.insert_or_assign(entry.id, entry.value);
    } else if (auto manifest = entry.type == manifest_type ? read_manifest(entry.value) : std::nullopt) {
      const auto key = key_of(manifest->snapshot);
      manifests.insert_or_assign(key, std::move(*manifest));
    }
  });
  if (!read) return read.error();
  for (auto one = manifests.rbegin(); one != manifests.rend(); ++one) {
    auto& snapshot = one->second.snapshot;
    if (fill(snapshot, one->second.chunks, chunks)) return std::optional(std::move(snapshot));
  }
  return std::optional<Snapshot>();
}

Result<std::vector<SnapshotPlace>> list_snapshots(journal::Journal& journal, Partition partition) {
  std::map<SnapshotKey, SnapshotPlace> places;
  const auto read = for_each_entry(journal, partition, [&](const journal::Entry& entry) {
    if (entry.value.empty())
      std::erase_if(places, [&](const auto& one) { return entry_id(one.first, "manifest") == entry.id; });
    if (const auto manifest = entry.type == manifest_type ? read_manifest(entry.value) : std::nullopt) {
      const auto key = key_of(manifest->snapshot);
      places.insert_or_assign(key, SnapshotPlace{key.first, key.second, manifest->chunks, manifest->snapshot.owner_version});
    }
  });
  if (!read) return read.error();
  std::vector<SnapshotPlace> found;
  for (const auto& [key, place] : places) found.push_back(place);
  return found;
}

void SnapshotWriter::begin(Snapshot snapshot) {
  waiting_.clear();
  chunks_ = 0;
  in_flight_ = std::make_shared<int>(0);
  failed_ = std::make_shared<bool>(false);
  const auto key = key_of(snapshot);
  json::array list;
  std::size_t bytes = 0;
  const auto close = [&] {
    waiting_.push_back({entry_id(key, std::to_string(chunks_++)), chunk_type, json::serialize(list)});
    list.clear();
    bytes = 0;
  };
  for (const auto& entity : snapshot.entities) {
    bytes += entity.table.size() + entity.key.size() + entity.value.size();
    list.push_back(json::array{entity.table, entity.key, entity.value});
    if (bytes >= chunk_bytes) close();
  }
  if (!list.empty()) close();
  waiting_.push_back({entry_id(key, "manifest"), manifest_type, manifest_json(snapshot, chunks_)});
}

void SnapshotWriter::pump(bool manifest_too) {
  // The manifest last, and alone: it speaks for all the others.
  while (!waiting_.empty() && !*failed_ && *in_flight_ < (waiting_.size() == 1 ? 1 : in_flight_max)) {
    if (waiting_.size() == 1 && !manifest_too) return;
    auto entry = std::move(waiting_.front());
    waiting_.pop_front();
    append(std::move(entry));
  }
}

void SnapshotWriter::forget(const SnapshotPlace& place) {
  const SnapshotKey key{place.claimed_at, place.offset};
  append({entry_id(key, "manifest"), manifest_type, ""});
  for (std::size_t i = 0; i < place.chunks; ++i) append({entry_id(key, std::to_string(i)), chunk_type, ""});
}

void SnapshotWriter::append(journal::Entry entry) {
  ++*in_flight_;
  journal_.append(journal::Stream::snapshots, partition_, std::move(entry),
                  [mailbox = mailbox_, in_flight = in_flight_, failed = failed_](const Result<journal::Appended>& done) {
                    mailbox->post([in_flight, failed, good = done.has_value()] {
                      --*in_flight;
                      if (!good) *failed = true;
                    });
                  });
}

}  // namespace usher::router
