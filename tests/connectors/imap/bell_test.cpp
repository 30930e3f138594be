// Out of descriptors: the reader waits, and goes on when there are some again; the daemon lives.
#include <catch2/catch.hpp>
#include <sys/resource.h>

#include <thread>

#include "connectors/email/imap/server_address.hpp"
#include "tests/connectors/imap/played_mailbox.hpp"
#include "tests/connectors/imap/reader_fixture.hpp"

using namespace usher::connectors::email::imap::testing;
using namespace usher::connectors::email::imap;
using namespace usher::message;

namespace {

// No descriptor is to be had; those that are open stay.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = 3;
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("without a descriptor a name cannot be looked up and that passes", "[imap]") {
  const StopSwitch stop;
  const NoDescriptors none;
  const auto found = resolve("localhost", 143, stop, in(std::chrono::seconds(30)));
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().fault == Fault::unavailable);
  CHECK(found.error().detail == "no descriptor to look up localhost");
}

TEST_CASE("a stop switch without a descriptor still ends a wait", "[imap]") {
  const NoDescriptors none;
  StopSwitch stop;
  std::thread other([&] { stop.pull(); });
  CHECK(stop.pause(std::chrono::seconds(30)));
  other.join();
}

TEST_CASE("mails are taken over an open connection when descriptors have run out", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return reader.status().last_poll.has_value(); }));
  const NoDescriptors none;
  box.add(mail("one"));
  CHECK(desk.wait_for_mails(1));
}
