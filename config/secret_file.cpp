// Files are opened once and judged by the open descriptor, so that what was checked is what is read.
#include "config/secret_file.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace usher::config {
namespace {

using message::Error;
using message::fail;
using message::Fault;
using message::Result;

constexpr std::size_t secret_bytes_max = 64 * 1024;

class OpenFile {
 public:
  // O_NONBLOCK: a named pipe must not hold the daemon's start.
  explicit OpenFile(const std::filesystem::path& file)
      : descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

Error cannot_read(const std::filesystem::path& file, int error) {
  return fail(Fault::unavailable, "cannot read " + file.string() + ": " + std::strerror(error));
}

Result<std::string> read_open(const OpenFile& open, const std::filesystem::path& file, std::size_t bytes_max) {
  std::string bytes;
  std::array<char, 16 * 1024> part{};
  for (;;) {
    const auto count = ::read(open.descriptor(), part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(file, errno);
    if (count == 0) return bytes;
    bytes.append(part.data(), static_cast<std::size_t>(count));
    if (bytes.size() > bytes_max) return fail(Fault::too_large, file.string() + " is too large");
  }
}

Result<std::string> read_regular(const std::filesystem::path& file, std::size_t bytes_max, bool private_only) {
  const OpenFile open(file);
  if (open.descriptor() < 0) return cannot_read(file, errno);
  struct stat about {};
  if (::fstat(open.descriptor(), &about) != 0) return cannot_read(file, errno);
  if (!S_ISREG(about.st_mode)) return fail(Fault::malformed, file.string() + " is not a regular file");
  if (private_only && (about.st_mode & 077U) != 0) {
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", about.st_mode & 07777U);
    return fail(Fault::unauthorised, file.string() + " may be read by others (mode " + mode.data() + "); chmod 600 it");
  }
  return read_open(open, file, bytes_max);
}

}  // namespace

Result<std::string> read_bytes(const std::filesystem::path& file, std::size_t bytes_max) {
  return read_regular(file, bytes_max, false);
}

Result<std::string> read_secret(const std::filesystem::path& file) {
  auto text = read_regular(file, secret_bytes_max, true);
  if (!text) return text.error();
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty()) return fail(Fault::malformed, file.string() + " is empty");
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const int done = EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  message::expect(done == 1 && size == 32, "SHA-256 is always at hand");
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

}  // namespace usher::config
