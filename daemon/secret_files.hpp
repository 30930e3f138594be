// Secret files of the data folder: made at first start, 0600, never logged. secret.key signs private links; admin.token
// opens the operations interface. Also the one way this layer replaces a small file durably. Start-up thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "routing/message/result.hpp"

namespace usher::daemon {

using namespace usher::message;

struct Secrets {
  std::string link_key;     // 32 bytes.
  std::string admin_token;  // Text, as an operator sends it.
};

// Reads both, making what is missing. `malformed` when a file is there but too short; `unauthorised` when others may
// read it; `unavailable` when it cannot be read or written.
[[nodiscard]] Result<Secrets> open_secrets(const std::filesystem::path& data_folder);

// The bytes of a small file. `not_found`, `unavailable`.
[[nodiscard]] Result<std::string> read_small_file(const std::filesystem::path& file);
// All or nothing, on disk when it returns: written beside, fsynced, renamed, folder fsynced. Mode 0600.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& file, std::string_view bytes);

// From the operating system; aborts when it has none to give.
[[nodiscard]] std::string random_bytes(std::size_t count);

}  // namespace usher::daemon
