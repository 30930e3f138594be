// Log lines: one event, one line, whatever is in it; and a queue that never holds anybody up.
#include <spdlog/sinks/base_sink.h>

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "daemon/logging.hpp"

using namespace usher::daemon;

namespace {

// Keeps what is written; while `gate` is shut, the writer's thread waits in it like behind a stuck pipe.
class KeptLines final : public spdlog::sinks::sink {
 public:
  void log(const spdlog::details::log_msg& line) override {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return gate_open_; });
    spdlog::memory_buf_t text;
    formatter_->format(line, text);
    lines_.emplace_back(text.data(), text.size());
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override { formatter_ = std::move(formatter); }

  void gate(bool open) {
    const std::lock_guard lock(mutex_);
    gate_open_ = open;
    changed_.notify_all();
  }
  void wait_for_one() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return arrived_ > 0; });
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  std::size_t arrived_ = 0;
  bool gate_open_ = true;
  std::unique_ptr<spdlog::formatter> formatter_;
};

std::vector<std::string> lines_of(LogLevel level, LogFormat format, const std::function<void()>& work) {
  const auto kept = std::make_shared<KeptLines>();
  start_logging(level, format, kept);
  work();
  stop_logging();
  return kept->lines();
}

}  // namespace

TEST_CASE("a log line is one line of JSON with its time, level, component, text and fields", "[logging]") {
  const auto lines = lines_of(LogLevel::info, LogFormat::json,
                              [] { log_warn("router", "paused", {{"phase", "paused"}, {"lag", 42}}); });
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].back() == '\n');
  const auto line = boost::json::parse(lines[0]).as_object();
  CHECK(line.at("level") == "warn");
  CHECK(line.at("component") == "router");
  CHECK(line.at("msg") == "paused");
  CHECK(line.at("phase") == "paused");
  CHECK(line.at("lag") == 42);
  const std::string time(line.at("ts").as_string());
  CHECK(time.size() == std::string_view("2026-11-21T18:58:03.123456789Z").size());
  CHECK(time[10] == 'T');
  CHECK(time.back() == 'Z');
}

TEST_CASE("nothing that stands in a field breaks a log line", "[logging]") {
  std::string nasty;
  for (int c = 0; c < 256; ++c) nasty += static_cast<char>(c);
  nasty += "\n{\"level\":\"forged\"} {} \xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80 \xf0\x9f\x98\x80";
  const auto json = lines_of(LogLevel::info, LogFormat::json, [&] { log_info(nasty, nasty, {{nasty, nasty}}); });
  REQUIRE(json.size() == 1);
  CHECK(json[0].find('\n') == json[0].size() - 1);
  const auto line = boost::json::parse(json[0]).as_object();
  CHECK(line.at("level") == "info");
  CHECK(std::string(line.at("msg").as_string()).find("\xf0\x9f\x98\x80") != std::string::npos);
  CHECK(line.size() == 5);

  const auto text = lines_of(LogLevel::info, LogFormat::text, [&] { log_info("http", nasty, {{"peer", nasty}}); });
  REQUIRE(text.size() == 1);
  CHECK(text[0].find('\n') == text[0].size() - 1);
  CHECK(text[0].find('\x1b') == std::string::npos);
}

TEST_CASE("lines below the level are not written, and the level changes while running", "[logging]") {
  const auto lines = lines_of(LogLevel::warn, LogFormat::text, [] {
    log_info("a", "not this");
    log_error("a", "this");
    set_log_level(LogLevel::debug);
    log_debug("a", "and this");
  });
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].find("error a: this") != std::string::npos);
  CHECK(lines[1].find("debug a: and this") != std::string::npos);
}

TEST_CASE("a reader of logs that is stuck costs the oldest lines and holds nobody up", "[logging]") {
  const auto kept = std::make_shared<KeptLines>();
  const auto dropped_before = log_lines_dropped();
  kept->gate(false);
  start_logging(LogLevel::info, LogFormat::text, kept);
  log_info("a", "first");
  kept->wait_for_one();
  // The writer is stuck on the first line; all of these go through without it.
  for (std::size_t i = 0; i < log_lines_waiting_max + 100; ++i) log_info("a", "line", {{"number", i}});
  CHECK(log_lines_dropped() - dropped_before == 100);
  kept->gate(true);
  stop_logging();
  const auto lines = kept->lines();
  REQUIRE(lines.size() > 2);
  CHECK(lines.back().find("number=" + std::to_string(log_lines_waiting_max + 99)) != std::string::npos);
  CHECK(lines[1].find("number=100") != std::string::npos);
  CHECK(log_lines_dropped() - dropped_before >= 100);
}

TEST_CASE("a line after the end of logging is dropped, not a crash", "[logging]") {
  const auto kept = std::make_shared<KeptLines>();
  start_logging(LogLevel::info, LogFormat::text, kept);
  log_info("a", "the last");
  stop_logging();
  log_error("a", "nobody reads this");
  REQUIRE(kept->lines().size() == 1);
  CHECK(kept->lines()[0].find("the last") != std::string::npos);
  // Nor does it wait for the next writer.
  const auto later = lines_of(LogLevel::info, LogFormat::text, [] { log_info("a", "another start"); });
  REQUIRE(later.size() == 1);
  CHECK(later[0].find("another start") != std::string::npos);
}
