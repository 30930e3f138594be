// What a file's bytes come to: their count and their SHA-256, summed while they pass, so no file needs to fit memory. One thread.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace usher::daemon {

struct FileSum {
  std::uint64_t size = 0;
  std::string sha256;  // Lower-case hexadecimal.
  bool operator==(const FileSum&) const = default;
};
using FileSums = std::map<std::string, FileSum>;  // By the file's name.

class RunningSum {
 public:
  RunningSum();
  void add(std::string_view bytes);
  // Of all that was added. Requires: not called before.
  [[nodiscard]] FileSum finish();

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
  std::uint64_t size_ = 0;
};

}  // namespace usher::daemon
