// usher_bench_embedded throughput | p99 | closed --scratch FOLDER [--rounds N] [--seconds S] [--rate R]: the embedded product from
// append to offer, against raw SQLite writing the same rows. The folder must be on the disk that is meant.
//   throughput   messages per second, a closed loop; raw: the same transactions
//   p99          nanoseconds to the offer at half the rate, an open loop; raw: one message's rows in one FULL commit
//   closed       one slice of the first, ours alone, for a comparison that another program makes
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "tests/bench/embedded_world.hpp"
#include "tests/bench/process_use.hpp"
#include "tests/bench/raw_commits.hpp"
#include "tests/bench/samples.hpp"

namespace usher::bench {
namespace {

constexpr std::size_t window = 2048;  // Messages accepted and not yet offered, at most.
constexpr double no_limit = 1e9;

Shape small_centre() {
  Shape shape;
  shape.capacity = 1'000'000;  // Every message is offered at once: waiting in line is not what is measured.
  shape.class_skills_max = 2;
  return shape;
}

struct Bench {
  Centre centre{small_centre()};
  std::filesystem::path scratch;
  std::size_t folders = 0;

  // The files of the slice before are gone, but the disk is told so, and stands still for it, only with the file system's next
  // commit: that is to fall into no slice.
  void settle_disk() const {
    const int folder = ::open(scratch.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || ::syncfs(folder) != 0) give_up("the disk of the scratch folder cannot be synced");
    ::close(folder);
  }

  std::filesystem::path folder() {
    auto path = scratch / ("bench" + std::to_string(folders++));
    std::filesystem::remove_all(path);
    settle_disk();
    return path;
  }
};

// What the process has used so far: figures that do not depend on how busy the machine is.
struct Used {
  double bytes = 0;   // Handed to write calls.
  double calls = 0;
  double cpu_us = 0;  // Of all threads.

  static Used now() {
    Used used;
    std::ifstream io("/proc/self/io");
    std::string name;
    for (double value = 0; io >> name >> value;) {
      if (name == "wchar:") used.bytes = value;
      if (name == "syscw:") used.calls = value;
    }
    used.cpu_us = cpu_us_now();
    return used;
  }
  // Since then, for each message.
  [[nodiscard]] Used since(const Used& then, std::size_t messages) const {
    const auto count = static_cast<double>(messages);
    return {(bytes - then.bytes) / count, (calls - then.calls) / count, (cpu_us - then.cpu_us) / count};
  }
};

void note(Rounds& rounds, const std::string& who, const Used& used) {
  rounds.note(who + "bytes_written", used.bytes).note(who + "write_calls", used.calls).note(who + "cpu_us", used.cpu_us);
}

double closed_rate(Bench& bench, std::size_t messages, double* per_commit = nullptr, Used* used = nullptr) {
  EmbeddedWorld world(bench.folder(), bench.centre, messages);
  const auto before = Used::now();
  const double rate = world.run_closed(window);
  if (used) *used = Used::now().since(before, messages);
  if (per_commit) *per_commit = world.messages_per_commit();
  world.audit();
  return rate;
}

Trace recorded(Bench& bench, std::size_t messages, std::size_t in_flight, std::map<std::string, std::int64_t>* rows) {
  Trace trace;
  EmbeddedWorld world(bench.folder(), bench.centre, messages, &trace);
  world.run_closed(in_flight);
  world.audit();
  auto counted = world.close_and_count();
  if (rows) *rows = std::move(counted);
  return trace;
}

int throughput(Bench& bench, const Options& options) {
  const double guess = closed_rate(bench, 10'000);
  const auto messages = static_cast<std::size_t>(guess * options.number("seconds", 2.5));
  std::map<std::string, std::int64_t> rows;
  auto trace = recorded(bench, messages, window, &rows);
  trace.fold_commits();
  double per_commit = 0;
  Used ours, theirs;
  const auto usher = [&] { return closed_rate(bench, messages, &per_commit, &ours); };
  const auto raw = [&] {
    const auto folder = bench.folder();
    double taken = 0;
    {
      RawCommits sqlite(folder);
      const auto before = Used::now();
      (void)sqlite.run(trace, no_limit);
      theirs = Used::now().since(before, messages);
      taken = sqlite.seconds();
    }
    // `control` is the router's own; all else must be there to the row.
    if (count_rows(folder) != rows) give_up("raw SQLite wrote other rows than Usher");
    std::filesystem::remove_all(folder);
    return static_cast<double>(messages) / taken;
  };
  raw();
  Rounds rounds(options.count("rounds", 7), usher, raw);
  double written = 0;
  for (const auto& [table, count] : rows) written += static_cast<double>(count);
  rounds.note("messages", static_cast<double>(messages)).note("messages_per_transaction", trace.messages_per_transaction());
  note(rounds, "", ours);
  note(rounds, "raw_", theirs);
  rounds.note("messages_per_commit", per_commit).note("rows_kept_per_message", written / static_cast<double>(messages));
  rounds.print();
  return 0;
}

int latency(Bench& bench, const Options& options) {
  const double seconds = options.number("seconds", 2.5);
  double rate = options.number("rate", 0);
  if (rate <= 0) {
    const double guess = closed_rate(bench, 10'000);
    rate = closed_rate(bench, static_cast<std::size_t>(guess * seconds));
  }
  const double half = rate / 2;
  // One at a time: then a commit holds the rows of one message. As many as fit into a slice of raw commits.
  const double one_at_a_time = closed_rate(bench, 10'000) / 10;
  const auto single = recorded(bench, static_cast<std::size_t>(std::clamp(one_at_a_time * seconds, 2'000.0, 30'000.0)), 1, nullptr).merged();
  const auto usher = [&] {
    EmbeddedWorld world(bench.folder(), bench.centre, static_cast<std::size_t>(half * seconds));
    const auto taken = world.run_open(half);
    world.audit();
    return p99(taken);
  };
  const auto raw = [&] {
    const auto folder = bench.folder();
    double result = 0;
    {
      RawCommits sqlite(folder);
      result = p99(sqlite.run(single, seconds));
    }
    std::filesystem::remove_all(folder);
    return result;
  };
  usher();
  raw();
  Rounds rounds(options.count("rounds", 7), usher, raw);
  rounds.note("rate", half).note("raw_commits", static_cast<double>(single.transactions.size() - single.measured_from));
  rounds.print();
  return 0;
}

int one_slice(Bench& bench, const Options& options) {
  const double guess = closed_rate(bench, 10'000);
  std::printf("{\"figure\":%.9g}\n", closed_rate(bench, static_cast<std::size_t>(guess * options.number("seconds", 2.5)) + 1));
  return 0;
}

}  // namespace
}  // namespace usher::bench

int main(int argc, char** argv) {
  using namespace usher::bench;
  const std::string what = argc > 1 ? argv[1] : "";
  const Options options(argc, argv, 2);
  Bench bench;
  bench.scratch = options.text("scratch", "");
  if (bench.scratch.empty()) give_up("--scratch FOLDER is needed");
  std::filesystem::create_directories(bench.scratch);
  if (what == "throughput") return throughput(bench, options);
  if (what == "p99") return latency(bench, options);
  if (what == "closed") return one_slice(bench, options);
  give_up("throughput, p99 or closed");
}
