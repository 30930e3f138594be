// The embedded backend, and the choice between the two.
#include "daemon/node_backend.hpp"

#include "routing/state/sqlite_database.hpp"

namespace usher::daemon {
namespace {

class EmbeddedBackend final : public Backend {
 public:
  explicit EmbeddedBackend(std::unique_ptr<state::SqliteDatabase> database) : database_(std::move(database)) {}
  [[nodiscard]] journal::Journal& journal() override { return database_->journal(); }
  [[nodiscard]] state::StateStore& store() override { return database_->store(); }
  [[nodiscard]] state::Leases* leases() override { return nullptr; }
  [[nodiscard]] std::string durability() const override {
    return "one machine: acknowledged after fsync to its disk, no replica";
  }
  [[nodiscard]] std::vector<std::string> weaknesses() const override { return {}; }
  [[nodiscard]] Result<void> erase_before(journal::Stream stream, Partition partition, Offset offset) override {
    return database_->erase_before(stream, partition, offset);
  }
  [[nodiscard]] Result<void> backup(const std::filesystem::path& file) override { return database_->backup(file); }

 private:
  std::unique_ptr<state::SqliteDatabase> database_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_backend(const config::Settings& settings, const std::filesystem::path& data_folder,
                                              const Clock& clock, bool writes) {
  if (on_servers(settings)) return open_servers(settings, data_folder, writes);
  auto opened = state::SqliteDatabase::open(data_folder, clock);
  if (!opened) return opened.error();
  return std::unique_ptr<Backend>(std::make_unique<EmbeddedBackend>(std::move(*opened)));
}

}  // namespace usher::daemon
