// See replica.hpp.
#include "routing/router/replica.hpp"

#include <utility>

#include "routing/router/arrival.hpp"
#include "routing/router/poison_guard.hpp"

namespace usher::router {

Result<bool> Replica::catch_up(std::size_t records_max) {
  // The position first, then what was set aside: a skip is durable before the record behind it is committed.
  const auto stored = store_.load_meta(partition_);
  if (!stored) return stored.error();
  if (!*stored) {
    forget();
    return message::fail(Fault::not_found, "nothing is stored");
  }
  if (auto read = read_skips(journal_, partition_, control_next_, skipped_); !read) return read.error();
  auto done = advance(**stored, records_max);
  if (!done && done.error().fault != Fault::unavailable) forget();
  return done;
}

Result<bool> Replica::advance(const state::Meta& stored, std::size_t records_max) {
  if (!engine_) {
    if (auto done = load(); !done) return done.error();
    return at_ == stored;
  }
  if (stored.position.offset < at_.position.offset)
    return message::fail(Fault::conflict, "the store stands before offset " + std::to_string(at_.position.offset));
  if (stored.position.offset > at_.position.offset) {
    const auto records = journal_.read(journal::Stream::inbound, partition_, at_.position.offset + 1, records_max);
    if (!records) return records.error();
    const journal::Entry* last = nullptr;
    for (const auto& record : *records) {
      if (record.offset > stored.position.offset) break;
      // Its step is the owner's to commit.
      static_cast<void>(engine_->apply(read_arrival(partition_, record, skipped_.contains(record.offset))));
      at_.position.offset = record.offset;
      last = &record.entry;
    }
    if (last != nullptr) at_.fingerprint = fingerprint(*last);
    at_.position.epoch = engine_->epoch();
    at_.digest = engine_->state_hash();
    if (at_.position.offset != stored.position.offset) {
      if (!records->empty()) return false;
      const auto bounds = journal_.bounds(journal::Stream::inbound, partition_);
      if (!bounds) return bounds.error();
      if (bounds->end > at_.position.offset + 1) return message::fail(Fault::unavailable, "the log's newest records are not here yet");
      return message::fail(Fault::malformed, "the journal ends before what is stored");
    }
  }
  if (at_ == stored) return true;
  return message::fail(Fault::malformed, "at offset " + std::to_string(at_.position.offset) +
                                             " the stored state is not what the journal makes of it");
}

Result<void> Replica::load() {
  auto loaded = store_.load(partition_);
  if (!loaded) return loaded.error();
  auto restored = engine::Engine::restore(loaded->entities);
  if (!restored) return restored.error();
  if (restored->state_hash() != loaded->meta.digest)
    return message::fail(Fault::malformed, "the tracked state is damaged: its entities do not add up to its digest");
  const auto& position = loaded->meta.position;
  if (auto same = same_journal(journal_, partition_, position.offset, loaded->meta.fingerprint); !same) return same.error();
  engine_ = std::move(*restored);
  at_ = loaded->meta;
  return {};
}

engine::Engine Replica::take() {
  expect(engine_.has_value(), "a replica that is taken over was loaded");
  auto taken = std::move(*engine_);
  forget();
  return taken;
}

void Replica::forget() {
  engine_.reset();
  at_ = {};
}

}  // namespace usher::router
