// The data folder on disk: the lock that keeps a second process out, and syncing of names (a new file's data may be
// durable while its name is not). POSIX only.
#pragma once

#include <filesystem>

#include "routing/message/result.hpp"

namespace usher::state {

// Held until destroyed, and by the kernel's word given back when the process dies.
class FolderLock {
 public:
  // Creates the folder. `conflict`: another process has it.
  [[nodiscard]] static message::Result<FolderLock> take(const std::filesystem::path& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// Makes a file's content, or the names in a folder, durable.
[[nodiscard]] message::Result<void> sync_path(const std::filesystem::path& path);

}  // namespace usher::state
