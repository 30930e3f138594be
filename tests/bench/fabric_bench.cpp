// usher_bench_fabric offers [--rounds N] [--seconds S] [--gateways N]: offers a second from a router's end of the fabric to
// desk gateways, encoded, numbered and decoded, over TCP. Bare: one ZeroMQ ROUTER sends messages of as many bytes to as many
// DEALERs by their addresses, and one thread receives them all.
#include <atomic>
#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <zmq.hpp>

#include "routing/delivery/frame_wire.hpp"
#include "routing/delivery/zmq_fabric.hpp"
#include "routing/delivery/zmq_fabric_head.hpp"
#include "tests/bench/process_use.hpp"

namespace usher::bench {
namespace {

using namespace usher::message;

constexpr std::size_t window = 4096;  // Sent and not yet received, at most: nothing may be dropped.
constexpr auto in_vain_after = std::chrono::seconds(60);

// As the router makes it for a message of the other benchmarks: two skills, a decision with all its runners-up.
engine::AgentFrame offer_of(std::size_t number, std::size_t gateways) {
  engine::OfferFrame frame;
  auto& offer = frame.offer;
  offer.offer = OfferId{7, number + 1};
  offer.expires_in = Milliseconds{30'000};
  auto& view = offer.conversation;
  view.id = ConversationId{9, number + 1};
  view.connector = ConnectorId{"contact"};
  view.channel = "webform";
  view.queue = QueueId{"all"};
  view.requirements = {{SkillId{"skill3"}, 1}, {SkillId{"skill11"}, 3}};
  view.state = engine::ConversationState::offered;
  view.agent = AgentId{"agent" + std::to_string(number % 100)};
  view.offer = offer.offer;
  view.opened_at = view.waiting_since = from_unix_ms(1'790'000'000'000);
  view.messages = 1;
  view.last_from_customer = MessageId{0x62656e6368, number + 1};
  offer.why.policy = "5f0e1d2c3b4a59687786958493a2b1c0";
  offer.why.winner = {*view.agent, 125, 430, 1'234};
  for (int i = 0; i < 5; ++i) offer.why.runners_up.push_back({AgentId{"agent" + std::to_string(i)}, 250, 410, 900 - i});
  offer.why.excluded = {{"skill", 71}, {"presence", 12}};
  return {*view.agent, SessionId{"session"}, GatewayId{"gateway" + std::to_string(number % gateways)}, number, std::move(frame), 4711};
}

// Counts what has come; wakes whoever waits only when there is enough.
class Arrivals {
 public:
  void add(std::size_t more) {
    if (count_.fetch_add(more) + more < awaited_) return;
    const std::lock_guard lock(mutex_);
    enough_.notify_all();
  }
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    awaited_ = count;
    if (!enough_.wait_for(lock, in_vain_after, [&] { return count_ >= count; })) give_up("frames were lost");
    awaited_ = std::numeric_limits<std::size_t>::max();
  }

 private:
  std::atomic<std::size_t> count_{0};
  std::atomic<std::size_t> awaited_{std::numeric_limits<std::size_t>::max()};
  std::mutex mutex_;
  std::condition_variable enough_;
};

class CountingSink final : public delivery::Delivery {
 public:
  explicit CountingSink(Arrivals& arrivals) : arrivals_(arrivals) {}
  void send(const engine::AgentFrame& frame) override {
    if (std::holds_alternative<engine::OfferFrame>(frame.frame)) arrivals_.add(1);
  }
  void service(bool) override {}

 private:
  Arrivals& arrivals_;
};

// Sends `messages` by `send(number)` with the window; returns them per second, first sent to last received. `before` have
// come already.
template <class Send>
double drive(std::size_t messages, Arrivals& received, std::size_t before, Send send) {
  const auto begin = Steady::now();
  for (std::size_t number = 0; number < messages; ++number) {
    if (number >= window && number % (window / 2) == 0) received.wait_for(before + number - window / 2);
    send(number);
  }
  received.wait_for(before + messages);
  return static_cast<double>(messages) / seconds_since(begin);
}

double fabric(std::size_t messages, std::size_t gateways) {
  Arrivals received;
  CountingSink sink(received);
  std::vector<std::unique_ptr<delivery::FabricReceiver>> receivers;
  std::vector<delivery::GatewayAddress> addresses;
  for (std::size_t i = 0; i < gateways; ++i) {
    auto opened = delivery::FabricReceiver::open({}, sink);
    if (!opened) give_up(opened.error().detail);
    addresses.emplace_back(GatewayId{"gateway" + std::to_string(i)}, (*opened)->endpoint());
    receivers.push_back(std::move(*opened));
  }
  auto sender = delivery::FabricSender::open({}, [&]() -> Result<std::vector<delivery::GatewayAddress>> { return addresses; });
  if (!sender) give_up(sender.error().detail);
  // The frames are made before: the engine's work is none of the fabric's.
  std::vector<engine::AgentFrame> frames;
  for (std::size_t number = 0; number < window; ++number) frames.push_back(offer_of(number, gateways));
  // Until each gateway has heard once, connections are being made.
  for (std::size_t i = 0; i < gateways; ++i) (*sender)->send(frames[i]);
  received.wait_for(gateways);
  const double rate = drive(messages, received, gateways, [&](std::size_t number) { (*sender)->send(frames[number % window]); });
  std::size_t gaps = 0, refused = 0;
  for (const auto& one : receivers) {
    gaps += one->figures().gaps;
    refused += one->figures().refused;
  }
  if (gaps != 0 || refused != 0 || (*sender)->figures().dropped != 0) give_up("the fabric lost frames");
  return rate;
}

double bare_router(std::size_t messages, std::size_t gateways) {
  zmq::context_t context{1};
  zmq::socket_t router(context, zmq::socket_type::router);
  router.set(zmq::sockopt::router_mandatory, true);
  router.set(zmq::sockopt::sndhwm, 0);
  router.set(zmq::sockopt::linger, 0);
  router.bind("tcp://127.0.0.1:*");
  const auto endpoint = router.get(zmq::sockopt::last_endpoint);
  Arrivals received;
  std::atomic<bool> stopping{false};
  std::thread receiving([&] {
    std::vector<zmq::socket_t> dealers;
    std::vector<zmq::pollitem_t> items;
    for (std::size_t i = 0; i < gateways; ++i) {
      auto& dealer = dealers.emplace_back(context, zmq::socket_type::dealer);
      dealer.set(zmq::sockopt::routing_id, "gateway" + std::to_string(i));
      dealer.set(zmq::sockopt::rcvhwm, 0);
      dealer.set(zmq::sockopt::linger, 0);
      dealer.connect(endpoint);
      items.push_back({dealer.handle(), 0, ZMQ_POLLIN, 0});
      dealer.send(zmq::str_buffer("hello"), zmq::send_flags::none);
    }
    zmq::message_t message;
    while (!stopping) {
      zmq::poll(items, std::chrono::milliseconds(20));
      for (auto& dealer : dealers) {
        std::size_t count = 0;
        while (dealer.recv(message, zmq::recv_flags::dontwait)) ++count;
        if (count > 0) received.add(count);
      }
    }
  });
  zmq::message_t part;
  for (std::size_t i = 0; i < gateways * 2; ++i)
    if (!router.recv(part)) give_up("a dealer says nothing");
  const auto frame = offer_of(0, gateways);
  const auto bytes = delivery::write_head({"0123456789abcdef0123456789abcdef", 1'000, false}) + delivery::encode(frame);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < gateways; ++i) names.push_back("gateway" + std::to_string(i));
  const double rate = drive(messages, received, 0, [&](std::size_t number) {
    router.send(zmq::buffer(names[number % gateways]), zmq::send_flags::sndmore);
    router.send(zmq::buffer(bytes), zmq::send_flags::none);
  });
  stopping = true;
  receiving.join();
  return rate;
}

}  // namespace
}  // namespace usher::bench

int main(int argc, char** argv) {
  using namespace usher::bench;
  const Options options(argc, argv, 2);
  const double seconds = options.number("seconds", 2.5);
  const auto gateways = options.count("gateways", 4);
  const auto ours = static_cast<std::size_t>(fabric(20'000, gateways) * seconds) + 1;
  const auto theirs = static_cast<std::size_t>(bare_router(100'000, gateways) * seconds) + 1;
  double ours_us = 0, bare_us = 0;
  // Processor time of a message, by side: what a busy machine changes less.
  const auto counted = [](double& us, std::size_t messages, auto run) {
    const auto before = cpu_us_now();
    const double rate = run();
    us = (cpu_us_now() - before) / static_cast<double>(messages);
    return rate;
  };
  Rounds rounds(
      options.count("rounds", 7), [&] { return counted(ours_us, ours, [&] { return fabric(ours, gateways); }); },
      [&] { return counted(bare_us, theirs, [&] { return bare_router(theirs, gateways); }); });
  rounds.note("gateways", static_cast<double>(gateways)).note("cpu_us", ours_us).note("bare_cpu_us", bare_us);
  rounds.note("frame_bytes", static_cast<double>(usher::delivery::encode(offer_of(0, gateways)).size()));
  rounds.print();
  return 0;
}
