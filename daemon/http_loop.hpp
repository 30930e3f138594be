// HttpLoop: one Asio io_context and the one thread that runs it. Servers and the desk gateway live on it, so that what
// they share needs no lock.
#pragma once

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace usher::daemon {

class HttpLoop {
 public:
  HttpLoop();   // Starts the thread.
  ~HttpLoop();  // Stops it: whatever was still queued is dropped. Servers and gateways are gone by then.
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  [[nodiscard]] boost::asio::io_context& context();
  // Any thread; `work` runs on the loop's thread, in order of posting.
  void post(std::function<void()> work);
  // Runs `work` on the loop's thread and returns when it is done. Not from the loop's thread.
  void run(const std::function<void()>& work);

 private:
  struct Runner;
  std::unique_ptr<Runner> runner_;
};

}  // namespace usher::daemon
