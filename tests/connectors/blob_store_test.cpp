// Blobs: what was put is there, whole and under its own tenant only.
#include <catch2/catch.hpp>

#include <fstream>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

#include "connectors/blob_store.hpp"
#include "connectors/signature.hpp"
#include "tests/journal/show_result.hpp"
#include "tests/journal/temporary_folder.hpp"

using namespace usher::connectors;
namespace fs = std::filesystem;

namespace {

const TenantId acme("acme");

fs::path path_of(const fs::path& folder, const TenantId& tenant, const std::string& name) { return folder / tenant.text() / name.substr(0, 2) / name; }

std::size_t files_in(const fs::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) count += entry.is_regular_file() ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a blob is kept byte for byte under its hash, readable by nobody else", "[blobs]") {
  const usher::testing::TemporaryFolder folder;
  BlobStore blobs(folder.path() / "blobs");
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>(i * 31);
  for (const std::string& one : {bytes, std::string(), std::string(1, '\0')}) {
    const std::string name = sha256_hex(one);
    REQUIRE(blobs.put(acme, name, one));
    REQUIRE(blobs.put(acme, name, one));
    CHECK(*blobs.get(acme, name) == one);
    const fs::path path = path_of(folder.path() / "blobs", acme, name);
    REQUIRE(fs::exists(path));
    CHECK((fs::status(path).permissions() & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none);
    CHECK((fs::status(path.parent_path()).permissions() & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none);
  }
  CHECK(files_in(folder.path()) == 3);
}

TEST_CASE("one tenant's blob is not another's", "[blobs]") {
  const usher::testing::TemporaryFolder folder;
  BlobStore blobs(folder.path());
  const std::string name = sha256_hex("x");
  REQUIRE(blobs.put(acme, name, "x"));
  CHECK(blobs.get(TenantId("other"), name).error().fault == Fault::not_found);
}

TEST_CASE("a name that is no hash and a tenant that is no folder lead nowhere", "[blobs]") {
  const usher::testing::TemporaryFolder folder;
  BlobStore blobs(folder.path() / "blobs");
  const std::string name = sha256_hex("x");
  REQUIRE(blobs.put(acme, name, "x"));
  for (const std::string& wrong : {std::string(), std::string("../acme"), name.substr(1), name + "0", "A" + name.substr(1), sha256_hex("y"), std::string("../../../../etc/passwd")})
    CHECK(blobs.get(acme, wrong).error().fault == Fault::not_found);
  for (const char* tenant : {"", "..", "../acme", "a/b", ".writing"}) {
    CHECK(blobs.get(TenantId(tenant), name).error().fault == Fault::not_found);
    CHECK(blobs.put(TenantId(tenant), name, "x").error().fault == Fault::malformed);
  }
}

TEST_CASE("a damaged blob is never handed out", "[blobs]") {
  const usher::testing::TemporaryFolder folder;
  BlobStore blobs(folder.path());
  const std::string name = sha256_hex("whole");
  REQUIRE(blobs.put(acme, name, "whole"));
  std::ofstream(path_of(folder.path(), acme, name), std::ios::binary) << "whale";
  const auto damaged = blobs.get(acme, name);
  REQUIRE(!damaged);
  CHECK(damaged.error().fault == Fault::unavailable);
  std::ofstream(path_of(folder.path(), acme, name), std::ios::binary) << "who";
  REQUIRE(blobs.put(acme, name, "whole"));  // Cut short: written anew.
  CHECK(*blobs.get(acme, name) == "whole");
}

TEST_CASE("a blob that cannot be written is reported and leaves nothing behind", "[blobs]") {
  const usher::testing::TemporaryFolder folder;
  BlobStore blobs(folder.path());
  const std::string name = sha256_hex("x");
  std::ofstream(folder.path() / "acme") << "a file where a folder should be";
  const auto put = blobs.put(acme, name, "x");
  REQUIRE(!put);
  CHECK(put.error().fault == Fault::unavailable);
  CHECK(files_in(folder.path()) == 1);
  fs::remove(folder.path() / "acme");
  CHECK(blobs.put(acme, name, "x"));
}

TEST_CASE("what an interrupted write left is removed at a later start, what another edge is writing is not", "[blobs]") {
  const usher::testing::TemporaryFolder folder;
  { BlobStore first(folder.path()); }
  const auto left = folder.path() / ".writing" / "1-1", under_way = folder.path() / ".writing" / "2-1";
  std::ofstream(left) << "half";
  std::filesystem::last_write_time(left, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  std::ofstream(under_way) << "of another edge";
  BlobStore second(folder.path());
  CHECK_FALSE(std::filesystem::exists(left));
  CHECK(std::filesystem::exists(under_way));
}

TEST_CASE("many threads put the same and different blobs at once", "[blobs]") {
  const usher::testing::TemporaryFolder folder;
  BlobStore blobs(folder.path());
  std::vector<std::thread> threads;
  std::vector<int> failures(8, 0);
  for (std::size_t t = 0; t < failures.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const std::string bytes = "blob " + std::to_string(i);
        if (!blobs.put(acme, sha256_hex(bytes), bytes)) ++failures[t];
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(failures == std::vector<int>(8, 0));
  CHECK(files_in(folder.path()) == 20);
}
