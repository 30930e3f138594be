// Backups: what goes in comes out, and nothing else ever does.
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>

#include "daemon/backup_archive.hpp"
#include "daemon/backup_manifest.hpp"
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

using Members = std::vector<std::pair<std::string, std::string>>;

void write_tar(const std::filesystem::path& file, const Members& members) {
  auto tar = TarWriter::create(file);
  REQUIRE(tar);
  for (const auto& [name, bytes] : members) REQUIRE(tar->add_bytes(name, bytes));
  REQUIRE(tar->finish());
}

Members members_of(const std::filesystem::path& file) {
  Members members;
  REQUIRE(read_tar(file, [&](const std::string& name, const TarRead& read) -> Result<void> {
    members.emplace_back(name, "");
    for (auto chunk = read(); chunk.has_value() && !chunk->empty(); chunk = read()) members.back().second += *chunk;
    return {};
  }));
  return members;
}

// What lies in a folder, but for the lock, which holds nothing.
std::map<std::string, std::string> contents_of(const ScratchFolder& scratch, const std::filesystem::path& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const auto name = std::filesystem::relative(entry.path(), scratch.path()).string();
    if (entry.path().filename() != "usher.lock") contents[name] = entry.is_regular_file() ? scratch.read(name) : "/";
  }
  return contents;
}

// The sentence with which an archive of these members is refused; "" when it was restored or something was touched.
std::string refusal_of(const Installation& one, const Members& members) {
  const auto file = one.folder.path() / "changed.tar";
  std::filesystem::remove(file);
  write_tar(file, members);
  const auto before = contents_of(one.folder, one.data);
  const auto restored = restore_backup(file, one.data);
  if (restored.has_value() || restored.error().fault != Fault::malformed) return "";
  return contents_of(one.folder, one.data) == before ? restored.error().detail : "";
}

}  // namespace

TEST_CASE("a backup restores the database, the files, the key and the tokens, but not the operator's token", "[backup]") {
  const Installation old;
  const auto fresh = old.folder.path() / "fresh";
  const auto restored = restore_backup(old.backup, fresh);
  REQUIRE(restored);
  CHECK(restored->files == 4);
  CHECK(restored->verified);
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

TEST_CASE("one changed byte in any file of a backup is refused and changes nothing", "[backup]") {
  const Installation one;
  one.folder.write("data/usher.db", "before");
  const auto whole = members_of(one.backup);
  REQUIRE(whole.size() == 5);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const auto& [name, bytes] = whole[i];
    for (const std::size_t at : {std::size_t{0}, bytes.size() / 2, bytes.size() - 2}) {
      INFO(name << " at " << at);
      auto changed = whole;
      changed[i].second[at] ^= 1;
      const auto refusal = refusal_of(one, changed);
      CHECK(refusal.find("cannot be restored: ") != std::string::npos);
      if (name != "usher-backup.json") CHECK(refusal.find(name + " is damaged") != std::string::npos);
    }
  }
}

TEST_CASE("no single byte of a backup's list of files can be changed into one that is believed", "[backup]") {
  const Installation one;
  const auto list = members_of(one.backup).back().second;
  const auto files = read_manifest(list);
  REQUIRE(files.has_value());
  CHECK(files->size() == 4);
  CHECK(files->at(blob_name).size == 100'000);
  // The last byte ends the line and says nothing.
  for (std::size_t at = 0; at + 1 < list.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = list;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      INFO(changed);
      const auto listed = read_manifest(changed);
      CHECK_FALSE((is_manifest_without_list(changed) || (listed.has_value() && compare_files(*listed, *files).has_value())));
    }
  }
}

TEST_CASE("a backup that lacks a file, or holds one more or one twice, is refused and changes nothing", "[backup]") {
  const Installation one;
  one.folder.write("data/usher.db", "before");
  const auto whole = members_of(one.backup);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    INFO(whole[i].first);
    auto lacking = whole;
    lacking.erase(lacking.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(refusal_of(one, lacking).find(whole[i].first == "usher-backup.json" ? "no list" : whole[i].first + " is missing") !=
          std::string::npos);
    auto twice = whole;
    twice.insert(twice.begin(), whole[i]);
    if (whole[i].first != "usher-backup.json") CHECK(refusal_of(one, twice).find("twice: " + whole[i].first) != std::string::npos);
  }
  const auto other = "blobs/acme/cd/cd" + std::string(62, '0');
  auto more = whole;
  more.insert(more.begin(), {other, "of another"});
  CHECK(refusal_of(one, more).find(other + " is not in its list") != std::string::npos);
  auto later = whole;
  later.back().second = R"({"v":3,"files":[]})";
  CHECK(refusal_of(one, later).find("later build") != std::string::npos);
}

TEST_CASE("a backup of an earlier build, without a list of its files, is restored and told to be unverified", "[backup]") {
  const Installation one;
  auto earlier = members_of(one.backup);
  earlier.back().second = "{\"v\":1}\n";
  const auto file = one.folder.path() / "earlier.tar";
  write_tar(file, earlier);
  const auto restored = restore_backup(file, one.folder.path() / "fresh");
  REQUIRE(restored.has_value());
  CHECK(restored->files == 4);
  CHECK_FALSE(restored->verified);
  CHECK(one.folder.read("fresh/" + blob_name) == std::string(100'000, 'b'));
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
