// ProblemList: collects everything that is wrong with a configuration, so that an operator mends a file in one round.
// One lives for one load; a plain value on the loading thread.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace usher::config {

// Where something was written. An environment variable counts as a one-line file named like it.
struct Place {
  std::string variable;  // Empty: the file itself, which sorts first.
  int line = 1;
  int column = 1;
  friend auto operator<=>(const Place&, const Place&) = default;
};

class ProblemList {
 public:
  // `path` is the key's full path; `(file)` stands for the whole file.
  void add(Place place, std::string path, std::string sentence);
  [[nodiscard]] bool empty() const { return problems_.empty(); }
  [[nodiscard]] std::size_t size() const { return problems_.size(); }
  // Of those added since there were `size`.
  [[nodiscard]] std::vector<std::string> paths_since(std::size_t size) const;
  // `FILE:LINE:COL path: sentence`, by place; the same line only once.
  [[nodiscard]] std::vector<std::string> lines(const std::string& file) const;

 private:
  struct Problem {
    Place place;
    std::string path;
    std::string sentence;
    friend auto operator<=>(const Problem&, const Problem&) = default;
  };
  std::vector<Problem> problems_;
};

// What an operator wrote, fit for one line of a terminal: in quotes, cut, control characters escaped.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace usher::config
