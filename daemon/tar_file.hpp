// Tar files in the POSIX ustar form, plain files only: what a backup is, so that `tar tvf` shows it anywhere. One thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/file_sum.hpp"
#include "routing/message/result.hpp"

namespace usher::daemon {

using namespace usher::message;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using OpenFile = std::unique_ptr<std::FILE, CloseFile>;

class TarWriter {
 public:
  // Makes FILE, mode 0600; `conflict` when there is one already: a backup never overwrites a backup.
  [[nodiscard]] static Result<TarWriter> create(const std::filesystem::path& file);
  [[nodiscard]] Result<void> add_bytes(const std::string& name, std::string_view bytes);
  [[nodiscard]] Result<void> add_file(const std::string& name, const std::filesystem::path& from);
  // The end marks, then fsync. Without it the file is not whole, and a reader says so.
  [[nodiscard]] Result<void> finish();
  // Of each file that was added whole, as its bytes were written.
  [[nodiscard]] const FileSums& sums() const { return sums_; }

 private:
  TarWriter(OpenFile file, std::filesystem::path path) : file_(std::move(file)), path_(std::move(path)) {}
  [[nodiscard]] Result<void> write(std::string_view bytes);
  [[nodiscard]] Result<void> write_head(const std::string& name, std::uint64_t size);
  [[nodiscard]] Result<void> write_padding(std::uint64_t size);

  OpenFile file_;
  std::filesystem::path path_;
  FileSums sums_;
};

// Calls `take(name, read)` for every file, in order; `read` gives the next bytes of that file, "" at its end.
// `malformed`: not such a file, damaged, or cut short before its end marks.
using TarRead = std::function<Result<std::string>()>;
[[nodiscard]] Result<void> read_tar(const std::filesystem::path& file,
                                    const std::function<Result<void>(const std::string& name, const TarRead& read)>& take);

}  // namespace usher::daemon
