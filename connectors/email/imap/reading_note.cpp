// ReadingNote: a few lines of one length, `SHA256 TIMES`, written over in one call.
#include "connectors/email/imap/reading_note.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "connectors/email/imap/imap_limits.hpp"
#include "connectors/signature.hpp"

namespace usher::connectors::email::imap {

namespace {

constexpr std::size_t hash_size = 64;
constexpr std::size_t line_size = hash_size + 3;  // A blank, a digit, the line's end.
constexpr int times_max = 9;

}  // namespace

ReadingNote::ReadingNote(const std::filesystem::path& file) {
  std::error_code ignored;
  std::filesystem::create_directories(file.parent_path(), ignored);
  file_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file_ >= 0) load();
}

ReadingNote::~ReadingNote() {
  if (file_ >= 0) ::close(file_);
}

// A line that is none is passed over: whatever it meant, nothing worse follows than that a mail is read once more.
void ReadingNote::load() {
  std::string text(limits::deadly_mails_remembered * line_size, '\0');
  const auto size = ::pread(file_, text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  for (std::size_t at = 0; at + line_size <= text.size(); at += line_size) {
    const std::string hash = text.substr(at, hash_size);
    const char times = text[at + hash_size + 1];
    const bool good = hash.find_first_not_of("0123456789abcdef") == std::string::npos && times >= '1' && times <= '9' && text[at + hash_size] == ' ';
    if (good) lines_.push_back({hash, times - '0'});
  }
}

bool ReadingNote::suspects(std::string_view bytes) const {
  if (lines_.empty()) return false;
  const auto hash = sha256_hex(bytes);
  return std::any_of(lines_.begin(), lines_.end(), [&](const Line& one) { return one.sha256 == hash; });
}

ReadingNote::Reading ReadingNote::begin(std::string_view bytes) {
  if (file_ < 0) return Reading::as_ever;
  Line line{sha256_hex(bytes), 0};
  const auto found = std::find_if(lines_.begin(), lines_.end(), [&](const Line& one) { return one.sha256 == line.sha256; });
  if (found != lines_.end()) {
    line.times = found->times;
    lines_.erase(found);
  }
  if (lines_.size() >= limits::deadly_mails_remembered) lines_.erase(lines_.begin());
  const int before = line.times;
  line.times = std::min(before + 1, times_max);
  lines_.push_back(std::move(line));
  write();
  if (before >= 2 * limits::deaths_max) return Reading::not_at_all;
  return before >= limits::deaths_max ? Reading::as_it_is : Reading::as_ever;
}

void ReadingNote::end() {
  if (file_ < 0 || lines_.empty()) return;
  if (lines_.back().times > limits::deaths_max) lines_.back().times = limits::deaths_max;
  else lines_.pop_back();
  write();
}

// What cannot be written is not known after a crash, and the mail is read once more.
void ReadingNote::write() const {
  std::string text;
  for (const Line& line : lines_) text += line.sha256 + " " + std::to_string(line.times) + "\n";
  const auto written = ::pwrite(file_, text.data(), text.size(), 0);
  if (written >= 0) static_cast<void>(::ftruncate(file_, written) == 0);
}

}  // namespace usher::connectors::email::imap
