// usher_bench_rebuild waiting --brokers … (see bench_servers.hpp) [--rounds N] [--waiting N]: Redis is emptied while no router
// runs; nanoseconds from a router's start to its first offer, with so many conversations waiting. Bare: librdkafka reads the
// bytes of the snapshot that it was rebuilt from. The texts, which are written back while it routes, are in neither.
#include "routing/message/wire.hpp"
#include "tests/bench/bare_kafka.hpp"
#include "tests/bench/server_world.hpp"

namespace usher::bench {
namespace {

constexpr std::size_t unacknowledged_max = 8192;
constexpr auto look_every = std::chrono::milliseconds(1);
constexpr auto caught_up_within = std::chrono::minutes(8);
constexpr auto rebuilt_within = std::chrono::minutes(5);

Shape small_centre() {
  Shape shape;
  shape.class_skills_max = 2;
  return shape;
}

class Rebuilding {
 public:
  Rebuilding(BenchServers& servers, std::size_t waiting) : servers_(servers), waiting_(waiting), world_(servers, centre_, waiting) {
    fill();
    stop();
  }

  // One rebuild: nanoseconds to the first offer.
  double rebuild() {
    servers_.flush_redis();
    const auto offers = world_.log().offers();
    const auto begin = Steady::now();
    world_.start();
    // Somebody comes who was not there before: the first offer is made once this is applied and committed.
    const auto& agent = centre_.policy().agents[comers_++ % centre_.policy().agents.size()].id;
    const SessionId session{"bench" + std::to_string(comers_)};
    append(SessionOpened{agent, session, GatewayId{"desk"}});
    append(CommandIssued{agent, session, CommandId{session.text()}, SetPresence{Presence::available, {}}});
    wait_until([&] { return world_.log().offers() > offers; }, rebuilt_within, "the first offer");
    const auto taken = std::chrono::duration<double, std::nano>(Steady::now() - begin).count();
    if (world_.status().rewrites == 0) give_up("the state was not rebuilt");
    stop();
    return taken;
  }
  // The bytes of the newest snapshot, alone.
  double read() {
    const auto begin = Steady::now();
    bytes_ = read_bytes(world_.kafka(), journal::Stream::snapshots, snapshot_);
    return std::chrono::duration<double, std::nano>(Steady::now() - begin).count();
  }
  [[nodiscard]] double bytes() const { return static_cast<double>(bytes_); }

 private:
  void fill() {
    append(PolicyActivated{centre_.policy(), ""});
    for (std::size_t number = 0; number < waiting_; ++number) {
      while (appended_ - acknowledged_ >= unacknowledged_max) pace_.until(Steady::now() + look_every);
      append(entry_of(centre_, number));
    }
    wait_until([&] { return acknowledged_ == appended_; }, std::chrono::minutes(1), "the journal acknowledges all");
    wait_until([&] { return world_.status().records > waiting_ && world_.status().lag_records == 0; }, caught_up_within,
               "the router applies all");
    if (refused_ != 0) give_up("appends were refused");
  }
  template <class Condition>
  void wait_until(Condition condition, std::chrono::minutes within, const char* what) {
    const auto until = Steady::now() + within;
    while (!condition()) {
      if (Steady::now() > until) {
        const auto status = world_.status();
        give_up(std::string("waited in vain: ") + what + "; the router is " + std::string(router::phase_name(status.phase)) + ' ' +
                status.reason);
      }
      pace_.until(Steady::now() + look_every);
    }
  }
  void stop() {
    const auto before = bounds();
    world_.stop();
    const auto opened = journal::KafkaJournal::open(world_.kafka(), Milliseconds(20'000));
    if (!opened) give_up(opened.error().detail);
    const auto after = (*opened)->bounds(journal::Stream::snapshots, 0);
    if (!after || after->end <= before.end) give_up("no snapshot was written at the end");
    snapshot_ = {before.end, after->end};
  }
  journal::Bounds bounds() {
    const auto now = world_.journal().bounds(journal::Stream::snapshots, 0);
    if (!now) give_up(now.error().detail);
    return *now;
  }
  void append(Record record) { append(journal::Entry{"bench", std::string(record_type(record)), encode(record)}); }
  void append(journal::Entry entry) {
    ++appended_;
    world_.journal().append(journal::Stream::inbound, 0, std::move(entry), [this](const Result<journal::Appended>& done) {
      refused_ += done ? 0 : 1;
      ++acknowledged_;
    });
  }

  const Centre centre_{small_centre()};
  Pace pace_;  // Of looks at what nobody announces.
  BenchServers& servers_;
  const std::size_t waiting_;
  std::size_t appended_ = 0;
  std::atomic<std::size_t> acknowledged_{0}, refused_{0};
  std::size_t comers_ = 0;
  std::size_t bytes_ = 0;
  journal::Bounds snapshot_;
  ServerWorld world_;
};

}  // namespace
}  // namespace usher::bench

int main(int argc, char** argv) {
  using namespace usher::bench;
  const Options options(argc, argv, 2);
  BenchServers servers(options);
  const auto waiting = options.count("waiting", 1'000'000);
  const auto begin = Steady::now();
  Rebuilding rebuilding(servers, waiting);
  const auto filled = seconds_since(begin);
  rebuilding.rebuild();
  Rounds rounds(options.count("rounds", 7), [&] { return rebuilding.rebuild(); }, [&] { return rebuilding.read(); });
  rounds.note("waiting", static_cast<double>(waiting)).note("snapshot_bytes", rebuilding.bytes()).note("filled_in_seconds", filled);
  rounds.print();
  return 0;
}
