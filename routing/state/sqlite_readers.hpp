// SqliteReaders: a few read connections that any thread may borrow. WAL lets them read beside the writer, each seeing
// the database as of the last commit before its transaction began.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "routing/state/sqlite_connection.hpp"

namespace usher::state {

class SqliteReaders {
 public:
  SqliteReaders(std::filesystem::path file, const SqliteOptions& options);

  // Runs `read(connection)` inside one read transaction; waits while all connections are lent. `read` returns a Result.
  template <class Read>
  auto with(Read&& read) -> decltype(read(std::declval<SqliteConnection&>())) {
    auto borrowed = borrow();
    if (!borrowed) return borrowed.error();
    auto& connection = **borrowed;
    auto begun = connection.step("BEGIN");
    if (!begun) {
      give_back(nullptr);
      return begun.error();
    }
    auto outcome = read(connection);
    auto ended = connection.step("COMMIT");
    // After a failure the next reader gets a fresh connection.
    const bool sound = ended && (outcome || outcome.error().fault != message::Fault::unavailable);
    give_back(sound ? std::move(*borrowed) : nullptr);
    return outcome;
  }

  // Waits until all connections are back, closes them, and lets nobody read before resume(). Not from inside with().
  void pause();
  void resume();

 private:
  [[nodiscard]] message::Result<std::unique_ptr<SqliteConnection>> borrow();
  void give_back(std::unique_ptr<SqliteConnection> connection);

  // Constant after construction.
  const std::filesystem::path file_;
  const SqliteOptions options_;

  std::mutex mutex_;
  std::condition_variable returned_;
  // Guarded by mutex_.
  std::vector<std::unique_ptr<SqliteConnection>> idle_;
  std::size_t lent_ = 0;
  bool paused_ = false;
};

}  // namespace usher::state
