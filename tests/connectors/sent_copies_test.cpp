// Copies of sent mails: what becomes of the one under way when the process ends.
#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>

#include "connectors/sent_copies.hpp"

using namespace usher::connectors;

TEST_CASE("a copy that takes too long is asked to stop when the process ends", "[copies]") {
  std::atomic<bool> began{false}, was_stopped{false};
  {
    SentCopies copies(
        [&](const MailPost&, const std::stop_token& stop) -> Result<void> {
          began = true;
          began.notify_all();
          std::mutex mutex;
          std::condition_variable_any never;
          std::unique_lock lock(mutex);
          never.wait(lock, stop, [] { return false; });
          was_stopped = true;
          return fail(Fault::unavailable, "stopped");
        },
        Milliseconds{20});
    copies.keep({});
    began.wait(false);
  }
  CHECK(was_stopped);
}

TEST_CASE("a copy under way has its time when the process ends and those after it are left", "[copies]") {
  std::atomic<int> made{0};
  std::atomic<bool> began{false}, was_stopped{false};
  {
    SentCopies copies([&](const MailPost&, const std::stop_token& stop) -> Result<void> {
      began = true;
      began.notify_all();
      // As long as a server takes that is well.
      std::mutex mutex;
      std::condition_variable_any never;
      std::unique_lock lock(mutex);
      never.wait_for(lock, stop, std::chrono::milliseconds(50), [] { return false; });
      was_stopped = stop.stop_requested();
      ++made;
      return {};
    });
    copies.keep({});
    copies.keep({});
    began.wait(false);
  }
  CHECK(made == 1);
  CHECK_FALSE(was_stopped);
}
