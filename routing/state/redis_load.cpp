// A whole state at one moment. Up to some ten thousand entities are asked for in one go, more in pages, so that nobody else
// waits for long; the position before and after tells whether the answers belong to one moment. When a live owner keeps
// committing, the last attempt is a transaction, for which the server stands still.
#include <algorithm>
#include <utility>

#include "routing/state/redis_limits.hpp"
#include "routing/state/redis_reads.hpp"

namespace usher::state {

namespace {

struct Frame {
  StoredMeta meta;
  std::vector<std::string> tables;
};

class Loading {
 public:
  Loading(RedisLine& line, const RedisKeys& keys, RedisDeadline deadline)
      : line_(line), keys_(keys), deadline_(deadline) {}

  // None: the state changed meanwhile.
  Result<std::optional<Loaded>> attempt(bool last) {
    const auto frame = read_frame();
    if (!frame) return frame.error();
    loaded_ = {};
    const bool small = frame->meta.entities <= redis_limits::load_at_once_max;
    const auto same = last || small ? read_at_once(*frame, last) : read_in_pages(*frame);
    if (!same) return same.error();
    if (!*same) return std::optional<Loaded>();
    std::sort(loaded_.entities.begin(), loaded_.entities.end());
    // A page may repeat what an earlier one had, when the hash table grew or shrank before.
    loaded_.entities.erase(std::unique(loaded_.entities.begin(), loaded_.entities.end()), loaded_.entities.end());
    return std::optional(std::move(loaded_));
  }

 private:
  Result<Frame> read_frame() {
    auto meta = read_meta(line_, keys_, deadline_);
    if (!meta) return meta.error();
    if (!*meta) return fail(Fault::not_found, "the partition has no state");
    const auto found = line_.ask(RedisCommand{"HKEYS", keys_.tables((*meta)->generation)}, deadline_);
    if (!found) return found.error();
    return Frame{std::move(**meta), names(found->view())};
  }

  static std::vector<std::string> names(RedisView list) {
    std::vector<std::string> found;
    for (std::size_t i = 0; i < list.size(); ++i) found.emplace_back(list.at(i).text());
    std::sort(found.begin(), found.end());
    return found;
  }

  // All questions in one go. Without a transaction others may come in between, which the last answer tells; and a server
  // without memory, which takes no transaction, is read all the same.
  Result<bool> read_at_once(const Frame& frame, bool transaction) {
    const auto& generation = frame.meta.generation;
    std::vector<RedisCommand> commands;
    if (transaction) commands.push_back(RedisCommand{"MULTI"});
    commands.push_back(RedisCommand{"HGETALL", keys_.meta()});
    commands.push_back(RedisCommand{"HKEYS", keys_.tables(generation)});
    commands.push_back(RedisCommand{"HGETALL", keys_.outbox(generation)});
    for (const auto& table : frame.tables) commands.push_back(RedisCommand{"HGETALL", keys_.table(generation, table)});
    commands.push_back(RedisCommand{"HGETALL", keys_.meta()});
    if (transaction) commands.push_back(RedisCommand{"EXEC"});
    const auto replies = line_.ask_all(commands, deadline_);
    if (!replies) return replies.error();
    for (const auto& reply : *replies)
      if (reply.is_error()) return server_error(reply.view().text());
    std::vector<RedisView> parts;
    if (!transaction)
      for (const auto& reply : *replies) parts.push_back(reply.view());
    else
      for (std::size_t i = 0; i < replies->back().view().size(); ++i) parts.push_back(replies->back().view().at(i));
    if (parts.size() != frame.tables.size() + 4) return fail(Fault::unavailable, "Redis gave up a transaction");
    for (const auto& part : parts)
      if (part.is_error()) return server_error(part.text());
    return take_parts(frame, parts);
  }

  Result<bool> take_parts(const Frame& frame, const std::vector<RedisView>& parts) {
    const auto before = decode_meta(parts.front());
    const auto after = decode_meta(parts.back());
    if (!before) return before.error();
    if (!after) return after.error();
    // A commit that only trims the outbox leaves the position as it is.
    const bool quiet = *before && *after && **before == **after;
    // Commits since the frame was read do not matter as long as the same tables are there.
    if (!quiet || (*before)->generation != frame.meta.generation || names(parts[1]) != frame.tables)
      return false;
    loaded_.meta = (*after)->meta;
    if (const auto added = add_outbox(parts[2], **after); !added) return added.error();
    for (std::size_t i = 0; i < frame.tables.size(); ++i) add_entities(frame.tables[i], parts[i + 3]);
    return true;
  }

  Result<bool> read_in_pages(const Frame& frame) {
    for (const auto& table : frame.tables) {
      std::string cursor = "0";
      do {
        const auto page = line_.ask(RedisCommand{"HSCAN", keys_.table(frame.meta.generation, table), cursor, "COUNT",
                                                 std::to_string(redis_limits::load_page)},
                                    deadline_);
        if (!page) return page.error();
        if (page->view().size() != 2) return fail(Fault::unavailable, "Redis answers HSCAN in a form of its own");
        cursor = page->view().at(0).text();
        add_entities(table, page->view().at(1));
      } while (cursor != "0");
    }
    const auto outbox = line_.ask(RedisCommand{"HGETALL", keys_.outbox(frame.meta.generation)}, deadline_);
    if (!outbox) return outbox.error();
    const auto fields = line_.ask(RedisCommand{"HGETALL", keys_.meta()}, deadline_);
    if (!fields) return fields.error();
    const auto meta = decode_meta(fields->view());
    if (!meta) return meta.error();
    loaded_.meta = frame.meta.meta;
    if (!*meta || **meta != frame.meta) return false;
    if (const auto added = add_outbox(outbox->view(), frame.meta); !added) return added.error();
    return true;
  }

  void add_entities(const std::string& table, RedisView fields) {
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
      loaded_.entities.push_back({table, std::string(fields.at(i).text()), std::string(fields.at(i + 1).text())});
  }

  Result<void> add_outbox(RedisView fields, const StoredMeta& meta) {
    auto outbox = decode_outbox(fields, meta);
    if (!outbox) return outbox.error();
    loaded_.outbox = std::move(*outbox);
    return {};
  }

  RedisLine& line_;
  const RedisKeys& keys_;
  const RedisDeadline deadline_;
  Loaded loaded_;
};

}  // namespace

Result<Loaded> read_state(RedisLine& line, const RedisKeys& keys, Milliseconds answer_within) {
  Loading loading(line, keys, RedisDeadline::in(redis_limits::large_answer_within, answer_within));
  for (int attempt = 1; attempt <= redis_limits::load_attempts_max; ++attempt) {
    auto loaded = loading.attempt(attempt == redis_limits::load_attempts_max);
    if (!loaded) return loaded.error();
    if (*loaded) return std::move(**loaded);
  }
  return fail(Fault::unavailable, "the state changed whenever it was read");
}

}  // namespace usher::state
