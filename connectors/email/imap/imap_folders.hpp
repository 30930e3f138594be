// What a server says of its folders: STATUS (RFC 3501), NAMESPACE (RFC 2342) and LIST. Nothing depends on such an answer alone,
// so one that breaks the grammar is OtherReply and no end of the connection. Pure.
#pragma once

#include "connectors/email/imap/imap_reply.hpp"
#include "connectors/email/imap/imap_scanner.hpp"

namespace usher::connectors::email::imap {

// STATUS, NAMESPACE and LIST, from behind that name; none: it is another one.
[[nodiscard]] std::optional<Reply> read_folders(const std::string& name, Scanner& scanner);

// A folder's name as that server spells it, when it has no folder of the name as it stands: below the personal prefix. The same name:
// the prefix is in it already, or it belongs to others, or to all. `name`: in the server's spelling.
[[nodiscard]] std::string below_prefix(const NamespaceReply& prefixes, const std::string& name);

}  // namespace usher::connectors::email::imap
