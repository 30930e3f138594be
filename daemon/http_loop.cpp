// The network thread; see http_loop.hpp.
#include "daemon/http_loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>
#include <utility>

namespace usher::daemon {

namespace asio = boost::asio;

struct HttpLoop::Runner {
  // One thread runs it: Asio then takes no lock around its queues' handlers.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread{[this] { context.run(); }};
};

HttpLoop::HttpLoop() : runner_(std::make_unique<Runner>()) {}

HttpLoop::~HttpLoop() {
  runner_->work.reset();
  runner_->context.stop();
  runner_->thread.join();
}

asio::io_context& HttpLoop::context() { return runner_->context; }

void HttpLoop::post(std::function<void()> work) { asio::post(runner_->context, std::move(work)); }

void HttpLoop::run(const std::function<void()>& work) {
  std::promise<void> done;
  post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace usher::daemon
