// A backup's list of its own files: name, size and SHA-256 of each. It is the archive's last entry, so it is made of the bytes that
// went in, in one pass. It is against damage; whoever may write the archive can write the list, too.
#pragma once

#include <string>
#include <string_view>

#include "daemon/file_sum.hpp"
#include "routing/message/result.hpp"

namespace usher::daemon {

using namespace usher::message;

// {"v":2,"files":[{"name":…,"size":…,"sha256":…},…]}, by name.
[[nodiscard]] std::string manifest_text(const FileSums& files);

// Earlier builds wrote these bytes and no list. Nothing but exactly them, or damage could turn a list into none.
[[nodiscard]] bool is_manifest_without_list(std::string_view text);

// `malformed`: no such list, damaged, or of a later build.
[[nodiscard]] Result<FileSums> read_manifest(std::string_view text);

// `malformed`: names the first file that differs from the list, is missing, or is not in it.
[[nodiscard]] Result<void> compare_files(const FileSums& listed, const FileSums& found);

}  // namespace usher::daemon
