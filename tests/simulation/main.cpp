// usher_simulation: runs seeds, prints each that breaks a rule. See tests/simulation/run.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "routing/message/plant.hpp"
#include "tests/simulation/world.hpp"

namespace {

constexpr int steps = 500;

int usage() {
  std::fprintf(stderr, "usage: tests/simulation/run [--seeds FROM..TO] [--plant FAULT] [--list-plants]\n");
  return 64;
}

bool parse_seeds(const std::string& text, std::uint64_t& from, std::uint64_t& to) {
  const auto dots = text.find("..");
  if (dots == std::string::npos) return false;
  const auto* end = text.data() + text.size();
  return std::from_chars(text.data(), text.data() + dots, from).ec == std::errc{} &&
         std::from_chars(text.data() + dots + 2, end, to).ec == std::errc{} && from <= to;
}

bool plant(const std::string& name) {
  for (const auto& [plant, plant_name] : usher::message::plants)
    if (plant_name == name) return usher::message::planted_now = plant, true;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t from = 1, to = 2000;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--list-plants") {
      for (const auto& [plant, name] : usher::message::plants) std::printf("%.*s\n", static_cast<int>(name.size()), name.data());
      return 0;
    }
    if (i + 1 >= argc) return usage();
    const std::string value = argv[++i];
    if (argument == "--seeds" ? !parse_seeds(value, from, to) : argument == "--plant" ? !plant(value) : true) return usage();
  }
  std::uint64_t failed = 0;
  for (auto seed = from; seed <= to; ++seed) {
    try {
      usher::simulation::World world(seed);
      world.run(steps);
    } catch (const usher::simulation::Broken& broken) {
      ++failed;
      std::printf("seed %llu FAILED: %s\n", static_cast<unsigned long long>(seed), broken.what());
      std::fflush(stdout);
    }
  }
  const auto run = to - from + 1;
  std::printf("seeds %llu..%llu\n%llu passed, %llu failed\n", static_cast<unsigned long long>(from),
              static_cast<unsigned long long>(to), static_cast<unsigned long long>(run - failed),
              static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
