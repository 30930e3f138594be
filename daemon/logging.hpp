// Logging: one line an event to standard output, JSON for machines or text for people, written by a thread of its own.
// The queue is bounded and drops its oldest lines: a stuck reader of logs never stops a message. Any thread may log.
//
// Never log what a customer or an agent wrote, an address, or a token: ids, names of configuration and counts only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace spdlog::sinks {
class sink;
}

namespace usher::daemon {

enum class LogLevel { debug, info, warn, error };
enum class LogFormat { json, text };

inline constexpr std::size_t log_lines_waiting_max = 8192;

// One named value of a log line. Numbers stay numbers in JSON.
class LogField {
 public:
  LogField(std::string_view key, std::string_view value);
  LogField(std::string_view key, const char* value) : LogField(key, std::string_view(value)) {}
  LogField(std::string_view key, const std::string& value) : LogField(key, std::string_view(value)) {}
  template <class Number>
    requires std::is_integral_v<Number>
  LogField(std::string_view key, Number value) : key_(key), value_(std::to_string(value)), quoted_(false) {}

  // `"key":"value"`, or `key=value`.
  void write(std::string& out, LogFormat format) const;

 private:
  std::string key_;
  std::string value_;
  bool quoted_ = true;
};

// Starts the writer; before it, and after stop_logging(), lines are dropped. `sink` replaces standard output in tests.
void start_logging(LogLevel level, LogFormat format, std::shared_ptr<spdlog::sinks::sink> sink = nullptr);
// Writes what waits, then ends the writer.
void stop_logging();
// After a reload. Any thread.
void set_log_level(LogLevel level);
[[nodiscard]] LogLevel parse_log_level(std::string_view name);  // "info" for a name it does not know.
// Lines dropped because the queue was full.
[[nodiscard]] std::uint64_t log_lines_dropped();

// `component` is a folder or file of this program: "router", "http", "config". `text` is a constant sentence.
void log(LogLevel level, std::string_view component, std::string_view text, std::initializer_list<LogField> fields = {});
void log_debug(std::string_view component, std::string_view text, std::initializer_list<LogField> fields = {});
void log_info(std::string_view component, std::string_view text, std::initializer_list<LogField> fields = {});
void log_warn(std::string_view component, std::string_view text, std::initializer_list<LogField> fields = {});
void log_error(std::string_view component, std::string_view text, std::initializer_list<LogField> fields = {});

// Appends `text` as the inside of a JSON string: quotes, backslashes and control characters escaped, bytes that are no
// UTF-8 replaced, so that a line of the log is one line of JSON whatever a peer sent.
void escape_json(std::string_view text, std::string& out);

}  // namespace usher::daemon
