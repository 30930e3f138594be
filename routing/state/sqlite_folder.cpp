// The data folder: flock on usher.lock, fsync of files and folders.
#include "routing/state/sqlite_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace usher::state {

using namespace usher::message;

namespace {

Error system_failure(const std::string& doing) {
  return fail(Fault::unavailable, doing + ": " + std::generic_category().message(errno));
}

}  // namespace

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return fail(Fault::unavailable, "cannot make the folder " + folder.string() + ": " + failed.message());
  const auto file = folder / "usher.lock";
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return system_failure("cannot open " + file.string());
  FolderLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return fail(Fault::conflict, "another Usher is running on the folder " + folder.string() +
                                       "; stop it first, or give this one a folder of its own");
    return system_failure("cannot lock " + file.string());
  }
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> sync_path(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return system_failure("cannot open " + path.string());
  const bool synced = ::fsync(descriptor) == 0;
  auto outcome = synced ? Result<void>() : Result<void>(system_failure("cannot sync " + path.string()));
  ::close(descriptor);
  return outcome;
}

}  // namespace usher::state
