// redis_cost: what commits, loads and rewrites cost on a server of its own; the figures of docs/redis.md. Prints a table.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <future>

#include "tests/state/redis_server.hpp"

using namespace usher::state;
using Steady = std::chrono::steady_clock;

namespace {

double elapsed_us(Steady::duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

Result<CommitReceipt> wait_for(const std::function<void(CommitDone)>& call) {
  std::promise<Result<CommitReceipt>> answer;
  auto future = answer.get_future();
  call([&answer](const Result<CommitReceipt>& outcome) { answer.set_value(outcome); });
  return future.get();
}

// As one routed message leaves behind: three entities, one text, one effect.
Commit batch(Offset before, int records) {
  Commit commit;
  commit.before = before == 0 ? Position{} : Position{0, before};
  commit.after.position = {0, before + records};
  for (Offset i = before; i < before + records; ++i) {
    const auto key = std::to_string(i % 50'000);
    commit.changes.push_back({"conversation", key, std::string(250, 'c')});
    commit.changes.push_back({"agent", std::to_string(i % 200), std::string(80, 'a')});
    commit.changes.push_back({"seen:20600", key, std::string(32, 's')});
    commit.bodies.push_back(Body{{1, static_cast<std::uint64_t>(i % 50'000)}, static_cast<std::uint32_t>(i / 50'000),
                                 {2, static_cast<std::uint64_t>(i)}, std::string(600, 'b')});
    commit.outbox.push_back(OutboxEntry{i, 0, Stream::events, {"0/" + std::to_string(i) + "/0", "t", std::string(500, 'e')}});
  }
  commit.outbox_done = before - 1;
  return commit;
}

// What the server's process has used so far, from INFO: other programs of the machine do not change it.
double server_cpu_us(const usher::testing::RedisServer& server) {
  const auto info = server.ask({"INFO", "cpu"});
  const auto seconds = [&](const std::string& name) { return std::stod(info.substr(info.find(name) + name.size())); };
  return (seconds("used_cpu_sys:") + seconds("used_cpu_user:")) * 1e6;
}

void commits(const usher::testing::RedisServer& server, RedisStore& store, int records, int rounds, Offset& offset) {
  std::vector<double> times;
  const auto cpu = server_cpu_us(server);
  for (int i = 0; i < rounds; ++i) {
    const auto work = batch(offset, records);
    const auto begin = Steady::now();
    const auto done = wait_for([&](CommitDone answer) { store.commit(work, std::move(answer)); });
    times.push_back(elapsed_us(Steady::now() - begin));
    expect(done.has_value(), "a commit of the measurement succeeds");
    offset += records;
  }
  std::sort(times.begin(), times.end());
  double total = 0;
  for (const auto time : times) total += time;
  std::printf("commit of %3d: median %7.0f us, p99 %7.0f us, %8.0f records/s, %5.1f us of the server a record\n", records,
              times[times.size() / 2], times[times.size() * 99 / 100], records * rounds / total * 1e6,
              (server_cpu_us(server) - cpu) / (records * rounds));
}

void whole_state(RedisStore& store, std::size_t entities, Offset& offset) {
  Rewrite work;
  work.before = Position{0, offset};
  work.after.position = {0, ++offset};
  for (std::size_t i = 0; i < entities; ++i) work.entities.push_back({"conversation", std::to_string(i), std::string(250, 'c')});
  auto begin = Steady::now();
  const auto done = wait_for([&](CommitDone answer) { store.rewrite(std::move(work), std::move(answer)); });
  const auto rewritten = elapsed_us(Steady::now() - begin) / 1e6;
  expect(done.has_value(), "a rewrite of the measurement succeeds");
  begin = Steady::now();
  const auto loaded = store.load(0);
  const auto read = elapsed_us(Steady::now() - begin) / 1e6;
  expect(loaded.has_value() && loaded->entities.size() == entities, "what was rewritten is loaded");
  std::printf("%7zu entities: rewrite %6.2f s, load %6.2f s\n", entities, rewritten, read);
}

}  // namespace

int main() {
  usher::testing::RedisServer server;
  auto options = server.options();
  options.answer_within = std::chrono::seconds(10);
  auto opened = RedisStore::open(options);
  expect(opened.has_value(), "the store opens");
  auto& store = **opened;
  expect(store.initialise(0).has_value(), "a state is begun");
  Offset offset = 0;
  for (const auto& [records, rounds] : {std::pair{1, 20'000}, {16, 4'000}, {64, 1'500}, {256, 400}})
    commits(server, store, records, rounds, offset);
  for (const std::size_t entities : {50'000U, 200'000U, 1'000'000U}) whole_state(store, entities, offset);
  return 0;
}
