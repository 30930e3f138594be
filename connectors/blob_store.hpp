// BlobStore: files that came with messages or go out with replies, named by what they hold: FOLDER/TENANT/ab/abcdef... (64 hex digits).
// A blob is durable before the record that names it is appended (rule J1). Owns the folder; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "routing/message/ids.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors {

using namespace usher::message;

class BlobStore {
 public:
  // Makes the folder when needed and removes what an interrupted put() left behind.
  explicit BlobStore(std::filesystem::path folder);

  // On success file and folders are fsynced. Idempotent. Requires: `sha256` is that of `bytes`.
  // unavailable: nothing under that name was changed.
  [[nodiscard]] Result<void> put(const TenantId& tenant, const std::string& sha256, std::string_view bytes);
  // not_found also for names that are no names; unavailable when the file cannot be read or is not what its name says.
  [[nodiscard]] Result<std::string> get(const TenantId& tenant, const std::string& sha256) const;
  // A file of that name and size is there; what it holds is not looked at. not_found: it is not; unavailable: nobody can
  // say now, as when a shared folder does not answer.
  [[nodiscard]] Result<void> look_for(const TenantId& tenant, const std::string& sha256, std::uint64_t size) const;

 private:
  std::filesystem::path folder_;  // Constant after construction.
};

}  // namespace usher::connectors
