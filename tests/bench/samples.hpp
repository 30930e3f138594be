// What every benchmark program shares: the command line as pairs, figures as one JSON line, and a loud end.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace usher::bench {

using Steady = std::chrono::steady_clock;

[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "benchmark: %s\n", why.c_str());
  std::exit(70);
}

inline double seconds_since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

// --NAME VALUE ...: every option has a value.
class Options {
 public:
  Options(int argc, char** argv, int first) {
    for (int i = first; i < argc; i += 2) {
      const std::string_view name = argv[i];
      if (!name.starts_with("--") || i + 1 == argc) give_up("not an option with a value: " + std::string(name));
      values_[std::string(name.substr(2))] = argv[i + 1];
    }
  }
  [[nodiscard]] double number(const std::string& name, double otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : std::strtod(found->second.c_str(), nullptr);
  }
  [[nodiscard]] std::size_t count(const std::string& name, std::size_t otherwise) const {
    return static_cast<std::size_t>(number(name, static_cast<double>(otherwise)));
  }
  [[nodiscard]] std::string text(const std::string& name, const std::string& otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }

 private:
  std::map<std::string, std::string> values_;
};

// Rounds of A B B A: what drifts with time falls on both alike. Prints {"a":[[..],..],"b":[..],NOTES}.
class Rounds {
 public:
  template <class A, class B>
  Rounds(std::size_t rounds, A&& a, B&& b) {
    for (std::size_t i = 0; i < rounds; ++i) {
      const double first_a = a();
      const double first_b = b();
      const double second_b = b();
      const double second_a = a();
      a_.push_back({first_a, second_a});
      b_.push_back({first_b, second_b});
    }
  }
  Rounds& note(const std::string& name, double value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.6g", value);
    notes_ += ",\"" + name + "\":" + text;
    return *this;
  }
  void print() const { std::printf("{\"a\":%s,\"b\":%s%s}\n", list(a_).c_str(), list(b_).c_str(), notes_.c_str()); }

 private:
  using Pairs = std::vector<std::pair<double, double>>;
  [[nodiscard]] static std::string list(const Pairs& pairs) {
    std::string out = "[";
    for (const auto& [first, second] : pairs) {
      char text[96];
      std::snprintf(text, sizeof text, "%s[%.9g,%.9g]", out.size() > 1 ? "," : "", first, second);
      out += text;
    }
    return out + "]";
  }
  Pairs a_, b_;
  std::string notes_;
};

}  // namespace usher::bench
