// usher_audit FOLDER: folds the journal of a stopped data folder and prints what it found as one line of JSON.
// Opens the folder as usherd would, so what a crash left is recovered in it: give it a copy. Exit 65: cannot be read.
// usher_audit BROKERS TOPIC-PREFIX HOST:PORT KEY-PREFIX PASSWORD-FILE SIGHTINGS: the same of Kafka and Redis, also while
// routers are at work. SIGHTINGS: a file of lines `EPOCH OFFSET COUNT DIGEST`, as they stood in Redis at some moment.
#include <boost/json.hpp>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "routing/journal/kafka_journal.hpp"
#include "routing/state/redis_store.hpp"
#include "routing/state/sqlite_database.hpp"
#include "tests/faults/audit.hpp"

namespace {

namespace json = boost::json;
using namespace usher;

json::object as_json(const faults::Findings& found) {
  json::array messages, commands, assignments, differences, remarks;
  for (const auto& id : found.messages) messages.push_back(json::value(id.text()));
  for (const auto& [agent, id] : found.commands) commands.push_back({json::value(agent.text()), json::value(id.text())});
  for (const auto& [id, agent] : found.assignments)
    assignments.push_back({json::value(id.text()), json::value(agent.text())});
  for (const auto& difference : found.differences) differences.push_back(json::value(difference));
  for (const auto& remark : found.remarks) remarks.push_back(json::value(remark));
  json::object assigned;
  for (const auto& [id, agent] : found.assigned) assigned[id.text()] = agent.text();
  return {{"records", found.records},
          {"unreadable", found.unreadable},
          {"epoch", found.position.epoch},
          {"offset", found.position.offset},
          {"messages", std::move(messages)},
          {"commands", std::move(commands)},
          {"assigned", std::move(assigned)},
          {"assignments", std::move(assignments)},
          {"assigned_twice", found.assigned_twice},
          {"stale_writes", found.stale_writes},
          {"sightings", found.sightings},
          {"effects_lost", found.effects_lost},
          {"remarks", std::move(remarks)},
          {"state_differs", !found.differences.empty()},
          {"differences", std::move(differences)}};
}

int refuse(const std::string& why) {
  std::puts(json::serialize(json::object{{"problem", why}}).c_str());
  return 65;
}

message::Result<faults::Findings> audit(const std::filesystem::path& folder) {
  // Only what is there is looked at: an open would make an empty one.
  if (!std::filesystem::exists(folder / "usher.db")) return message::fail(message::Fault::not_found, "there is no usher.db");
  const message::SystemClock clock;
  auto database = state::SqliteDatabase::open(folder, clock);
  if (!database) return database.error();
  faults::Audit audit((*database)->journal(), (*database)->store());
  return audit.run();
}

message::Result<faults::Sightings> read_sightings(const std::string& file) {
  std::ifstream in(file);
  if (!in) return message::fail(message::Fault::not_found, "cannot read " + file);
  faults::Sightings sightings;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    message::Offset offset = message::offset_none;
    faults::Sighting seen;
    std::string high, low;
    words >> seen.epoch >> offset >> seen.digest.count >> std::setw(16) >> high >> std::setw(16) >> low;
    if (!words) return message::fail(message::Fault::malformed, "no sighting: " + line);
    seen.digest.sum = {std::stoull(high, nullptr, 16), std::stoull(low, nullptr, 16)};
    sightings.emplace(offset, seen);
  }
  return sightings;
}

std::string first_line(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

message::Result<faults::Findings> audit_servers(char** words) {
  auto sightings = read_sightings(words[6]);
  if (!sightings) return sightings.error();
  journal::KafkaOptions kafka;
  kafka.brokers = words[1];
  kafka.topic_prefix = words[2];
  auto opened = journal::KafkaJournal::open(kafka, message::Milliseconds(10'000));
  if (!opened) return opened.error();
  const std::string address = words[3];
  const auto colon = address.rfind(':');
  state::RedisOptions redis;
  redis.host = address.substr(0, colon);
  redis.port = static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1)));
  redis.key_prefix = words[4];
  redis.user = "usher";
  redis.password = first_line(words[5]);
  const auto store = state::RedisStore::open(redis);
  if (!store) return store.error();
  faults::Audit audit(**opened, **store, std::move(*sightings));
  return audit.run();
}

}  // namespace

int main(int count, char** words) {
  if (count != 2 && count != 7) {
    std::fputs("usage: usher_audit FOLDER | BROKERS TOPIC-PREFIX HOST:PORT KEY-PREFIX PASSWORD-FILE SIGHTINGS\n", stderr);
    return 64;
  }
  try {
    const auto found = count == 2 ? audit(words[1]) : audit_servers(words);
    if (!found) return refuse(found.error().detail);
    std::puts(json::serialize(as_json(*found)).c_str());
    return 0;
  } catch (const std::exception& error) {
    return refuse(error.what());
  }
}
