// See arrival.hpp.
#include "routing/router/arrival.hpp"

#include "routing/message/wire.hpp"

namespace usher::router {

Arrival read_arrival(Partition partition, const journal::Stored& stored, bool skip) {
  Arrival arrival{partition, stored.offset, stored.appended_at, Unreadable{"it crashed the router"}};
  if (skip) return arrival;
  auto decoded = decode_record(stored.entry.type, stored.entry.value);
  arrival.record = decoded ? std::move(*decoded) : Record{Unreadable{decoded.error().detail}};
  return arrival;
}

namespace {

void marked_bytes(std::string& out, const journal::Entry& entry) {
  out.assign(entry.type).push_back('\0');
  out.append(entry.id).push_back('\0');
  out.append(entry.value);
}

Hash128 mark_of(std::string_view bytes) { return siphash128(bytes, 0x7573686572, 0x7265636f7264); }

}  // namespace

Hash128 fingerprint(const journal::Entry& entry) {
  std::string bytes;
  marked_bytes(bytes, entry);
  return mark_of(bytes);
}

void AppliedMark::is_of(const journal::Entry& entry) {
  marked_bytes(bytes_, entry);
  known_ = false;
}

const Hash128& AppliedMark::value() {
  if (!known_) mark_ = mark_of(bytes_);
  known_ = true;
  return mark_;
}

Result<void> same_journal(journal::Journal& journal, Partition partition, Offset at, const Hash128& mark) {
  if (at == offset_none) return {};
  const auto records = journal.read(journal::Stream::inbound, partition, at, 1);
  if (!records && records.error().fault != Fault::not_found) return records.error();
  // This log was made to go on right behind that record, by an operator who knew that it is gone.
  const auto joins = journal.incarnation(partition);
  if (joins.number > 0 && joins.after == at && joins.mark == mark) return {};
  const bool there = records.has_value() && !records->empty() && records->front().offset == at;
  if (there && fingerprint(records->front().entry) == mark) return {};
  return fail(Fault::malformed,
              there ? "the journal is not the one this state was made from: another record stands at offset " + std::to_string(at)
                    : "the journal has lost the record at offset " + std::to_string(at) + ", which the state has applied");
}

}  // namespace usher::router
