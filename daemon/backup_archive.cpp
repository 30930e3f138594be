// Backups: what goes in, what may come out.
#include "daemon/backup_archive.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "daemon/backup_manifest.hpp"
#include "daemon/secret_files.hpp"
#include "daemon/tar_file.hpp"
#include "routing/message/instant.hpp"

namespace usher::daemon {
namespace {

namespace files = std::filesystem;

constexpr std::string_view database_name = "usher.db";
constexpr std::string_view manifest_name = "usher-backup.json";

Error from(const files::filesystem_error& error) { return fail(Fault::unavailable, error.what()); }

// usher.db, secret.key, tokens.json, blobs/TENANT/ab/SHA256: nothing else may be written by a restore, whatever an
// archive says, and no name can climb out of the folder.
bool may_restore(const std::string& name) {
  if (name == database_name || name == "secret.key" || name == "tokens.json") return true;
  if (!name.starts_with("blobs/")) return false;
  if (name.size() > 250 || name.find('\\') != std::string::npos) return false;
  int parts = 0;
  for (const auto& part : files::path(name)) {
    if (part.empty() || part == "." || part == ".." || part == "/") return false;
    ++parts;
  }
  return parts == 4;
}

// Held while it lives; the lock that a daemon holds for as long as it runs.
class FolderLock {
 public:
  static Result<FolderLock> take(const files::path& folder) {
    const auto file = folder / "usher.lock";
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return fail(Fault::unavailable, "cannot open " + file.string() + ": " + std::strerror(errno));
    FolderLock lock(descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
      return fail(Fault::conflict, "a daemon is using " + folder.string() + "; stop it first");
    return lock;
  }
  ~FolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

Result<void> check_database(const files::path& file) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, &sqlite3_close);
  std::string verdict;
  const auto keep = [](void* to, int count, char** cells, char**) {
    if (count > 0 && cells[0] != nullptr) *static_cast<std::string*>(to) = cells[0];
    return 0;
  };
  if (code == SQLITE_OK) sqlite3_exec(database.get(), "PRAGMA quick_check(1)", keep, &verdict, nullptr);
  if (verdict == "ok") return {};
  return fail(Fault::malformed, "the backup's database is damaged: " + (verdict.empty() ? "not a database" : verdict));
}

Result<FileSum> unpack(const std::string& name, const TarRead& read, const files::path& to) {
  const auto target = to / name;
  files::create_directories(target.parent_path());
  const int descriptor = ::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return fail(Fault::unavailable, "cannot write " + target.string() + ": " + std::strerror(errno));
  const OpenFile out(::fdopen(descriptor, "wb"));
  RunningSum sum;
  for (;;) {
    const auto chunk = read();
    if (!chunk) return chunk.error();
    if (chunk->empty()) break;
    sum.add(*chunk);
    if (std::fwrite(chunk->data(), 1, chunk->size(), out.get()) != chunk->size())
      return fail(Fault::unavailable, "cannot write " + target.string() + ": " + std::strerror(errno));
  }
  if (std::fflush(out.get()) != 0 || ::fsync(::fileno(out.get())) != 0)
    return fail(Fault::unavailable, "cannot sync " + target.string() + ": " + std::strerror(errno));
  return sum.finish();
}

Result<std::string> read_whole(const TarRead& read) {
  std::string text;
  for (;;) {
    const auto chunk = read();
    if (!chunk) return chunk.error();
    if (chunk->empty()) return text;
    text += *chunk;
  }
}

struct Unpacked {
  FileSums files;
  std::string manifest;
};

// As the bytes were read: what lies in `to` has been judged by nobody yet.
Result<Unpacked> unpack_all(const files::path& file, const files::path& to) {
  Unpacked unpacked;
  const auto done = read_tar(file, [&](const std::string& name, const TarRead& read) -> Result<void> {
    if (name == manifest_name) {
      auto text = read_whole(read);
      if (!text) return text.error();
      unpacked.manifest = std::move(*text);
      return {};
    }
    if (!may_restore(name)) return fail(Fault::malformed, "the backup holds a file that does not belong there: " + name);
    if (unpacked.files.contains(name)) return fail(Fault::malformed, "the backup holds a file twice: " + name);
    auto sum = unpack(name, read, to);
    if (!sum) return sum.error();
    unpacked.files.emplace(name, std::move(*sum));
    return {};
  });
  if (!done) return done.error();
  return unpacked;
}

Result<void> compare_with_list(const Unpacked& unpacked) {
  if (is_manifest_without_list(unpacked.manifest)) return {};
  const auto listed = read_manifest(unpacked.manifest);
  if (!listed) return listed.error();
  return compare_files(*listed, unpacked.files);
}

Result<Unpacked> unpack_checked(const files::path& file, const files::path& to) {
  auto unpacked = unpack_all(file, to);
  if (!unpacked) return unpacked;
  if (unpacked->manifest.empty()) return fail(Fault::malformed, file.string() + " is no backup of Usher, or damaged: no list of files in it");
  const auto compared = compare_with_list(*unpacked);
  if (!compared) return fail(compared.error().fault, file.string() + " cannot be restored: " + compared.error().detail);
  if (!unpacked->files.contains(std::string(database_name)))
    return fail(Fault::malformed, file.string() + " is no backup of Usher: no database in it");
  const auto checked = check_database(to / database_name);
  if (!checked) return checked.error();
  return unpacked;
}

// What a restore replaces goes into one folder beside. Returns its path, or "" when there was nothing.
std::string move_away(const files::path& data_folder) {
  const std::vector<std::string> replaced{"usher.db", "usher.db-wal", "usher.db-shm", "blobs", "secret.key", "tokens.json"};
  const auto away = data_folder / ("before-restore-" + std::to_string(unix_ms(SystemClock().wall())));
  bool any = false;
  for (const auto& name : replaced) {
    if (!files::exists(data_folder / name)) continue;
    if (!any) files::create_directories(away);
    any = true;
    files::rename(data_folder / name, away / name);
  }
  return any ? away.string() : std::string();
}

Result<void> add_blobs(TarWriter& tar, const files::path& data_folder) {
  const auto folder = data_folder / "blobs";
  if (!files::is_directory(folder)) return {};
  for (const auto& entry : files::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const auto name = files::relative(entry.path(), data_folder).string();
    // A blob on its way in has another name; whatever names it is not in the copied database yet.
    if (!may_restore(name) || entry.path().filename().string().size() != 64) continue;
    const auto added = tar.add_file(name, entry.path());
    if (!added) return added;
  }
  return {};
}

Result<void> fill(TarWriter& tar, const files::path& data_folder, const files::path& database) {
  auto added = tar.add_file(std::string(database_name), database);
  for (const auto* name : {"secret.key", "tokens.json"})
    if (added && files::exists(data_folder / name)) added = tar.add_file(name, data_folder / name);
  if (added) added = add_blobs(tar, data_folder);
  if (added) added = tar.add_bytes(std::string(manifest_name), manifest_text(tar.sums()));
  if (added) added = tar.finish();
  return added;
}

}  // namespace

Result<void> write_backup(const files::path& data_folder, const files::path& file,
                          const std::function<Result<void>(const files::path&)>& copy_database) {
  if (files::exists(file)) return fail(Fault::conflict, file.string() + " exists already");
  const auto partial = files::path(file.string() + ".partial");
  const auto copy = files::path(file.string() + ".database");
  std::error_code ignored;
  files::remove(partial, ignored);  // Of a backup that was interrupted.
  files::remove(copy, ignored);
  Result<void> done = fail(Fault::unavailable, "");
  try {
    // The database first: a blob is on disk before any row names it (rule J1), so none can be missing.
    done = copy_database(copy);
    if (done) {
      auto tar = TarWriter::create(partial);
      if (tar) done = fill(*tar, data_folder, copy);
      else done = tar.error();
    }
    if (done) files::rename(partial, file);
  } catch (const files::filesystem_error& error) {
    done = from(error);
  }
  files::remove(copy, ignored);
  if (!done) files::remove(partial, ignored);
  return done;
}

Result<Restored> restore_backup(const files::path& file, const files::path& data_folder) {
  try {
    if (!files::exists(file)) return fail(Fault::not_found, file.string() + " does not exist");
    if (files::create_directories(data_folder)) files::permissions(data_folder, files::perms::owner_all);
    const auto lock = FolderLock::take(data_folder);
    if (!lock) return lock.error();
    const auto beside = data_folder / "restore.partial";
    files::remove_all(beside);
    files::create_directories(beside);
    const auto unpacked = unpack_checked(file, beside);
    if (!unpacked) {
      files::remove_all(beside);
      return unpacked.error();
    }
    Restored restored{unpacked->files.size(), move_away(data_folder), !is_manifest_without_list(unpacked->manifest)};
    for (const auto& entry : files::directory_iterator(beside))
      files::rename(entry.path(), data_folder / entry.path().filename());
    files::remove_all(beside);
    ::sync();  // The renames, too, outlive a power cut from here on.
    return restored;
  } catch (const files::filesystem_error& error) {
    return from(error);
  }
}

}  // namespace usher::daemon
