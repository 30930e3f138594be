// SendRequest: one record of the outbound stream, as the router writes it (docs/message-format.md). Pure: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "routing/message/ids.hpp"
#include "routing/message/instant.hpp"
#include "routing/message/message.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors {

using namespace usher::message;

inline constexpr std::string_view send_request_type = "usher.message.send.requested.v1";

struct SendRequest {
  MessageId reply;
  ConversationId conversation;
  ConnectorId connector;
  MessageId in_reply_to;
  std::string author_name;
  int attempt = 1;
  std::string text;
  Instant written_at;
  std::vector<Attachment> attachments = {};
};

// malformed names the member.
[[nodiscard]] Result<SendRequest> decode_send_request(std::string_view json);

}  // namespace usher::connectors
