// The values behind golden/*.json: what each file says, in C++. Every kind of record and of command is here.
#pragma once

#include <string>
#include <vector>

#include "routing/message/record.hpp"

namespace usher::message {

struct Golden {
  std::string file;  // golden/FILE.json
  Record record;
};

[[nodiscard]] Message golden_message();
[[nodiscard]] Policy golden_policy();
[[nodiscard]] std::vector<Golden> golden_values();
// The bytes of golden/FILE.json without the newline that ends the file.
[[nodiscard]] std::string golden_bytes(const std::string& file);
// The whole of a file under the source folder.
[[nodiscard]] std::string source_file(const std::string& path);

}  // namespace usher::message
