// See embedded_world.hpp.
#include "tests/bench/embedded_world.hpp"

#include <algorithm>

#include "tests/bench/raw_commits.hpp"

namespace usher::bench {

EmbeddedWorld::EmbeddedWorld(std::filesystem::path folder, const Centre& centre, std::size_t messages, Trace* trace)
    : folder_(std::move(folder)), messages_(messages), log_(messages) {
  auto opened = state::SqliteDatabase::open(folder_, clock_);
  if (!opened) give_up(opened.error().detail);
  database_ = std::move(*opened);
  auto* journal = &database_->journal();
  auto* store = &database_->store();
  if (trace) {
    recording_journal_ = std::make_unique<RecordingJournal>(*journal, *trace);
    recording_store_ = std::make_unique<RecordingStore>(*store, *recording_journal_);
    journal = recording_journal_.get();
    store = recording_store_.get();
  }
  router_ = std::make_unique<router::RouterThread>(router::RouterOptions{0, RouterId{"bench"}},
                                                   router::Router::Ports{*journal, *store, log_, clock_});
  load_ = std::make_unique<OfferedLoad>(*journal, log_, centre, messages);
  load_->sign_in();
  ready_ = router_->status();
  // Nothing is under way now, so the writer's thread does not touch the trace.
  if (trace) trace->measured_from = trace->transactions.size();
}

EmbeddedWorld::~EmbeddedWorld() {
  router_.reset();
  database_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

double EmbeddedWorld::messages_per_commit() const {
  const auto now = router_->status();
  return static_cast<double>(now.records - ready_.records) / static_cast<double>(std::max<std::uint64_t>(1, now.commits - ready_.commits));
}

void EmbeddedWorld::audit() {
  router_->stop();
  load_->audit(database_->store());
}

std::map<std::string, std::int64_t> EmbeddedWorld::close_and_count() {
  router_.reset();
  database_.reset();
  auto rows = count_rows(folder_);
  if (rows["bodies"] != static_cast<std::int64_t>(messages_)) give_up("a message's text is missing, or is there twice");
  return rows;
}

}  // namespace usher::bench
