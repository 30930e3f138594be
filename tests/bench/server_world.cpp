// See server_world.hpp.
#include "tests/bench/server_world.hpp"

#include <algorithm>

namespace usher::bench {

namespace {

constexpr Milliseconds open_within{20'000};

}  // namespace

ServerWorld::ServerWorld(BenchServers& servers, const Centre& centre, std::size_t messages, bool follower)
    : servers_(servers), follower_(follower), kafka_(servers.fresh_topics()), log_(messages) {
  servers_.flush_redis();
  start();
  load_ = std::make_unique<OfferedLoad>(*journal_, log_, centre, messages);
}

void ServerWorld::sign_in() {
  load_->sign_in();
  ready_ = router_->status();
}

ServerWorld::~ServerWorld() {
  stop();
  servers_.delete_topics(kafka_);
}

void ServerWorld::start() {
  auto opened = journal::KafkaJournal::open(kafka_, open_within);
  if (!opened) give_up(opened.error().detail);
  journal_ = std::move(*opened);
  auto store = state::RedisStore::open(servers_.redis());
  if (!store) give_up(store.error().detail);
  store_ = std::move(*store);
  router::RouterOptions options;
  options.id = RouterId{"bench" + std::to_string(lives_++)};
  options.snapshots = follower_;
  router_ = std::make_unique<router::RouterThread>(options, router::Router::Ports{*journal_, *store_, log_, clock_});
  if (!follower_) return;
  router::SnapshotOptions snapshots;
  snapshots.owning = [this] { return router_->status().phase == router::Phase::routing; };
  snapshots_ = std::make_unique<router::SnapshotMaker>(std::move(snapshots), *journal_, *store_, clock_);
}

void ServerWorld::stop() {
  snapshots_.reset();
  router_.reset();
  journal_.reset();
  store_.reset();
}

double ServerWorld::messages_per_commit() const {
  const auto now = router_->status();
  return static_cast<double>(now.records - ready_.records) / static_cast<double>(std::max<std::uint64_t>(1, now.commits - ready_.commits));
}

void ServerWorld::audit() {
  if (snapshots_ && snapshots_->status().differences != 0) give_up("the follower and the owner differ");
  snapshots_.reset();
  router_->stop();
  load_->audit(*store_);
}

}  // namespace usher::bench
