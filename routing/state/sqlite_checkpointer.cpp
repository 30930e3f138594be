// SqliteCheckpointer: waits for a request, copies, says so.
#include "routing/state/sqlite_checkpointer.hpp"

namespace usher::state {

SqliteCheckpointer::SqliteCheckpointer(std::filesystem::path file, const SqliteOptions& options)
    : file_(std::move(file)), options_(options) {}

void SqliteCheckpointer::request() {
  if (!thread_.joinable()) {
    if (!paced_) paced_.emplace(file_, options_.vfs, options_.sync_range);
    thread_ = std::thread([this] { loop(); });
  }
  {
    const std::lock_guard lock(mutex_);
    requested_ = true;
  }
  wake_.notify_all();
}

void SqliteCheckpointer::hold() {
  std::unique_lock lock(mutex_);
  held_ = true;
  wake_.wait(lock, [this] { return !copying_; });
  connection_.reset();
}

void SqliteCheckpointer::release() {
  {
    const std::lock_guard lock(mutex_);
    held_ = false;
  }
  wake_.notify_all();
}

void SqliteCheckpointer::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  connection_.reset();
}

void SqliteCheckpointer::loop() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || (requested_ && !held_); });
      if (stopping_) return;
      copying_ = true;
    }
    if (!failed_) {
      // Before the request is forgotten: the writer, who asks whether a copy failed before it requests another, must
      // not slip in between.
      if (const auto pages = copy())
        copied_ = *pages;
      else
        failed_ = true;
    }
    {
      const std::lock_guard lock(mutex_);
      requested_ = false;
      copying_ = false;
    }
    wake_.notify_all();
  }
}

std::optional<int> SqliteCheckpointer::copy() {
  if (!connection_) {
    auto options = options_;
    options.vfs = paced_->name();
    auto opened = SqliteConnection::open(file_, options);
    if (!opened) return std::nullopt;
    connection_ = std::move(*opened);
  }
  if (connection_->checkpoint()) return connection_->copied_pages();
  connection_.reset();
  return std::nullopt;
}

}  // namespace usher::state
