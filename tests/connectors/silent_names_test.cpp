// Names that nobody answers for: what asked for them goes on in spite of it.
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include <dlfcn.h>
#include <netdb.h>

#include "connectors/smtp_session.hpp"

namespace {

std::atomic<int> asked{0}, answered{0};
std::atomic<bool> silent{true};

}  // namespace

// In place of the C library's for the whole program: silent for one name, as a name server is that is away.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  if (node != nullptr && std::strcmp(node, "silent.example") == 0) {
    ++asked;
    silent.wait(true);
    ++answered;
    answered.notify_all();
    return EAI_AGAIN;
  }
  static const auto real = reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(node, service, hints, found);
}

using namespace usher::connectors;

TEST_CASE("a mail to a server whose name nobody answers for ends in its time", "[smtp]") {
  MailPost post;
  post.account.server = {"silent.example", 587, email::Protection::starttls, {}};
  post.envelope_from = "support@ex.com";
  post.recipient = "ana@ex.org";
  post.bytes = "Subject: Hello\r\n\r\nHere it is.\r\n";
  SmtpWatch watch;
  // The name is answered only after the attempt is over: without the way out it would never be over.
  std::atomic<bool> over{false};
  std::thread late([&] {
    std::mutex mutex;
    std::condition_variable changed;
    std::unique_lock lock(mutex);
    for (int i = 0; i < 3'000 && !over; ++i) changed.wait_for(lock, std::chrono::milliseconds(5));
    silent = false;
    silent.notify_all();
  });
  const auto outcome = send_mail(post, {}, {Milliseconds{100}, Milliseconds{100}}, watch);
  CHECK(answered == 0);
  over = true;
  late.join();
  CHECK(asked == 1);
  CHECK(outcome.trouble == SmtpTrouble::slow);
  while (answered == 0) answered.wait(0);
}
