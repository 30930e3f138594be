// Whatever bytes a file holds, loading ends, and ends with settings or with problems that have a place.
#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <random>
#include <regex>

#include "fake_catalog.hpp"

namespace usher::config::test {
namespace {

std::string default_file() {
  std::ifstream stream(USHER_SOURCE_DIR "/config/usher.yaml");
  return {std::istreambuf_iterator<char>(stream), {}};
}

// No std distribution: the same seed must give the same files with every library.
class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t bound) { return engine_() % bound; }

 private:
  std::mt19937 engine_;
};

constexpr std::string_view spices[] = {"\n",   "\t",       ": ",           "- ",   "[", "]", "{",     "}",  "\"",   "'",
                                       "&a",   "*a",       "!!",           "|",    ">", "%", "---\n", "? ", "<<: ", "#",
                                       "\xff", "\xe2\x82", "\xef\xbb\xbf", "\x01", "~", "0", "-1",    ",",  "\\"};

std::string mutated(std::string text, Dice& dice) {
  const auto changes = 1 + dice.below(4);
  for (std::size_t i = 0; i < changes; ++i) {
    const auto at = dice.below(text.size());
    switch (dice.below(5)) {
      case 0:
        text[at] = static_cast<char>(dice.below(256));
        break;
      case 1:
        text.erase(at, 1 + dice.below(40));
        break;
      case 2:
        text.insert(at, spices[dice.below(std::size(spices))]);
        break;
      case 3:
        text.insert(at, text.substr(dice.below(text.size()), dice.below(200)));
        break;
      default:
        text.resize(at + 1);
        break;
    }
  }
  return text;
}

bool well_formed(const LoadedSettings& loaded) {
  if (loaded.settings) return loaded.problems.lines.empty();
  static const std::regex line(R"(f\.yaml:[1-9][0-9]*:[1-9][0-9]* [^\n]+: [^\n]+)");
  for (const auto& problem : loaded.problems.lines) {
    if (!std::regex_match(problem, line)) return false;
  }
  return !loaded.problems.lines.empty();
}

}  // namespace

TEST_CASE("two thousand damaged forms of the default file each load or say where they are wrong", "[config]") {
  const auto original = default_file();
  std::size_t loaded_well = 0;
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    Dice dice(seed);
    const auto loaded = load_lines(mutated(original, dice));
    if (loaded.settings) ++loaded_well;
    if (!well_formed(loaded)) {
      for (const auto& line : loaded.problems.lines) UNSCOPED_INFO(line);
      FAIL("seed " << seed);
    }
  }
  // Changes in comments are harmless; were all refused or all taken, the strict layer would not have been reached.
  CHECK(loaded_well > 200);
  CHECK(loaded_well < 1800);
}

TEST_CASE("random bytes are refused with a place", "[config]") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    Dice dice(seed);
    std::string text(1 + dice.below(300), ' ');
    const bool printable = seed % 2 == 0;
    for (auto& c : text) c = printable ? static_cast<char>(32 + dice.below(95)) : static_cast<char>(dice.below(256));
    INFO("seed " << seed);
    const auto loaded = load_lines(text);
    CHECK_FALSE(loaded.settings.has_value());
    CHECK(well_formed(loaded));
  }
}

TEST_CASE("a megabyte of one construct ends in a problem, not in a crash or a long wait", "[config]") {
  for (const std::string_view part : {"[", "{", "- ", "? ", ": ", "a: ", "[a,", "!", "&a ", "*", "%", "\"", "'", "|\n",
                                      "\n", "#", "---\n", "- a\n"}) {
    std::string text;
    while (text.size() + part.size() <= 1024 * 1024) text += part;
    INFO("of " << std::string(part));
    const auto before = std::chrono::steady_clock::now();
    const auto loaded = load_lines(text);
    const auto took = std::chrono::steady_clock::now() - before;
    CHECK_FALSE(loaded.settings.has_value());
    CHECK(well_formed(loaded));
    CHECK(took < std::chrono::seconds(20));
  }
}

}  // namespace usher::config::test
