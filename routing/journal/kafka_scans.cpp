// Places are seated with the library's classic consumer: start at an offset, consume, stop. It never resets by itself.
#include "routing/journal/kafka_scans.hpp"

#include <algorithm>
#include <chrono>

namespace usher::journal {

namespace {

// Records that are there already need not wait long for those that were promised behind them.
constexpr auto rest_within = Milliseconds(1000);

}  // namespace

KafkaScans::~KafkaScans() {
  for (auto& [log, places] : places_)
    for (std::size_t i = 0; i < lanes; ++i)
      if (places[i].fetching) stop(lanes_[i]->topics[static_cast<std::size_t>(log.first)].get(), log, places[i]);
}

Result<std::vector<Stored>> KafkaScans::read(Log log, Offset from, Offset end, std::size_t records_max, Milliseconds within) {
  const auto lane = take_place(log, from, within);
  if (!lane) return lane.error();
  Place* place = nullptr;
  {
    const std::lock_guard lock(mutex_);
    place = &places_[log][*lane];
  }
  auto* topic = lanes_[*lane]->topics[static_cast<std::size_t>(log.first)].get();
  auto records = [&]() -> Result<std::vector<Stored>> {
    if (auto error = seat(*lane, log, *place, from)) return *error;
    return consume(topic, log, *place, end, records_max, within);
  }();
  // At the end, after a look at a single record, and after an error nobody goes on here: fetching more would be in vain.
  if (!records || place->next >= end || records_max == 1) stop(topic, log, *place);
  {
    const std::lock_guard lock(mutex_);
    place->taken = false;
  }
  free_.notify_all();
  return records;
}

Result<std::size_t> KafkaScans::take_place(Log log, Offset from, Milliseconds within) {
  std::unique_lock lock(mutex_);
  auto& places = places_[log];
  const auto untaken = [&] { return std::any_of(places.begin(), places.end(), [](const Place& each) { return !each.taken; }); };
  if (!free_.wait_for(lock, within, untaken)) return fail(Fault::unavailable, "too many readers of one log");
  // First whoever stands here, then one that does not fetch, then the one that was not used for longest.
  const auto cost = [&](const Place& each) {
    if (each.taken) return std::pair(3, each.used);
    if (each.fetching && each.next == from) return std::pair(0, each.used);
    return std::pair(each.fetching ? 2 : 1, each.used);
  };
  const auto best = std::min_element(places.begin(), places.end(), [&](const auto& a, const auto& b) { return cost(a) < cost(b); });
  const auto lane = static_cast<std::size_t>(best - places.begin());
  if (!lanes_[lane]) {
    auto made = std::make_unique<Lane>();
    auto client = make_kafka_client(options_, KafkaUse::scanning, hooks_);
    if (!client) return client.error();
    made->client = std::move(*client);
    for (std::size_t i = 0; i < made->topics.size(); ++i)
      made->topics[i].reset(
          rd_kafka_topic_new(made->client.get(), kafka_topic(options_.topic_prefix, static_cast<Stream>(i)).c_str(), nullptr));
    lanes_[lane] = std::move(made);
  }
  best->taken = true;
  best->used = ++uses_;
  return lane;
}

std::optional<Error> KafkaScans::seat(std::size_t lane, Log log, Place& place, Offset from) {
  if (place.fetching && place.next == from) return std::nullopt;
  auto* topic = lanes_[lane]->topics[static_cast<std::size_t>(log.first)].get();
  stop(topic, log, place);
  place.newest = Instant{Milliseconds{0}};
  place.next = from;
  if (rd_kafka_consume_start(topic, log.second, from) != 0)
    return fail(Fault::unavailable, std::string("the journal cannot be read: ") + rd_kafka_err2str(rd_kafka_last_error()));
  place.fetching = true;
  return std::nullopt;
}

Result<std::vector<Stored>> KafkaScans::consume(rd_kafka_topic_t* topic, Log log, Place& place, Offset end,
                                                std::size_t records_max, Milliseconds within) {
  std::vector<Stored> records;
  std::size_t bytes = 0;
  const auto begin = std::chrono::steady_clock::now();
  while (records.size() < records_max && place.next < end && bytes < kafka_read_bytes_max) {
    const auto limit = records.empty() ? within : std::min(within, rest_within);
    const auto left = std::chrono::duration_cast<Milliseconds>(begin + limit - std::chrono::steady_clock::now());
    const KafkaOwned<rd_kafka_message_t> message(
        rd_kafka_consume(topic, log.second, static_cast<int>(std::max<Milliseconds::rep>(left.count(), 0))));
    if (!message) {
      if (!records.empty()) return records;
      return fail(Fault::unavailable, "the journal does not hand out offset " + std::to_string(place.next));
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      // The rest was compacted away, or these are the library's markers: the end was reached without more records.
      if (message->offset >= end) place.next = std::max(place.next, message->offset);
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
      return fail(Fault::not_found, "the journal does not have offset " + std::to_string(place.next));
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return fail(Fault::unavailable, std::string("the journal cannot be read: ") + rd_kafka_message_errstr(message.get()));
    if (message->offset < place.next) continue;
    records.push_back(stored_of(*message, place.newest));
    bytes += message->len;
    place.next = message->offset + 1;
  }
  return records;
}

void KafkaScans::stop(rd_kafka_topic_t* topic, Log log, Place& place) {
  if (place.fetching) rd_kafka_consume_stop(topic, log.second);
  place.fetching = false;
}

}  // namespace usher::journal
