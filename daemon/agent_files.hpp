// AgentFiles: files that agents upload and then name in replies. An upload is kept as a blob and answered with a proof, which the
// reply brings back: a code over agent, file and installation, so that nobody has to remember uploads, any desk that shares
// the key can check one, and an agent can send only what that agent uploaded, under the name and type it was taken with.
//
// Journey: POST /v1/blobs -> [keep]; reply -> [named] -> journal. Any thread.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "routing/message/message.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors {
class BlobStore;
}

namespace usher::daemon {

using namespace usher::message;

class AgentFiles {
 public:
  // `key`: secret, the same for as long as proofs are to hold. `blobs` outlives it.
  AgentFiles(const std::string& key, TenantId tenant, connectors::BlobStore& blobs);

  // On disk when it returns (rule J1): what a reply is to repeat, {"name","type","size","sha256","proof"}. malformed,
  // too_large; unavailable: nothing was kept.
  [[nodiscard]] Result<boost::json::object> keep(const AgentId& agent, std::string_view name, std::string_view type,
                                                 std::string_view bytes);
  // The `attachments` of a reply. not_found: one is none that this agent uploaded, or it is gone; malformed, too_large;
  // unavailable: whether it is there cannot be said now.
  [[nodiscard]] Result<std::vector<Attachment>> named(const AgentId& agent, const boost::json::value& list) const;

 private:
  [[nodiscard]] std::string proof(const AgentId& agent, const Attachment& file) const;

  std::string key_;
  TenantId tenant_;
  connectors::BlobStore& blobs_;
};

}  // namespace usher::daemon
