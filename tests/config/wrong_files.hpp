// Files with something wrong, and every line that must be said about them. One table for two tests: the loader names
// each place exactly, and the JSON Schema refuses what a schema can see.
#pragma once

#include <string>
#include <vector>

namespace usher::config::test {

struct WrongFile {
  std::string what;
  std::string yaml;
  std::vector<std::string> problems;
  bool schema_sees = true;  // False: ties between keys, or YAML itself, which no schema can judge.
};

[[nodiscard]] std::vector<WrongFile> wrong_files();
[[nodiscard]] std::vector<WrongFile> wrong_servers();  // Some of them.

}  // namespace usher::config::test
