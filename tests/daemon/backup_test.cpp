// Backups: what goes in comes out, and nothing else ever does.
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "daemon/backup_archive.hpp"
#include "daemon/tar_file.hpp"
#include "tests/daemon/scratch_folder.hpp"
#include "tests/message/show_result.hpp"

using namespace usher::daemon;

namespace {

const std::string blob_name = "blobs/acme/ab/ab" + std::string(62, '0');

Result<void> small_database(const std::filesystem::path& file) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, "CREATE TABLE words(word); INSERT INTO words VALUES('kept')", nullptr, nullptr, nullptr) ==
          SQLITE_OK);
  sqlite3_close(database);
  return {};
}

// A folder as a daemon leaves it, and a backup of it.
struct Installation {
  ScratchFolder folder;
  std::filesystem::path data = folder.path() / "data";
  std::filesystem::path backup = folder.path() / "backup.tar";

  Installation() {
    folder.write("data/secret.key", std::string(32, 'k'));
    folder.write("data/admin.token", "operator");
    folder.write("data/tokens.json", "{}");
    folder.write("data/" + blob_name, std::string(100'000, 'b'));
    folder.write("data/blobs/acme/ab/half-written.tmp", "no blob yet");
    REQUIRE(write_backup(data, backup, small_database));
  }
};

void write_tar(const std::filesystem::path& file, const std::vector<std::pair<std::string, std::string>>& members) {
  auto tar = TarWriter::create(file);
  REQUIRE(tar);
  for (const auto& [name, bytes] : members) REQUIRE(tar->add_bytes(name, bytes));
  REQUIRE(tar->finish());
}

}  // namespace

TEST_CASE("a backup restores the database, the files, the key and the tokens, but not the operator's token", "[backup]") {
  const Installation old;
  const auto fresh = old.folder.path() / "fresh";
  const auto restored = restore_backup(old.backup, fresh);
  REQUIRE(restored);
  CHECK(restored->files == 4);
  CHECK(restored->moved_to.empty());
  CHECK(old.folder.read("fresh/" + blob_name) == std::string(100'000, 'b'));
  CHECK(old.folder.read("fresh/secret.key") == std::string(32, 'k'));
  CHECK(old.folder.read("fresh/usher.db").starts_with("SQLite format 3"));
  CHECK_FALSE(std::filesystem::exists(fresh / "admin.token"));
  CHECK_FALSE(std::filesystem::exists(fresh / "blobs/acme/ab/half-written.tmp"));
  CHECK_FALSE(std::filesystem::exists(fresh / "restore.partial"));
}

TEST_CASE("equal installations make equal backups, and a backup never overwrites one", "[backup]") {
  const Installation one;
  CHECK(std::filesystem::exists(one.backup));
  const auto again = write_backup(one.data, one.backup, small_database);
  REQUIRE_FALSE(again);
  CHECK(again.error().fault == Fault::conflict);
  REQUIRE(write_backup(one.data, one.folder.path() / "second.tar", small_database));
  CHECK(one.folder.read("second.tar") == one.folder.read("backup.tar"));
}

TEST_CASE("a backup that fails half way leaves no file behind", "[backup]") {
  const Installation one;
  const auto target = one.folder.path() / "failed.tar";
  CHECK_FALSE(write_backup(one.data, target, [](const auto&) { return Result<void>(fail(Fault::unavailable, "disk")); }));
  for (const auto& entry : std::filesystem::directory_iterator(one.folder.path()))
    CHECK_FALSE(entry.path().filename().string().starts_with("failed.tar"));
}

TEST_CASE("what a restore replaces is moved aside, not deleted", "[backup]") {
  const Installation one;
  one.folder.write("data/usher.db", "the database of today");
  const auto restored = restore_backup(one.backup, one.data);
  REQUIRE(restored);
  REQUIRE_FALSE(restored->moved_to.empty());
  const std::filesystem::path away = restored->moved_to;
  CHECK(one.folder.read(std::filesystem::relative(away, one.folder.path()).string() + "/usher.db") == "the database of today");
  CHECK(one.folder.read("data/admin.token") == "operator");
  CHECK(one.folder.read("data/usher.db").starts_with("SQLite format 3"));
}

TEST_CASE("a restore under a running daemon is refused and touches nothing", "[backup]") {
  const Installation one;
  one.folder.write("data/usher.db", "in use");
  const int lock = ::open((one.data / "usher.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(::flock(lock, LOCK_EX | LOCK_NB) == 0);
  const auto refused = restore_backup(one.backup, one.data);
  ::close(lock);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().fault == Fault::conflict);
  CHECK(one.folder.read("data/usher.db") == "in use");
}

TEST_CASE("a backup cut short or altered anywhere in its heads is refused and changes nothing", "[backup]") {
  const Installation one;
  one.folder.write("data/usher.db", "before");
  const auto whole = one.folder.read("backup.tar");
  const auto refused = [&](const std::string& bytes) {
    one.folder.write("damaged.tar", bytes);
    const auto restored = restore_backup(one.folder.path() / "damaged.tar", one.data);
    return !restored && restored.error().fault == Fault::malformed && one.folder.read("data/usher.db") == "before";
  };
  for (std::size_t keep : {std::size_t{0}, std::size_t{100}, std::size_t{512}, whole.size() / 2, whole.size() - 1024}) {
    INFO(keep);
    CHECK(refused(whole.substr(0, keep)));
  }
  auto altered = whole;
  altered[130] = '7';  // The size of the first member.
  CHECK(refused(altered));
  auto database = whole;
  for (std::size_t i = 512; i < 512 + 4096; ++i) database[i] = 'x';
  CHECK(refused(database));
}

TEST_CASE("no archive writes outside the folder or anything but an installation's files", "[backup]") {
  const Installation one;
  for (const auto* name : {"../escaped", "/tmp/escaped", "blobs/../../escaped", "blobs/acme/ab/../../../escaped", "blobs/a/b",
                           "usher.lock", "admin.token", "blobs/acme/ab/cd/deep", ""}) {
    INFO(name);
    const auto file = one.folder.path() / "evil.tar";
    std::filesystem::remove(file);
    write_tar(file, {{name, "x"}, {"usher-backup.json", "{}"}});
    const auto restored = restore_backup(file, one.folder.path() / "target");
    REQUIRE_FALSE(restored);
    CHECK(restored.error().fault == Fault::malformed);
    CHECK_FALSE(std::filesystem::exists(one.folder.path() / "escaped"));
  }
}

TEST_CASE("long names survive a tar file", "[backup]") {
  const ScratchFolder folder;
  const auto name = "blobs/" + std::string(64, 't') + "/ab/" + std::string(64, 'a');
  write_tar(folder.path() / "long.tar", {{name, "bytes"}, {"empty", ""}});
  std::vector<std::string> names;
  REQUIRE(read_tar(folder.path() / "long.tar", [&](const std::string& found, const TarRead& read) -> Result<void> {
    names.push_back(found + "=" + *read());
    return {};
  }));
  CHECK(names == std::vector<std::string>{name + "=bytes", "empty="});
}
