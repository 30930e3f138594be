// Which leaf of a mail is its text, which its HTML, which a file and which a machine's report. Pure: any thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "connectors/email/mail.hpp"

namespace usher::connectors::email {

struct Leaf {
  std::string type;         // Lower case.
  std::string parent;       // Type of the multipart it stands in; "" for the mail itself.
  // The outermost multipart/alternative around it, 0 for none, and which of the forms that are offered there it is part of.
  std::size_t alternative = 0, form = 0;
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

  // Text or HTML in the order of the mail; finish() decides what of it is shown.
  struct Piece {
    std::size_t alternative = 0, form = 0;
    bool html = false;
    std::string text;
  };
  [[nodiscard]] bool has_text() const;
  // A plain text in the same alternative that another form gave, or any form.
  [[nodiscard]] bool is_given(std::size_t alternative, std::size_t but_form) const;
  void join();

  Mail& mail_;
  std::vector<Piece> pieces_;
  std::size_t html_bytes_ = 0;
};

}  // namespace usher::connectors::email
