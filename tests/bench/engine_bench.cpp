// usher_bench_engine records | memory | instructions [--waiting N] [--agents N] ...: the engine alone, no I/O, one thread.
//   records       turns per second against push and pop of a bare std::set of the same size
//   memory        bytes of heap for each waiting conversation, against the bytes the store keeps of it
//   instructions  one measured stretch for callgrind; without valgrind it only runs
#include <malloc.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#endif

#include <utility>

#include "tests/bench/engine_load.hpp"
#include "tests/bench/samples.hpp"

namespace usher::bench {
namespace {

Shape shape_of(const Options& options) {
  Shape shape;
  shape.agents = options.count("agents", 10'000);
  shape.skills = options.count("skills", 200);
  shape.skills_each_min = 5;
  shape.skills_each_max = 15;
  shape.profiles = options.count("profiles", 500);
  shape.classes = options.count("classes", 2'000);
  shape.class_skills_max = 3;
  return shape;
}

// Slices are counted in turns, so that both sides do the same number.
int records(const Options& options) {
  const auto waiting = options.count("waiting", 100'000);
  const auto turns = options.count("turns", 20'000);
  const Centre centre(shape_of(options));
  EngineLoad load(centre);
  load.write(waiting + centre.policy().agents.size());
  load.sign_in();
  std::set<std::pair<std::int64_t, ConversationId>> bare;
  Dice dice(7);
  std::int64_t arrived = 0;
  // Keys as the engine's own are: the time of arrival, less what one of four urgencies is worth.
  const auto step = static_cast<std::int64_t>(waiting / 4);
  const auto push = [&] {
    const auto key = ++arrived - static_cast<std::int64_t>(dice.below(4)) * step;
    bare.insert({key, {dice.next(), dice.next()}});
  };
  for (std::size_t i = 0; i < waiting; ++i) push();

  const auto engine_turns = [&] {
    const auto begin = Steady::now();
    for (std::size_t i = 0; i < turns; ++i) load.turn();
    return seconds_since(begin) * 1e9 / static_cast<double>(turns);
  };
  const auto set_turns = [&] {
    const auto begin = Steady::now();
    for (std::size_t i = 0; i < turns; ++i) {
      push();
      bare.erase(bare.begin());
    }
    return seconds_since(begin) * 1e9 / static_cast<double>(turns);
  };
  engine_turns();
  set_turns();
  const auto before = load.records();
  const auto begin = Steady::now();
  Rounds rounds(options.count("rounds", 7), engine_turns, set_turns);
  const auto applied = static_cast<double>(load.records() - before);
  rounds.note("records_per_turn", applied / static_cast<double>(turns * 2 * options.count("rounds", 7)));
  rounds.note("seconds", seconds_since(begin)).note("waiting", static_cast<double>(load.waiting()));
  load.check();
  rounds.print();
  return 0;
}

double heap_bytes() {
  const auto now = mallinfo2();
  return static_cast<double>(now.uordblks + now.hblkhd);
}

int memory(const Options& options) {
  const auto waiting = options.count("waiting", 100'000);
  const Centre centre(shape_of(options));
  // The first half fills tables that only grow by doubling, and makes every class known; the second half is measured.
  EngineLoad load(centre);
  load.write(waiting);
  const auto digest = [&load] {
    std::size_t bytes = 0;
    for (const auto& entity : load.engine().serialize()) bytes += entity.table.size() + entity.key.size() + entity.value.size();
    return static_cast<double>(bytes);
  };
  const double stored = digest();
  const double heap = heap_bytes();
  load.write(waiting);
  const double grown = heap_bytes() - heap;
  const double tracked = digest() - stored;
  const auto count = static_cast<double>(waiting);
  std::printf("{\"a\":[[%.1f,%.1f]],\"b\":[[%.1f,%.1f]],\"waiting\":%.0f}\n", grown / count, grown / count, tracked / count,
              tracked / count, count * 2);
  return 0;
}

int instructions(const Options& options) {
  const auto waiting = options.count("waiting", 10'000);
  const auto turns = options.count("turns", 1'000);
  const Centre centre(shape_of(options));
  EngineLoad load(centre);
  load.write(waiting + centre.policy().agents.size());
  load.sign_in();
  for (std::size_t i = 0; i < turns; ++i) load.turn();
  const auto before = load.offers();
  CALLGRIND_START_INSTRUMENTATION;
  for (std::size_t i = 0; i < turns; ++i) load.turn();
  CALLGRIND_STOP_INSTRUMENTATION;
  std::printf("{\"turns\":%zu,\"offers\":%llu,\"waiting\":%llu}\n", turns,
              static_cast<unsigned long long>(load.offers() - before), static_cast<unsigned long long>(load.waiting()));
  return 0;
}

}  // namespace
}  // namespace usher::bench

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const usher::bench::Options options(argc, argv, 2);
  if (what == "records") return usher::bench::records(options);
  if (what == "memory") return usher::bench::memory(options);
  if (what == "instructions") return usher::bench::instructions(options);
  usher::bench::give_up("records, memory or instructions");
}
