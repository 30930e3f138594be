// See poison_guard.hpp.
#include "routing/router/poison_guard.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "routing/message/limits.hpp"

namespace usher::router {
namespace {

constexpr const char* begin_type = "usher.control.begin.v1";
constexpr const char* attempt_type = "usher.control.attempt.v1";
constexpr const char* settled_type = "usher.control.settled.v1";
constexpr const char* skip_type = "usher.control.skip.v1";
constexpr std::size_t control_records_at_once = 1024;

// The values are {"offset":N}: ours alone, so a strict look is enough.
std::optional<Offset> offset_in(const std::string& value) {
  constexpr std::string_view head = R"({"offset":)";
  if (!value.starts_with(head)) return std::nullopt;
  Offset offset = 0;
  const auto parsed = std::from_chars(value.data() + head.size(), value.data() + value.size(), offset);
  if (parsed.ec != std::errc{} || parsed.ptr == value.data() + value.size() || *parsed.ptr != '}') return std::nullopt;
  return offset;
}

}  // namespace

Result<void> read_skips(journal::Journal& journal, Partition partition, Offset& next, std::set<Offset>& skipped) {
  const auto bounds = journal.bounds(journal::Stream::control, partition);
  if (!bounds) return bounds.error();
  next = std::max(next, bounds->first);
  while (next < bounds->end) {
    const auto records = journal.read(journal::Stream::control, partition, next, control_records_at_once);
    if (!records) return records.error();
    if (records->empty()) break;
    for (const auto& record : *records)
      if (const auto named = offset_in(record.entry.value); named && record.entry.type == skip_type) skipped.insert(*named);
    next = records->back().offset + 1;
  }
  return {};
}

PoisonGuard::PoisonGuard(journal::Journal& journal, state::StateStore& store, Partition partition, RouterId router,
                         std::shared_ptr<Mailbox> mailbox)
    : journal_(journal), store_(store), partition_(partition), router_(std::move(router)), mailbox_(std::move(mailbox)) {}

Result<void> PoisonGuard::begin(Offset at, Offset proven) {
  careful_ = false;
  proven_ = proven;
  announced_.reset();
  waiting_ = std::make_shared<bool>(false);
  failed_ = std::make_shared<bool>(false);
  if (const auto read = read_control(at); !read) return read.error();
  // One that crashed in a careful start is looked for carefully again, wherever the store stands by now.
  careful_ = unfinished_;
  if (!std::exchange(begun_, true)) {
    const auto count = store_.count_attempt(partition_, at);
    if (!count) return begun_ = false, count.error();
    careful_ = careful_ || *count > 1;
  }
  if (careful_) append(begin_type, at, true);
  return {};
}

Result<void> PoisonGuard::read_control(Offset at) {
  skipped_.clear();
  crashes_.clear();
  unfinished_ = false;
  std::map<std::string, Offset> last_words;  // Announcements, by router.
  const auto bounds = journal_.bounds(journal::Stream::control, partition_);
  if (!bounds) return bounds.error();
  for (Offset from = bounds->first; from < bounds->end;) {
    const auto records = journal_.read(journal::Stream::control, partition_, from, control_records_at_once);
    if (!records) return records.error();
    if (records->empty()) break;
    for (const auto& record : *records) {
      const auto& type = record.entry.type;
      const auto named = offset_in(record.entry.value);
      if (type == skip_type && named) skipped_.insert(*named);
      if (type == attempt_type && named) last_words[record.entry.id] = *named;
      else last_words.erase(record.entry.id);
    }
    from = records->back().offset + 1;
  }
  for (const auto& [router, offset] : last_words) {
    if (router == router_.text()) continue;
    ++crashes_[offset];
    unfinished_ = unfinished_ || offset > at;
  }
  return {};
}

PoisonGuard::Verdict PoisonGuard::look(Offset offset) {
  if (*waiting_ || *failed_) return Verdict::wait;
  if (skipped_.contains(offset)) return Verdict::skip;
  if (!careful_ || offset <= proven_) return Verdict::apply;
  if (announced_ == offset) return Verdict::apply;
  const auto crashed = crashes_.find(offset);
  if (crashed != crashes_.end() && crashed->second >= limits::poison_attempts_max) {
    skipped_.insert(offset);
    append(skip_type, offset, true);
  } else {
    append(attempt_type, offset, true);
    announced_ = offset;
  }
  return Verdict::wait;
}

void PoisonGuard::settled() {
  if (!careful_) return;
  careful_ = false;
  append(settled_type, 0, false);
}

void PoisonGuard::append(const char* type, Offset offset, bool wait) {
  *waiting_ = wait;
  journal_.append(journal::Stream::control, partition_, {router_.text(), type, "{\"offset\":" + std::to_string(offset) + "}"},
                  [mailbox = mailbox_, waiting = waiting_, failed = failed_, wait](const Result<journal::Appended>& done) {
                    mailbox->post([waiting, failed, wait, good = done.has_value()] {
                      if (wait) *waiting = false;
                      if (wait && !good) *failed = true;
                    });
                  });
}

}  // namespace usher::router
