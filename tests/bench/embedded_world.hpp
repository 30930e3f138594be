// EmbeddedWorld: a whole embedded Usher in one process: the real database, the real router on its thread, and agents who
// are always free. Its benchmark's thread plays the connectors: it makes each message's record and appends it.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>

#include "routing/router/router_thread.hpp"
#include "routing/state/sqlite_database.hpp"
#include "tests/bench/offer_log.hpp"
#include "tests/bench/trace.hpp"

namespace usher::bench {

class EmbeddedWorld {
 public:
  // Makes the folder; every agent signs in. With a trace, what is written from here on is recorded in it.
  EmbeddedWorld(std::filesystem::path folder, const Centre& centre, std::size_t messages, Trace* trace = nullptr);
  ~EmbeddedWorld();
  EmbeddedWorld(const EmbeddedWorld&) = delete;
  EmbeddedWorld& operator=(const EmbeddedWorld&) = delete;

  // All messages, with at most `window` of them accepted and not yet offered. Returns messages per second, from the first
  // append to the last offer.
  double run_closed(std::size_t window);
  // All messages at a fixed rate, whatever happens. Returns for each the nanoseconds from the moment it was due to its
  // offer: a stall counts for everyone who came in during it.
  std::vector<double> run_open(double per_second);

  // Stops the router and ends the program unless every message was offered once, to an agent with the skill, and the
  // database holds exactly that: its state is read back as a restart would.
  void audit();
  // The rows on disk; the database is closed for it.
  [[nodiscard]] std::map<std::string, std::int64_t> close_and_count();
  [[nodiscard]] double messages_per_commit() const;

 private:
  void append(Record record, const std::string& id);
  void write(std::size_t number);
  void sign_in();

  const std::filesystem::path folder_;
  const Centre& centre_;
  const std::size_t messages_;
  SystemClock clock_;
  OfferLog log_;
  std::atomic<std::size_t> refused_{0};
  std::unique_ptr<state::SqliteDatabase> database_;
  std::unique_ptr<RecordingJournal> recording_journal_;
  std::unique_ptr<RecordingStore> recording_store_;
  journal::Journal* journal_ = nullptr;
  std::unique_ptr<router::RouterThread> router_;
  router::RouterStatus ready_;  // When all agents were signed in.
};

}  // namespace usher::bench
