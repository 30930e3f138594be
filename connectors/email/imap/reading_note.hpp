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

  // Before a mail is read. True: limits::deaths_max processes ended while they read these bytes.
  [[nodiscard]] bool begin(std::string_view bytes);
  // It was read, and this process is still there.
  void end();

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
