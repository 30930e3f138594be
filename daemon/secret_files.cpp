// Secret files: creation, permission checks and durable replacement on plain POSIX calls.
#include "daemon/secret_files.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "daemon/agent_tokens.hpp"

namespace usher::daemon {
namespace {

constexpr std::size_t link_key_bytes = 32;
constexpr std::size_t admin_token_bytes_min = 16;

Error system_error(const char* did, const std::filesystem::path& file) {
  return fail(Fault::unavailable, std::string(did) + " " + file.string() + ": " + std::strerror(errno));
}

// Closes on every way out.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] bool open() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Result<void> check_private(const std::filesystem::path& file) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0) return system_error("cannot look at", file);
  if ((about.st_mode & 077) != 0)
    return fail(Fault::unauthorised, file.string() + " is readable by others; run: chmod 600 " + file.string());
  return {};
}

// What is in `file`, or `fresh` written there first.
Result<std::string> read_or_make(const std::filesystem::path& file, const std::string& fresh) {
  auto found = read_small_file(file);
  if (found) {
    const auto is_private = check_private(file);
    if (!is_private) return is_private.error();
    return found;
  }
  if (found.error().fault != Fault::not_found) return found.error();
  // Another node may share the folder and start at this moment: whose file gets the name first, has made it.
  auto mine = file;
  mine += "." + random_token();
  if (const auto made = replace_file(mine, fresh); !made) return made.error();
  const bool named = ::link(mine.c_str(), file.c_str()) == 0;
  const bool taken = !named && errno == EEXIST;
  ::unlink(mine.c_str());
  if (!named && !taken) return system_error("cannot name", file);
  if (taken) return read_small_file(file);
  return fresh;
}

}  // namespace

Result<Secrets> open_secrets(const std::filesystem::path& data_folder) {
  auto key = read_or_make(data_folder / "secret.key", random_bytes(link_key_bytes));
  if (!key) return key.error();
  // A shorter key would still sign, only weakly: refuse rather than go on with half a file.
  if (key->size() < link_key_bytes)
    return fail(Fault::malformed, (data_folder / "secret.key").string() + " is damaged: fewer than 32 bytes");

  auto token = read_or_make(data_folder / "admin.token", random_token() + "\n");
  if (!token) return token.error();
  while (!token->empty() && (token->back() == '\n' || token->back() == '\r')) token->pop_back();
  if (token->size() < admin_token_bytes_min)
    return fail(Fault::malformed, (data_folder / "admin.token").string() + " is shorter than 16 characters");
  return Secrets{std::move(*key), std::move(*token)};
}

Result<std::string> read_small_file(const std::filesystem::path& file) {
  const File in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in.open()) {
    if (errno == ENOENT) return fail(Fault::not_found, file.string() + " does not exist");
    return system_error("cannot read", file);
  }
  std::string bytes;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto count = ::read(in.descriptor(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("cannot read", file);
    if (count == 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

Result<void> replace_file(const std::filesystem::path& file, std::string_view bytes) {
  auto beside = file;
  beside += ".new";
  {
    const File out(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!out.open()) return system_error("cannot write", beside);
    // A leftover of a crash may have other permissions than the ones asked for above.
    if (::fchmod(out.descriptor(), 0600) != 0) return system_error("cannot protect", beside);
    if (!write_all(out.descriptor(), bytes)) return system_error("cannot write", beside);
    if (::fsync(out.descriptor()) != 0) return system_error("cannot sync", beside);
  }
  if (::rename(beside.c_str(), file.c_str()) != 0) return system_error("cannot replace", file);
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const File held(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Without this the rename itself may be lost with the power.
  if (!held.open() || ::fsync(held.descriptor()) != 0) return system_error("cannot sync", folder);
  return {};
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  expect(count <= static_cast<std::size_t>(std::numeric_limits<int>::max()), "random bytes come in small numbers");
  const int given = RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count));
  expect(given == 1, "the operating system gives random bytes");
  return bytes;
}

}  // namespace usher::daemon
