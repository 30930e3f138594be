// usher_bench_server throughput | p99 | closed | open, with --brokers … (see bench_servers.hpp) [--rounds N] [--seconds S]
// [--rate R] [--follower 0]: Usher on Kafka and Redis from append to offer, against librdkafka alone with the same bytes.
//   throughput   messages per second, a closed loop; bare: produced and consumed
//   p99          nanoseconds from due to offered at half that rate, an open loop; bare: from due to consumed
//   closed, open one slice of ours alone, for a comparison that another program makes; open is at --rate
#include "tests/bench/bare_kafka.hpp"
#include "tests/bench/process_use.hpp"
#include "tests/bench/server_world.hpp"

namespace usher::bench {
namespace {

constexpr std::size_t window = 8192;  // Messages accepted and not yet offered, at most; produced and not yet consumed.

Shape small_centre() {
  Shape shape;
  shape.capacity = 1'000'000;  // Every message is offered at once: waiting in line is not what is measured.
  shape.class_skills_max = 2;
  return shape;
}

// Processor time of a message, by process, of the newest slice.
struct Used {
  double usher = 0, broker = 0, redis = 0;

  static Used now(const BenchServers& servers) { return {cpu_us_now(), servers.broker_cpu_us(), servers.redis_cpu_us()}; }
  [[nodiscard]] Used since(const Used& then, std::size_t messages) const {
    const auto count = static_cast<double>(messages);
    return {(usher - then.usher) / count, (broker - then.broker) / count, (redis - then.redis) / count};
  }
};

struct Bench {
  Centre centre{small_centre()};
  BenchServers servers;
  bool follower;
  double per_commit = 0;
  Used ours, bares;

  explicit Bench(const Options& options) : servers(options), follower(options.count("follower", 1) != 0) {}

  double closed(std::size_t messages) {
    ServerWorld world(servers, centre, messages, follower);
    world.sign_in();
    world.load().make_records();
    const auto before = Used::now(servers);
    const double rate = world.load().run_closed(window);
    ours = Used::now(servers).since(before, messages);
    per_commit = world.messages_per_commit();
    world.audit();
    return rate;
  }
  double open(double rate, double seconds) {
    const auto messages = static_cast<std::size_t>(rate * seconds);
    ServerWorld world(servers, centre, messages, follower);
    world.sign_in();
    world.load().make_records();
    const auto before = Used::now(servers);
    const auto taken = world.load().run_open(rate);
    ours = Used::now(servers).since(before, messages);
    per_commit = world.messages_per_commit();
    world.audit();
    return p99(taken);
  }
  // `run` gets a BareKafka.
  template <class Run>
  double bare(const std::vector<journal::Entry>& records, Run run) {
    const auto kafka = servers.fresh_topics();
    double result = 0;
    {
      BareKafka alone(kafka, records);
      const auto before = Used::now(servers);
      result = run(alone);
      bares = Used::now(servers).since(before, records.size());
    }
    servers.delete_topics(kafka);
    return result;
  }
  [[nodiscard]] std::vector<journal::Entry> records(std::size_t messages) const {
    std::vector<journal::Entry> made;
    for (std::size_t number = 0; number < messages; ++number) made.push_back(entry_of(centre, number));
    return made;
  }
  // As many as fill a slice; the first, short run also warms up broker and Redis.
  std::size_t messages_for(double seconds) { return static_cast<std::size_t>(closed(10'000) * seconds) + 1; }
};

int throughput(Bench& bench, const Options& options) {
  const double seconds = options.number("seconds", 2.5);
  const auto messages = bench.messages_for(seconds);
  const auto guess = bench.bare(bench.records(50'000), [](BareKafka& bare) { return bare.run_closed(window); });
  const auto records = bench.records(static_cast<std::size_t>(guess * seconds));
  Rounds rounds(
      options.count("rounds", 7), [&] { return bench.closed(messages); },
      [&] { return bench.bare(records, [](BareKafka& bare) { return bare.run_closed(window); }); });
  rounds.note("messages", static_cast<double>(messages)).note("messages_per_commit", bench.per_commit);
  rounds.note("cpu_us", bench.ours.usher).note("broker_cpu_us", bench.ours.broker).note("redis_cpu_us", bench.ours.redis);
  rounds.note("bare_cpu_us", bench.bares.usher).note("bare_broker_cpu_us", bench.bares.broker);
  rounds.print();
  return 0;
}

int latency(Bench& bench, const Options& options) {
  const double seconds = options.number("seconds", 2.5);
  double rate = options.number("rate", 0);
  if (rate <= 0) rate = bench.closed(bench.messages_for(seconds));
  const double half = rate / 2;
  const auto records = bench.records(static_cast<std::size_t>(half * seconds) + 1);
  const auto usher = [&] { return bench.open(half, seconds); };
  const auto bare = [&] { return bench.bare(records, [&](BareKafka& alone) { return p99(alone.run_open(half)); }); };
  usher();
  bare();
  Rounds rounds(options.count("rounds", 7), usher, bare);
  rounds.note("rate", half);
  rounds.print();
  return 0;
}

int one_slice(Bench& bench, const Options& options, bool open) {
  const double seconds = options.number("seconds", 2.5);
  const double figure = open ? bench.open(options.number("rate", 1'000), seconds) : bench.closed(bench.messages_for(seconds));
  std::printf("{\"figure\":%.9g,\"cpu_us\":%.6g,\"broker_cpu_us\":%.6g,\"redis_cpu_us\":%.6g,\"messages_per_commit\":%.6g}\n",
              figure, bench.ours.usher, bench.ours.broker, bench.ours.redis, bench.per_commit);
  return 0;
}

}  // namespace
}  // namespace usher::bench

int main(int argc, char** argv) {
  using namespace usher::bench;
  const std::string what = argc > 1 ? argv[1] : "";
  const Options options(argc, argv, 2);
  Bench bench(options);
  if (what == "throughput") return throughput(bench, options);
  if (what == "p99") return latency(bench, options);
  if (what == "closed" || what == "open") return one_slice(bench, options, what == "open");
  give_up("throughput, p99, closed or open");
}
