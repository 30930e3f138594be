// Which leaf of a mail is its text, which its HTML, which a file and which a machine's report. Pure: any thread.
#pragma once

#include <string>

#include "connectors/email/mail.hpp"

namespace usher::connectors::email {

struct Leaf {
  std::string type;         // Lower case.
  std::string parent;       // Type of the multipart it stands in; "" for the mail itself.
  std::string disposition;  // "attachment", "inline", ... or "".
  std::string name;
  std::string content_id;
  std::string charset;
  std::string bytes;  // Decoded.
  bool exact = false;  // Base64: the bytes are the sender's, line ends and all.
  bool flowed = false, joined_without_blank = false;
};

// Takes the leaves in order, then finish(). Requires: the mail outlives it.
class BodyChoice {
 public:
  explicit BodyChoice(Mail& mail) : mail_(mail) {}
  void take(Leaf leaf);
  void finish();

 private:
  void take_text(const Leaf& leaf);
  void take_html(const Leaf& leaf);
  void take_file(Leaf leaf);

  Mail& mail_;
};

}  // namespace usher::connectors::email
