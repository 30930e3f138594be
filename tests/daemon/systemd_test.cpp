// The notifications that systemd reads.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>

#include "daemon/systemd_notify.hpp"
#include "tests/daemon/scratch_folder.hpp"

using namespace usher::daemon;

TEST_CASE("states reach the socket that systemd named", "[systemd]") {
  const ScratchFolder folder;
  const auto path = (folder.path() / "notify").string();
  const int receiver = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.data(), path.size());
  REQUIRE(::bind(receiver, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  CHECK(notify_systemd("READY=1\nSTATUS=routing"));
  char text[64];
  const auto count = ::recv(receiver, text, sizeof(text), MSG_DONTWAIT);
  REQUIRE(count > 0);
  CHECK(std::string(text, static_cast<std::size_t>(count)) == "READY=1\nSTATUS=routing");
  ::close(receiver);
  CHECK_FALSE(notify_systemd("READY=1"));
  ::unsetenv("NOTIFY_SOCKET");
  CHECK(notify_systemd("READY=1"));
}

TEST_CASE("the watchdog is fed only when it is meant for this process", "[systemd]") {
  ::unsetenv("WATCHDOG_PID");
  ::unsetenv("WATCHDOG_USEC");
  CHECK_FALSE(watchdog_interval());
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  CHECK(watchdog_interval() == std::chrono::microseconds(30'000'000));
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  CHECK(watchdog_interval());
  ::setenv("WATCHDOG_PID", "1", 1);
  CHECK_FALSE(watchdog_interval());
  ::unsetenv("WATCHDOG_PID");
  ::setenv("WATCHDOG_USEC", "soon", 1);
  CHECK_FALSE(watchdog_interval());
  ::unsetenv("WATCHDOG_USEC");
}
