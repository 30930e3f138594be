// A database whose writer stands still, so that what is handed in meanwhile waits together.
#pragma once

#include <future>

#include "routing/state/sqlite_database.hpp"

namespace usher::testing {

// `done` runs on the writer's thread, so one that waits holds everything behind it.
class HeldWriter {
 public:
  explicit HeldWriter(state::SqliteDatabase& database) {
    std::promise<void> holding;
    database.journal().append(journal::Stream::control, 0, {}, [&, released = release_.get_future().share()](const auto&) {
      holding.set_value();
      released.wait();
    });
    holding.get_future().wait();
  }
  void release() { release_.set_value(); }

 private:
  std::promise<void> release_;
};

}  // namespace usher::testing
