// ReadingNote: which mail is being read at this moment, in a file beside the daemon's data. A mail that ends the process is met
// again at each start; the note knows it, so that it is taken as it is in the end. Not synced to disk: the note has to outlive
// this process, not this machine, and a power cut is no mail's fault. On the reader's thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace usher::connectors::email::imap {

class ReadingNote {
 public:
  // Makes the file and its folder. Where that cannot be done nothing is known of any mail, and mails are read all the same.
  explicit ReadingNote(const std::filesystem::path& file);
  ~ReadingNote();
  ReadingNote(const ReadingNote&) = delete;
  ReadingNote& operator=(const ReadingNote&) = delete;

  // False: nothing can be known after a crash.
  [[nodiscard]] bool is_kept() const { return file_ >= 0; }
  // A process ended while it read these bytes, or while it read others at the same time.
  [[nodiscard]] bool suspects(std::string_view bytes) const;
  // Before a mail is read. Not as ever: limits::deaths_max processes ended while they read these bytes; not at all: so many
  // again while they took them as they are.
  enum class Reading { as_ever, as_it_is, not_at_all };
  [[nodiscard]] Reading begin(std::string_view bytes);
  // It was read, and this process is still there. What was taken as it is stays known: met again, as when the place in the
  // mailbox was not saved, it is the same message again.
  void end();
  // The hash of the mail that is being read, for people.
  [[nodiscard]] std::string_view hash() const { return lines_.empty() ? std::string_view() : std::string_view(lines_.back().sha256); }

 private:
  struct Line {
    std::string sha256;
    int times = 0;  // Begun and not ended.
  };
  void load();
  void write() const;

  int file_ = -1;
  std::vector<Line> lines_;  // The mail that is being read comes last.
};

}  // namespace usher::connectors::email::imap
