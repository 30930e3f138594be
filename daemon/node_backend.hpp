// Backend: where a node's journal, tracked state and leases are. Embedded: one database in the data folder, and nobody
// to share with. Servers: Kafka and Redis, and a lease for whatever only one process may do.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "routing/journal/journal.hpp"
#include "routing/state/leases.hpp"
#include "routing/state/state_store.hpp"

namespace usher::daemon {

using namespace usher::message;

class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual journal::Journal& journal() = 0;
  [[nodiscard]] virtual state::StateStore& store() = 0;
  // Null: this process is the only one there is.
  [[nodiscard]] virtual state::Leases* leases() = 0;
  // What an acknowledgement is worth here, in words, and what it is not worth though it might be (rule J3).
  [[nodiscard]] virtual std::string durability() const = 0;
  [[nodiscard]] virtual std::vector<std::string> weaknesses() const = 0;
  // Retention of a journal that has nobody else to do it: records with smaller offsets go. `conflict`: the servers have
  // retention of their own.
  [[nodiscard]] virtual Result<void> erase_before(journal::Stream stream, Partition partition, Offset offset) = 0;
  // A consistent copy under that name. `conflict`: the servers have backups of their own.
  [[nodiscard]] virtual Result<void> backup(const std::filesystem::path& file) = 0;
};

// What is written in the settings. Takes the data folder for this process alone. `conflict`: another process uses the
// folder. `unavailable`: a server did not answer within limits::servers_within, or is not as it must be; said in the log
// meanwhile. `malformed`: a damaged database. The clock outlives the backend.
[[nodiscard]] Result<std::unique_ptr<Backend>> open_backend(const config::Settings& settings,
                                                            const std::filesystem::path& data_folder, const Clock& clock,
                                                            bool writes = true);
// The second half of it. Requires: both servers are in the settings. `writes`: false for a process without a router, which
// only reads the tracked state and may use a user that can do no more (docs/redis.md).
[[nodiscard]] Result<std::unique_ptr<Backend>> open_servers(const config::Settings& settings,
                                                            const std::filesystem::path& data_folder, bool writes = true);

[[nodiscard]] inline bool on_servers(const config::Settings& settings) { return settings.kafka && settings.redis; }

}  // namespace usher::daemon
