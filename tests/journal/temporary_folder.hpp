// A folder of its own for one test, gone afterwards.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "routing/message/result.hpp"

namespace usher::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    auto form = (std::filesystem::temp_directory_path() / "usher-test-XXXXXX").string();
    message::expect(::mkdtemp(form.data()) != nullptr, "a test can make a folder");
    path_ = form;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace usher::testing
