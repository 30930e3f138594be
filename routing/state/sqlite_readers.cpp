// SqliteReaders: opened when first needed, kept for ever, dropped after a failure.
#include "routing/state/sqlite_readers.hpp"

namespace usher::state {

using namespace usher::message;

namespace {

constexpr std::size_t readers_max = 8;

}  // namespace

SqliteReaders::SqliteReaders(std::filesystem::path file, const SqliteOptions& options)
    : file_(std::move(file)), options_(options) {}

Result<std::unique_ptr<SqliteConnection>> SqliteReaders::borrow() {
  {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return lent_ < readers_max && !paused_; });
    ++lent_;
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  auto opened = SqliteConnection::open(file_, options_);
  if (opened)
    if (auto limited = (*opened)->run("PRAGMA query_only=ON"); !limited) opened = limited.error();
  if (!opened) give_back(nullptr);
  return opened;
}

void SqliteReaders::pause() {
  std::unique_lock lock(mutex_);
  paused_ = true;
  returned_.wait(lock, [this] { return lent_ == 0; });
  idle_.clear();
}

void SqliteReaders::resume() {
  {
    const std::lock_guard lock(mutex_);
    paused_ = false;
  }
  returned_.notify_all();
}

void SqliteReaders::give_back(std::unique_ptr<SqliteConnection> connection) {
  {
    const std::lock_guard lock(mutex_);
    --lent_;
    if (connection) idle_.push_back(std::move(connection));
  }
  returned_.notify_all();
}

}  // namespace usher::state
