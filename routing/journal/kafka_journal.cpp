// The port put together from its parts: two producers, the tail, the scans, the marks, and one client for questions.
#include "routing/journal/kafka_journal.hpp"

#include "routing/journal/kafka_marks.hpp"
#include "routing/journal/kafka_producer.hpp"
#include "routing/journal/kafka_scans.hpp"
#include "routing/journal/kafka_tail.hpp"
#include "routing/journal/kafka_topic_plan.hpp"

namespace usher::journal {

namespace {

// The router asks for its lag twice a second.
constexpr auto bounds_within = Milliseconds(1000);

Error gone(Log log, Offset from, const Bounds& bounds) {
  return fail(Fault::not_found, "the journal's " + std::string(stream_name(log.first)) + " has offsets " +
                                    std::to_string(bounds.first) + " to " + std::to_string(bounds.end) + ", not " +
                                    std::to_string(from));
}

}  // namespace

// In the order in which they may be destroyed from the end: producers call the tail, all ask.
struct KafkaJournal::Parts {
  explicit Parts(const KafkaOptions& options) : log(options.log), scans(options, log) {}

  KafkaLog log;
  std::vector<std::string> weak;
  std::unique_ptr<KafkaAsking> asking;
  std::unique_ptr<KafkaMarks> marks;
  std::unique_ptr<KafkaTail> tail;
  KafkaScans scans;
  std::unique_ptr<KafkaProducer> accepting;
  std::unique_ptr<KafkaProducer> publishing;
};

Result<std::unique_ptr<KafkaJournal>> KafkaJournal::open(KafkaOptions options, Milliseconds within) {
  auto parts = std::make_unique<Parts>(options);
  auto asking = KafkaAsking::open(options, parts->log);
  if (!asking) return asking.error();
  parts->asking = std::move(*asking);
  if (auto error = parts->asking->reach(within)) return *error;
  if (auto error = check_topics(*parts->asking, within, parts->weak)) return *error;
  for (auto& each : weak_properties(options)) parts->weak.push_back(std::move(each));
  parts->marks = std::make_unique<KafkaMarks>(options, parts->log);
  auto tail = KafkaTail::open(options, parts->log, *parts->asking);
  if (!tail) return tail.error();
  parts->tail = std::move(*tail);
  const auto told = [follower = parts->tail.get()](Stream stream, Partition partition, Offset offset) {
    follower->acknowledged({stream, partition}, offset);
  };
  for (const auto& [place, use] :
       {std::pair(&parts->accepting, KafkaUse::accepting), std::pair(&parts->publishing, KafkaUse::publishing)}) {
    auto producer = KafkaProducer::open(options, use, parts->log, told);
    if (!producer) return producer.error();
    *place = std::move(*producer);
  }
  return std::unique_ptr<KafkaJournal>(new KafkaJournal(std::move(parts)));
}

KafkaJournal::KafkaJournal(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

KafkaJournal::~KafkaJournal() = default;

void KafkaJournal::append(Stream stream, Partition partition, Entry entry, AppendDone done) {
  auto& producer = stream == Stream::inbound ? *parts_->accepting : *parts_->publishing;
  producer.append(stream, partition, std::move(entry), std::move(done));
}

Result<std::vector<Stored>> KafkaJournal::read(Stream stream, Partition partition, Offset from, std::size_t records_max) {
  if (records_max == 0) return std::vector<Stored>();
  const Log log{stream, partition};
  const auto end = [&] { return parts_->asking->known_end(log); };
  if (from >= end()) {
    // Somebody at the tail asks again and again: what was heard a moment ago will do.
    if (from == end() && parts_->tail->end_is_fresh(log)) return std::vector<Stored>();
    const auto bounds = parts_->asking->bounds(log, limits::journal_read_within);
    if (!bounds) return bounds.error();
    parts_->tail->end_was_asked(log);
    // Past the end: this is not the log in which that offset was given, for example a topic that was made anew.
    if (from < bounds->first || from > bounds->end) return gone(log, from, *bounds);
    if (from == bounds->end) return std::vector<Stored>();
  }
  if (auto records = parts_->tail->read(log, from, records_max, limits::journal_read_within)) {
    if (!records->empty()) return *records;
    // That nothing is there is believed only of an end that was heard of a moment ago, as above.
    if (!parts_->tail->end_is_fresh(log)) {
      const auto bounds = parts_->asking->bounds(log, limits::journal_read_within);
      if (!bounds) return bounds.error();
      parts_->tail->end_was_asked(log);
    }
    // What came after the first look is found by the second.
    if (parts_->tail->has_passed(log, end()))
      if (auto rest = parts_->tail->read(log, from, records_max, Milliseconds{0})) return *rest;
    return fail(Fault::unavailable, "the journal does not hand out offset " + std::to_string(from));
  }
  auto records = parts_->scans.read(log, from, end(), records_max, limits::journal_read_within);
  if (records || records.error().fault != Fault::not_found) return records;
  const auto bounds = parts_->asking->bounds(log, limits::journal_read_within);
  if (!bounds) return bounds.error();
  if (from < bounds->first || from > bounds->end) return gone(log, from, *bounds);
  return fail(Fault::unavailable, records.error().detail);  // A leader that had not caught up yet, say.
}

Result<Bounds> KafkaJournal::bounds(Stream stream, Partition partition) {
  return parts_->asking->bounds({stream, partition}, bounds_within);
}

void KafkaJournal::on_append(Stream stream, Partition partition, std::function<void()> wake) {
  parts_->tail->on_append({stream, partition}, std::move(wake));
}

void KafkaJournal::save_cursor(const std::string& consumer, Stream stream, Partition partition, Offset next) {
  parts_->marks->save(consumer, {stream, partition}, next);
}

Result<std::optional<Offset>> KafkaJournal::cursor(const std::string& consumer, Stream stream, Partition partition) {
  return parts_->marks->find(consumer, {stream, partition});
}

Result<std::optional<Offset>> KafkaJournal::durable_cursor(const std::string& consumer, Stream stream, Partition partition) {
  return parts_->marks->committed(consumer, {stream, partition});
}

std::vector<std::string> KafkaJournal::weaknesses() const { return parts_->weak; }

}  // namespace usher::journal
