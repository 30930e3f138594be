// Load and its audit.
#include "tests/state/sqlite_load.hpp"

#include <sqlite3.h>

#include <latch>
#include <memory>

namespace usher::testing {

using namespace usher::state;

namespace {

Commit commit_to(Position before, Offset offset, std::uint64_t early_losses) {
  const auto text = std::to_string(offset);
  Commit commit;
  commit.before = before;
  commit.after.position = {0, offset};
  commit.early_losses = early_losses;
  commit.changes = {{"t", "k", text}};
  commit.bodies = {Body{{1, 1}, static_cast<std::uint32_t>(offset), {2, static_cast<std::uint64_t>(offset)}, text}};
  commit.outbox = {{offset, 0, Stream::outbound, {"0/" + text + "/0", "t", text}}};
  return commit;
}

std::string integrity(const std::filesystem::path& file) {
  sqlite3* database = nullptr;
  std::string answer = "cannot be opened";
  if (sqlite3_open(file.c_str(), &database) == SQLITE_OK)
    sqlite3_exec(
        database, "PRAGMA integrity_check",
        [](void* into, int, char** columns, char**) {
          *static_cast<std::string*>(into) = columns[0];
          return 0;
        },
        &answer, nullptr);
  sqlite3_close(database);
  return answer;
}

// The state is the one its position says, and everything up to the acknowledged position is in it.
std::string compare_state(SqliteDatabase& database, Offset acknowledged) {
  auto meta = database.store().load_meta(0);
  if (!meta || !*meta) return acknowledged == offset_none ? "" : "the state is gone";
  const auto position = (*meta)->position.offset;
  if (position < acknowledged)
    return "the state is at " + std::to_string(position) + ", acknowledged was " + std::to_string(acknowledged);
  if (position == offset_none) return "";
  if (database.store().entity(0, "t", "k").value() != std::to_string(position)) return "half of a commit is there";
  if (!database.store().body(0, {2, static_cast<std::uint64_t>(position)}).value()) return "a body is missing";
  const auto published = database.journal().bounds(Stream::outbound, 0).value();
  if (published.end != position + 1) return "the outbox is not what the state says";
  return "";
}

}  // namespace

int run_load(SqliteDatabase& database, Account& account, int rounds, int appends, bool stop_when_refused) {
  static int number = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto refused_before = account.refused;
    const auto losses = database.journal().early_losses();
    auto meta = database.store().load_meta(0);
    const auto before = meta && *meta ? (*meta)->position : Position{offset_none, offset_none};
    std::latch answered(appends + 1);
    const auto submit = [&] {
      // Of varying size, so that pages overflow and the log grows by whole steps.
      ++number;
      const auto value = std::to_string(number) + std::string(static_cast<std::size_t>(number % 37) * 40, 'x');
      database.journal().append(Stream::inbound, 0, {std::to_string(number), "t", value},
                                [&, value](const auto& outcome) {
                                  {
                                    const std::lock_guard lock(account.mutex);
                                    if (outcome)
                                      account.appended[outcome->offset] = value;
                                    else
                                      ++account.refused;
                                  }
                                  answered.count_down();
                                });
    };
    for (int i = 0; i < appends / 2; ++i) submit();
    const auto next = before.offset + 1;
    database.store().commit(commit_to(before, next, losses), [&](const auto& outcome) {
      {
        const std::lock_guard lock(account.mutex);
        if (outcome)
          account.committed = next;
        else
          ++account.refused;
      }
      answered.count_down();
    });
    for (int i = appends / 2; i < appends; ++i) submit();
    answered.wait();
    if (stop_when_refused && account.refused != refused_before) return round;
  }
  return rounds;
}

std::string compare_after_restart(const std::filesystem::path& folder, const Account& account) {
  // The index of the log is shared memory; it does not outlive the machine.
  std::filesystem::remove(folder / "usher.db-shm");
  FakeClock clock;
  auto database = SqliteDatabase::open(folder, clock);
  if (!database) return database.error().detail;
  for (const auto& [offset, value] : account.appended) {
    auto found = (*database)->journal().read(Stream::inbound, 0, offset, 1);
    if (!found) return found.error().detail;
    if (found->empty() || found->front().offset != offset) return "record " + std::to_string(offset) + " is gone";
    if (found->front().entry.value != value) return "record " + std::to_string(offset) + " is another";
  }
  if (auto wrong = compare_state(**database, account.committed); !wrong.empty()) return wrong;
  database->reset();
  const auto sound = integrity(folder / "usher.db");
  return sound == "ok" ? "" : sound;
}

}  // namespace usher::testing
