// What a reader needs in a test: a sink that keeps what it gets and answers as told, a place in memory, and waiting for what
// another thread does. Any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "connectors/email/imap/mailbox_reader.hpp"

namespace usher::connectors::email::imap::testing {

class MemoryPlace final : public MailboxPlace {
 public:
  Result<std::optional<Position>> load() override;
  void save(const Position& position) override;
  [[nodiscard]] Result<bool> outlives_a_crash() override;
  void put(const Position& position);
  // From now on what is saved is durable, or not yet.
  void durable(bool at_once);
  [[nodiscard]] std::optional<Position> kept() const;
  [[nodiscard]] int saves() const;

 private:
  mutable std::mutex mutex_;
  std::optional<Position> kept_;
  int saves_ = 0;
  bool durable_ = true;
};

struct Taken {
  std::string bytes;
  Instant arrived_at;
  bool cut = false;
};

class Desk {
 public:
  // Ports of a reader on this desk, which outlives it.
  [[nodiscard]] MailboxReader::Ports ports(TokenSource token = {});

  MemoryPlace place;
  // Its clock says so, and stands; without this it goes as all clocks do.
  void set_clock(Instant now) { clock_.now = now; }

  // Answers from now on: the first ones as listed, then yes.
  void answer(std::deque<Result<void>> answers);
  // No answers until release(), which gives those that are owed.
  void hold();
  void release();

  [[nodiscard]] std::vector<Taken> taken() const;
  [[nodiscard]] std::vector<std::string> reports() const;
  // Subjects of what was taken, in order.
  [[nodiscard]] std::vector<std::string> subjects() const;
  // Until `done` says so; false after 30 seconds.
  bool wait(const std::function<bool()>& done) const;
  bool wait_for_mails(std::size_t count) const;

 private:
  void accept(std::string bytes, Instant arrived_at, bool cut, TakenDone done);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // Guarded by mutex_.
  std::vector<Taken> taken_;
  std::vector<std::string> reports_;
  std::deque<Result<void>> answers_;
  std::vector<TakenDone> owed_;
  bool holding_ = false;
  struct DeskClock final : Clock {
    std::atomic<Instant> now = Instant{};
    [[nodiscard]] Instant wall() const override { return now.load() == Instant{} ? SystemClock().wall() : now.load(); }
    [[nodiscard]] Milliseconds steady() const override { return SystemClock().steady(); }
  };
  DeskClock clock_;
};

// Waits that a test can afford.
[[nodiscard]] Pace quick();
[[nodiscard]] std::string mail(const std::string& subject);

}  // namespace usher::connectors::email::imap::testing
