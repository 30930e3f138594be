// The list of a backup's files as JSON. Reading is strict: no changed byte that means something passes.
#include "daemon/backup_manifest.hpp"

#include <boost/json.hpp>
#include <optional>

namespace usher::daemon {
namespace {

namespace json = boost::json;

constexpr std::int64_t manifest_version = 2;

std::optional<std::pair<std::string, FileSum>> read_file(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr || object->size() != 3) return std::nullopt;
  const auto* name = object->if_contains("name");
  const auto* size = object->if_contains("size");
  const auto* sha256 = object->if_contains("sha256");
  if (name == nullptr || size == nullptr || sha256 == nullptr) return std::nullopt;
  if (!name->is_string() || !size->is_int64() || size->get_int64() < 0 || !sha256->is_string()) return std::nullopt;
  return std::pair{std::string(name->get_string()),
                   FileSum{static_cast<std::uint64_t>(size->get_int64()), std::string(sha256->get_string())}};
}

}  // namespace

std::string manifest_text(const FileSums& files) {
  json::array list;
  for (const auto& [name, sum] : files) list.push_back(json::object{{"name", name}, {"size", sum.size}, {"sha256", sum.sha256}});
  return json::serialize(json::object{{"v", manifest_version}, {"files", std::move(list)}}) + "\n";
}

bool is_manifest_without_list(std::string_view text) { return text == "{\"v\":1}\n"; }

Result<FileSums> read_manifest(std::string_view text) {
  const auto damaged = fail(Fault::malformed, "its list of files is damaged");
  json::error_code wrong;
  const auto parsed = json::parse({text.data(), text.size()}, wrong);
  const auto* root = wrong ? nullptr : parsed.if_object();
  const auto* version = root == nullptr ? nullptr : root->if_contains("v");
  if (version == nullptr || !version->is_int64()) return damaged;
  if (version->get_int64() > manifest_version)
    return fail(Fault::malformed, "its list of files has form " + json::serialize(*version) + ", of a later build of Usher");
  const auto* list = root->if_contains("files");
  if (version->get_int64() != manifest_version || list == nullptr || !list->is_array()) return damaged;
  FileSums files;
  for (const auto& value : list->get_array()) {
    auto file = read_file(value);
    if (!file || !files.insert(std::move(*file)).second) return damaged;
  }
  return files;
}

Result<void> compare_files(const FileSums& listed, const FileSums& found) {
  for (const auto& [name, sum] : listed) {
    const auto file = found.find(name);
    if (file == found.end()) return fail(Fault::malformed, name + " is missing");
    if (file->second != sum) return fail(Fault::malformed, name + " is damaged: its size or SHA-256 is not the one it had");
  }
  for (const auto& [name, sum] : found)
    if (!listed.contains(name)) return fail(Fault::malformed, name + " is not in its list of files");
  return {};
}

}  // namespace usher::daemon
