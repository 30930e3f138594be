// A mail put together again from the pieces into which a provider took it, so that one reader serves every way in. It is read
// by us and kept as the raw mail; nobody sends it. No byte of a piece becomes structure: header values lose their line ends,
// every body is base64. Pure: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/email/mail.hpp"

namespace usher::connectors::email {

struct PieceFile {
  std::string type, name;   // As told; either may be "" or nonsense.
  std::string content_id;   // With or without angle brackets.
  std::string_view bytes;
};

struct MailPieces {
  std::vector<HeaderField> headers;  // In order. Those that describe the body are left out: the body is made anew.
  std::string text, html;            // UTF-8.
  std::vector<PieceFile> files;
};

struct RebuiltMail {
  std::string bytes;
  bool cut = false;  // Something had to be left out, so that the mail stays within email_limits.hpp.
};

[[nodiscard]] RebuiltMail rebuild_mail(const MailPieces& pieces);

}  // namespace usher::connectors::email
