// EmbeddedWorld: a whole embedded Usher in one process: the real database, the real router on its thread, and agents who
// are always free. Its benchmark's thread plays the connectors: it makes each message's record and appends it.
#pragma once

#include <filesystem>
#include <memory>

#include "routing/router/router_thread.hpp"
#include "routing/state/sqlite_database.hpp"
#include "tests/bench/offered_load.hpp"
#include "tests/bench/trace.hpp"

namespace usher::bench {

class EmbeddedWorld {
 public:
  // Makes the folder; every agent signs in. With a trace, what is written from here on is recorded in it.
  EmbeddedWorld(std::filesystem::path folder, const Centre& centre, std::size_t messages, Trace* trace = nullptr);
  ~EmbeddedWorld();
  EmbeddedWorld(const EmbeddedWorld&) = delete;
  EmbeddedWorld& operator=(const EmbeddedWorld&) = delete;

  // See OfferedLoad.
  double run_closed(std::size_t window) { return load_->run_closed(window); }
  std::vector<double> run_open(double per_second) { return load_->run_open(per_second); }

  // Stops the router and ends the program unless every message was offered once, to an agent with the skill, and the
  // database holds exactly that: its state is read back as a restart would.
  void audit();
  // The rows on disk; the database is closed for it.
  [[nodiscard]] std::map<std::string, std::int64_t> close_and_count();
  [[nodiscard]] double messages_per_commit() const;

 private:
  const std::filesystem::path folder_;
  const std::size_t messages_;
  SystemClock clock_;
  OfferLog log_;
  std::unique_ptr<OfferedLoad> load_;  // Outlives the database, whose thread counts in it.
  std::unique_ptr<state::SqliteDatabase> database_;
  std::unique_ptr<RecordingJournal> recording_journal_;
  std::unique_ptr<RecordingStore> recording_store_;
  std::unique_ptr<router::RouterThread> router_;
  router::RouterStatus ready_;  // When all agents were signed in.
};

}  // namespace usher::bench
