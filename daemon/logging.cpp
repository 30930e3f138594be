// Logging on spdlog's asynchronous logger, with a formatter of our own: spdlog's pattern for JSON does not escape.
#include "daemon/logging.hpp"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <mutex>

namespace usher::daemon {
namespace {

// Every line is rendered by the caller but for its time and level, which the writer puts in front.
class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(LogFormat format) : format_(format) {}

  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    std::string text;
    write_head(line, text);
    text.append(line.payload.data(), line.payload.size());
    text += format_ == LogFormat::json ? "}\n" : "\n";
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(format_);
  }

 private:
  void write_head(const spdlog::details::log_msg& line, std::string& text) const {
    const auto since = line.time.time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count();
    const auto second = static_cast<std::time_t>(seconds.count());
    std::tm parts{};
    ::gmtime_r(&second, &parts);
    std::array<char, 64> time{};
    const auto length = std::strftime(time.data(), time.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::array<char, 16> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%09lldZ", static_cast<long long>(nanoseconds));
    const auto level = level_name(line.level);
    if (format_ == LogFormat::json) {
      text.append("{\"ts\":\"").append(time.data(), length).append(fraction.data());
      text.append("\",\"level\":\"").append(level).append("\",");
    } else {
      text.append(time.data(), length).append(fraction.data(), 4).append("Z ").append(level).append(" ");
    }
  }

  static std::string_view level_name(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::debug: return "debug";
      case spdlog::level::info: return "info";
      case spdlog::level::warn: return "warn";
      default: return "error";
    }
  }

  LogFormat format_;
};

struct Writer {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
  LogFormat format = LogFormat::json;
};

std::mutex writer_mutex;                 // Guards writer.
std::shared_ptr<Writer> writer;
std::atomic<int> level_now{static_cast<int>(LogLevel::info)};
std::atomic<std::uint64_t> dropped_before{0};  // By writers that have ended.

std::shared_ptr<Writer> current_writer() {
  const std::lock_guard hold(writer_mutex);
  return writer;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

// Length of the UTF-8 sequence at the front of `text`; 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  std::size_t length = 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) length = 2;
  else if (lead >= 0xE0 && lead <= 0xEF) length = 3;
  else if (lead >= 0xF0 && lead <= 0xF4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((at(i) & 0xC0) != 0x80) return 0;
  // Overlong forms, surrogates and beyond U+10FFFF.
  if ((lead == 0xE0 && at(1) < 0xA0) || (lead == 0xED && at(1) > 0x9F)) return 0;
  if ((lead == 0xF0 && at(1) < 0x90) || (lead == 0xF4 && at(1) > 0x8F)) return 0;
  return length;
}

}  // namespace

void escape_json(std::string_view text, std::string& out) {
  static constexpr char digits[] = "0123456789abcdef";
  while (!text.empty()) {
    const char c = text.front();
    const auto byte = static_cast<unsigned char>(c);
    std::size_t length = 1;
    if (c == '"' || c == '\\') out.append(1, '\\').append(1, c);
    else if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else if (byte < 0x20 || byte == 0x7F) out.append("\\u00").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    else if (length = utf8_length(text); length > 0) out.append(text.substr(0, length));
    else out += "\\ufffd";
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

LogField::LogField(std::string_view key, std::string_view value) : key_(key), value_(value) {}

void LogField::write(std::string& out, LogFormat format) const {
  if (format == LogFormat::text) {
    out += ' ';
    escape_json(key_, out);
    out += '=';
    // Escaped as well, so that nobody writes a second line into the log.
    escape_json(value_, out);
    return;
  }
  out += ",\"";
  escape_json(key_, out);
  out += "\":";
  if (quoted_) out += '"';
  escape_json(value_, out);
  if (quoted_) out += '"';
}

void start_logging(LogLevel level, LogFormat format, std::shared_ptr<spdlog::sinks::sink> sink) {
  stop_logging();
  if (!sink) sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
  sink->set_formatter(std::make_unique<LineFormatter>(format));
  auto fresh = std::make_shared<Writer>();
  fresh->format = format;
  fresh->pool = std::make_shared<spdlog::details::thread_pool>(log_lines_waiting_max, 1);
  fresh->logger = std::make_shared<spdlog::async_logger>("usher", std::move(sink), fresh->pool,
                                                         spdlog::async_overflow_policy::overrun_oldest);
  fresh->logger->set_level(spdlog::level::trace);
  // A line that comes while the writer ends is dropped in silence, like any line after it.
  fresh->logger->set_error_handler([](const std::string&) {});
  level_now = static_cast<int>(level);
  const std::lock_guard hold(writer_mutex);
  writer = std::move(fresh);
}

void stop_logging() {
  std::shared_ptr<Writer> last;
  {
    const std::lock_guard hold(writer_mutex);
    last = std::move(writer);
    writer.reset();
  }
  if (!last) return;
  dropped_before += last->pool->overrun_counter();
  const auto sinks = last->logger->sinks();
  last.reset();  // The pool writes what waits and joins.
  for (const auto& sink : sinks) sink->flush();
}

void set_log_level(LogLevel level) { level_now = static_cast<int>(level); }

LogLevel parse_log_level(std::string_view name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warn") return LogLevel::warn;
  if (name == "error") return LogLevel::error;
  return LogLevel::info;
}

std::uint64_t log_lines_dropped() {
  const auto now = current_writer();
  return dropped_before + (now && now->pool ? now->pool->overrun_counter() : 0);
}

void log(LogLevel level, std::string_view component, std::string_view text, std::initializer_list<LogField> fields) {
  if (static_cast<int>(level) < level_now.load(std::memory_order_relaxed)) return;
  const auto now = current_writer();
  if (!now) return;
  std::string line;
  if (now->format == LogFormat::json) {
    line.append("\"component\":\"");
    escape_json(component, line);
    line.append("\",\"msg\":\"");
    escape_json(text, line);
    line += '"';
  } else {
    line.append(component).append(": ");
    escape_json(text, line);
  }
  for (const auto& field : fields) field.write(line, now->format);
  // As a value, not as a format: a brace in it means nothing.
  now->logger->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

void log_debug(std::string_view component, std::string_view text, std::initializer_list<LogField> fields) {
  log(LogLevel::debug, component, text, fields);
}
void log_info(std::string_view component, std::string_view text, std::initializer_list<LogField> fields) {
  log(LogLevel::info, component, text, fields);
}
void log_warn(std::string_view component, std::string_view text, std::initializer_list<LogField> fields) {
  log(LogLevel::warn, component, text, fields);
}
void log_error(std::string_view component, std::string_view text, std::initializer_list<LogField> fields) {
  log(LogLevel::error, component, text, fields);
}

}  // namespace usher::daemon
