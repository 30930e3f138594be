// usher_audit FOLDER: folds the journal of a stopped data folder and prints what it found as one line of JSON.
// Opens the folder as usherd would, so what a crash left is recovered in it: give it a copy. Exit 65: cannot be read.
#include <boost/json.hpp>
#include <cstdio>
#include <exception>

#include "routing/state/sqlite_database.hpp"
#include "tests/faults/audit.hpp"

namespace {

namespace json = boost::json;
using namespace usher;

json::object as_json(const faults::Findings& found) {
  json::array messages, commands, assignments, differences;
  for (const auto& id : found.messages) messages.push_back(json::value(id.text()));
  for (const auto& [agent, id] : found.commands) commands.push_back({json::value(agent.text()), json::value(id.text())});
  for (const auto& [id, agent] : found.assignments)
    assignments.push_back({json::value(id.text()), json::value(agent.text())});
  for (const auto& difference : found.differences) differences.push_back(json::value(difference));
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

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::fputs("usage: usher_audit FOLDER\n", stderr);
    return 64;
  }
  try {
    const auto found = audit(words[1]);
    if (!found) return refuse(found.error().detail);
    std::puts(json::serialize(as_json(*found)).c_str());
    return 0;
  } catch (const std::exception& error) {
    return refuse(error.what());
  }
}
