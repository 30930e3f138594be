// Uploads of agents; see agent_files.hpp.
#include "daemon/agent_files.hpp"

#include <boost/json/array.hpp>
#include <utility>

#include "connectors/attached_file.hpp"
#include "connectors/blob_store.hpp"
#include "connectors/signature.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"

namespace usher::daemon {

namespace json = boost::json;

namespace {

constexpr std::size_t name_bytes_max = 4096;  // As it comes; what is kept of it is shorter.

const json::string* text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr ? value->if_string() : nullptr;
}

// What stands there, believed only once the proof is compared.
std::optional<Attachment> claimed(const json::object& object) {
  const auto* name = text_of(object, "name");
  const auto* type = text_of(object, "type");
  const auto* sha256 = text_of(object, "sha256");
  const auto* size = object.if_contains("size");
  if (name == nullptr || type == nullptr || sha256 == nullptr || size == nullptr || !size->is_int64() || size->get_int64() < 0)
    return std::nullopt;
  return Attachment{std::string(*name), std::string(*type), static_cast<std::uint64_t>(size->get_int64()), std::string(*sha256), false};
}

}  // namespace

// A key of its own: what another part of the daemon signs with the same secret proves no file.
AgentFiles::AgentFiles(const std::string& key, TenantId tenant, connectors::BlobStore& blobs)
    : key_(connectors::hmac_sha256(key, "files of agents")), tenant_(std::move(tenant)), blobs_(blobs) {}

// Each part with its length before it, so that no two files are spelled alike.
std::string AgentFiles::proof(const AgentId& agent, const Attachment& file) const {
  std::string said;
  for (const std::string& part : {tenant_.text(), agent.text(), file.sha256, std::to_string(file.size), file.type, file.name})
    said += std::to_string(part.size()) + ':' + part;
  return connectors::hex(connectors::hmac_sha256(key_, said));
}

Result<json::object> AgentFiles::keep(const AgentId& agent, std::string_view name, std::string_view type, std::string_view bytes) {
  if (bytes.empty()) return fail(Fault::malformed, "The file is empty.");
  if (bytes.size() > limits::attachment_bytes_max) return fail(Fault::too_large, "The file is too large.");
  if (name.size() > name_bytes_max || !valid_utf8(name)) return fail(Fault::malformed, "name: must be text in UTF-8, and not that long.");
  const auto file = connectors::file_of(name, type, bytes);
  const auto kept = blobs_.put(tenant_, file.sha256, bytes);
  if (!kept) return kept.error();
  return json::object{{"name", file.name}, {"type", file.type}, {"size", file.size}, {"sha256", file.sha256}, {"proof", proof(agent, file)}};
}

Result<std::vector<Attachment>> AgentFiles::named(const AgentId& agent, const json::value& list) const {
  std::vector<Attachment> files;
  if (list.is_null()) return files;
  const auto* items = list.if_array();
  if (items == nullptr) return fail(Fault::malformed, "attachments: a list of files as their upload was answered");
  if (items->size() > limits::attachments_max)
    return fail(Fault::too_large, "attachments: at most " + std::to_string(limits::attachments_max) + " files in a reply");
  for (const auto& item : *items) {
    const auto* object = item.if_object();
    auto file = object != nullptr ? claimed(*object) : std::nullopt;
    const auto* said = object != nullptr ? text_of(*object, "proof") : nullptr;
    if (!file || said == nullptr) return fail(Fault::malformed, "attachments: each needs name, type, size, sha256 and proof, as its upload was answered");
    const bool proven = connectors::equal_secrets(proof(agent, *file), std::string_view(*said));
    const auto there = proven ? blobs_.look_for(tenant_, file->sha256, file->size) : fail(Fault::not_found, "");
    if (!there && there.error().fault != Fault::not_found) return there.error();
    if (!there)
      return fail(Fault::not_found, "attachments: one is no file that you uploaded here; upload it again");
    files.push_back(std::move(*file));
  }
  if (bytes_of(files) > limits::reply_attachments_bytes_max)
    return fail(Fault::too_large, "attachments: over " + std::to_string(limits::reply_attachments_bytes_max) + " bytes together");
  return files;
}

}  // namespace usher::daemon
