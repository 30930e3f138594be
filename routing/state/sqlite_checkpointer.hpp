// SqliteCheckpointer: a thread with a connection of its own that copies the write-ahead log into the database while the
// writer goes on committing. A checkpoint inside a commit would make that one commit 50 times as long.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "routing/state/sqlite_connection.hpp"
#include "routing/state/sqlite_paced_writes.hpp"

namespace usher::state {

class SqliteCheckpointer {
 public:
  // Starts no thread before the first request. Must outlive every connection to the file (sqlite_paced_writes.hpp).
  SqliteCheckpointer(std::filesystem::path file, const SqliteOptions& options);
  ~SqliteCheckpointer() { stop(); }
  SqliteCheckpointer(const SqliteCheckpointer&) = delete;
  SqliteCheckpointer& operator=(const SqliteCheckpointer&) = delete;

  // Writer's thread: copy soon. Nothing happens while a copy is under way, or after one failed.
  void request();
  // Writer's thread: once after each finished copy, the pages of the log that are in the database.
  [[nodiscard]] std::optional<int> copied() {
    const int pages = copied_.exchange(nothing_new);
    return pages == nothing_new ? std::nullopt : std::optional(pages);
  }
  // Writer's thread: a copy failed, and there will be no other before forget_failure(). Its connection is closed.
  [[nodiscard]] bool failed() const { return failed_; }
  void forget_failure() { failed_ = false; }
  // Writer's thread: waits for the copy under way, closes the connection, and no copy begins before release(). A copy whose
  // connection were the first to open the log after a failed sync would find there, and copy, a commit that is not on the
  // disk; one that is left open keeps the log from being read anew.
  void hold();
  void release();
  void stop();

 private:
  void loop();
  // The pages of the log that are in the database now; none: it failed.
  [[nodiscard]] std::optional<int> copy();

  // Constant after construction.
  const std::filesystem::path file_;
  const SqliteOptions options_;
  std::optional<SqlitePacedWrites> paced_;  // Since the first request, which finds the file there.

  static constexpr int nothing_new = -1;
  std::atomic<int> copied_{nothing_new};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  bool requested_ = false;
  bool stopping_ = false;
  bool held_ = false;
  bool copying_ = false;
  // Kept from copy to copy: to open one and read the schema costs as much as to copy 40 pages. The thread's while it copies, else
  // guarded by mutex_.
  std::unique_ptr<SqliteConnection> connection_;

  std::thread thread_;
};

}  // namespace usher::state
