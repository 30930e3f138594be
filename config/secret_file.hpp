// Secrets: read from files that only their owner may read, and hashed. No sentence here ever holds a secret.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "routing/message/result.hpp"

namespace usher::config {

// The file's text without one trailing line end. Detail is a sentence about the file: unreadable, readable by others,
// not a file, empty, larger than 64 KiB.
[[nodiscard]] message::Result<std::string> read_secret(const std::filesystem::path& file);

// The bytes of a regular file of at most `bytes_max`; too_large and unavailable with a sentence.
[[nodiscard]] message::Result<std::string> read_bytes(const std::filesystem::path& file, std::size_t bytes_max);

// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace usher::config
