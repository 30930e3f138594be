// SqliteDatabase: journal and state of an embedded Usher in one file, FOLDER/usher.db, and the lock that makes this
// process the only one to use it. What is synced when, and how to look inside: docs/storage.md.
#pragma once

#include <filesystem>
#include <memory>

#include "routing/journal/journal.hpp"
#include "routing/state/sqlite_options.hpp"
#include "routing/state/state_store.hpp"

namespace usher::state {

class SqliteDatabase {
 public:
  // Creates the folder and the file when they are not there. `conflict`: another process uses the folder; the detail is
  // a sentence for the operator. `malformed`: the file is not one of this Usher's. The clock outlives the database.
  [[nodiscard]] static Result<std::unique_ptr<SqliteDatabase>> open(const std::filesystem::path& folder,
                                                                    const Clock& clock, SqliteOptions options = {});
  // Finishes what was handed in, empties the log into the database, gives the folder back. Requires: nobody reads any
  // more, and the caller is not a `done`.
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  [[nodiscard]] journal::Journal& journal();
  [[nodiscard]] StateStore& store();

  // Retention: records with smaller offsets are erased. Waits; not from a `done`.
  [[nodiscard]] Result<void> erase_before(Stream stream, Partition partition, Offset offset);

  // A consistent copy of the database as of now, durable under that name when this returns; replaces the file. Safe
  // while running; any thread.
  [[nodiscard]] Result<void> backup(const std::filesystem::path& file);

 private:
  struct Parts;
  explicit SqliteDatabase(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace usher::state
