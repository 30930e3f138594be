// BlobStore: write beside, fsync, rename, fsync the folders. POSIX only.
#include "connectors/blob_store.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <random>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/signature.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

namespace {

constexpr auto leftover_after = std::chrono::hours(1);


namespace fs = std::filesystem;

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool open() const { return number_ >= 0; }

 private:
  int number_;
};

Error broken(const char* what) {
  return fail(Fault::unavailable, std::string("blobs: cannot ") + what + ": " + std::strerror(errno));
}

bool is_name(const std::string& sha256) {
  return sha256.size() == 64 && std::all_of(sha256.begin(), sha256.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// Tenants' names become folders: nothing that could leave its place.
bool is_folder(const TenantId& tenant) {
  const std::string& text = tenant.text();
  return !text.empty() && text.size() <= 64 && text.front() != '.' && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
         });
}

bool make_folder(const fs::path& path) { return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST; }

bool sync_folder(const fs::path& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder.open() && ::fsync(folder.number()) == 0;
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// A name for `path` and its bytes, durable once the folders are synced.
Result<void> write_beside(const fs::path& beside, const fs::path& path, std::string_view bytes) {
  {
    const Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.open()) return broken("create a file");
    if (!write_all(file.number(), bytes) || ::fsync(file.number()) != 0) {
      const Error error = broken("write a file");
      ::unlink(beside.c_str());
      return error;
    }
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    const Error error = broken("name a file");
    ::unlink(beside.c_str());
    return error;
  }
  return {};
}

// Process numbers repeat, in containers and on several machines that share the folder.
const std::string& process_name() {
  static const std::string name = [] {
    std::random_device source;
    return std::to_string(source()) + "-" + std::to_string(source()) + "-" + std::to_string(::getpid());
  }();
  return name;
}

}  // namespace

BlobStore::BlobStore(fs::path folder) : folder_(std::move(folder)) {
  // A failure here shows at the first put(), as an error with its reason.
  std::error_code ignored;
  fs::create_directories(folder_ / ".writing", ignored);
  // Others may share the folder and be writing at this moment: only what nobody can still be writing is removed.
  const auto long_ago = fs::file_time_type::clock::now() - leftover_after;
  for (const auto& left : fs::directory_iterator(folder_ / ".writing", ignored))
    if (const auto written = fs::last_write_time(left.path(), ignored); !ignored && written < long_ago) fs::remove(left.path(), ignored);
}

Result<void> BlobStore::put(const TenantId& tenant, const std::string& sha256, std::string_view bytes) {
  expect(is_name(sha256), "a blob is named by its SHA-256");
  if (!is_folder(tenant)) return fail(Fault::malformed, "blobs: this tenant's name is no folder name");
  const fs::path tenant_folder = folder_ / tenant.text();
  const fs::path shelf = tenant_folder / sha256.substr(0, 2);
  if (!make_folder(folder_ / ".writing") || !make_folder(tenant_folder) || !make_folder(shelf)) return broken("make a folder");

  const fs::path path = shelf / sha256;
  struct stat there {};
  const bool known = ::stat(path.c_str(), &there) == 0 && static_cast<std::size_t>(there.st_size) == bytes.size();
  if (!known) {
    static std::atomic<std::uint64_t> counter{0};
    const std::string name = process_name() + "-" + std::to_string(counter.fetch_add(1));
    auto written = write_beside(folder_ / ".writing" / name, path, bytes);
    if (!written) return written.error();
  }
  // Also when the file was there already: another thread may have named it and not yet synced the name.
  for (const fs::path& changed : {shelf, tenant_folder, folder_})
    if (!sync_folder(changed)) return broken("sync a folder");
  return {};
}

Result<std::string> BlobStore::get(const TenantId& tenant, const std::string& sha256) const {
  if (!is_name(sha256) || !is_folder(tenant)) return fail(Fault::not_found, "blobs: no such blob");
  const fs::path path = folder_ / tenant.text() / sha256.substr(0, 2) / sha256;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open()) return errno == ENOENT ? fail(Fault::not_found, "blobs: no such blob") : broken("open a file");
  struct stat there {};
  if (::fstat(file.number(), &there) != 0) return broken("look at a file");
  std::string bytes(static_cast<std::size_t>(there.st_size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t count = ::read(file.number(), bytes.data() + have, bytes.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return broken("read a file");
    have += static_cast<std::size_t>(count);
  }
  if (sha256_hex(bytes) != sha256) return fail(Fault::unavailable, "blobs: a file is damaged: " + sha256);
  return bytes;
}

Result<void> BlobStore::look_for(const TenantId& tenant, const std::string& sha256, std::uint64_t size) const {
  const Error none = fail(Fault::not_found, "blobs: no such blob");
  if (!is_name(sha256) || !is_folder(tenant)) return none;
  struct stat there {};
  const fs::path path = folder_ / tenant.text() / sha256.substr(0, 2) / sha256;
  if (::stat(path.c_str(), &there) != 0) return errno == ENOENT ? none : broken("look for a file");
  if (static_cast<std::uint64_t>(there.st_size) != size) return none;
  return {};
}

}  // namespace usher::connectors
