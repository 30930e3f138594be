// Attachments inside a message, a reply and what the router writes of one. Internal to those who write the wire form.
#pragma once

#include <string_view>
#include <vector>

#include "routing/message/message.hpp"
#include "routing/message/wire_json.hpp"

namespace usher::message::wire {

// The member `attachments`; absent or null: none. At most limits::attachments_max, each within its limit.
void write_attachments(Writer& out, const std::vector<Attachment>& attachments);
void read_attachments(Reader& in, std::vector<Attachment>& out);

// What the files of one reply hold together is limited, too: too_large where it is not.
void read_reply_attachments(Reader& in, std::vector<Attachment>& out);

}  // namespace usher::message::wire
