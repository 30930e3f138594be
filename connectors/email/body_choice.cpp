// The choice of a body: RFC 2046 for alternatives, RFC 6522 for reports, and for the rest what mail programs show.
#include "connectors/email/body_choice.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "connectors/email/bounce_forms.hpp"
#include "connectors/email/charset.hpp"
#include "connectors/email/email_limits.hpp"
#include "connectors/email/flowed_text.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/html_text.hpp"

namespace usher::connectors::email {

namespace {

constexpr std::array<std::string_view, 10> report_types{
    "message/delivery-status",       "message/global-delivery-status", "message/disposition-notification", "message/feedback-report", "text/rfc822-headers",
    "message/global-disposition-notification", "message/global-headers", "message/rfc822", "message/global", "message/rfc822-headers"};

// Of a mail that no server sent, a report is what the multipart says is one; else a person sent along a file.
bool is_report_part(const Mail& mail, const Leaf& leaf) {
  const auto found = std::find(report_types.begin(), report_types.end(), leaf.type);
  if (found == report_types.end()) return false;
  // A mail within a mail is a file that a person sent along, unless a report returns it.
  const bool returned = leaf.type == "message/rfc822" || leaf.type == "message/global";
  if (leaf.parent == "multipart/report") return true;
  return !returned && (has_null_path(mail) || is_from_server(mail));
}

bool says_nothing(std::string_view text) { return trimmed(text).empty(); }

void append_text(std::string& text, std::string_view more, bool& cut) {
  if (says_nothing(more)) return;
  if (!text.empty()) text += text.ends_with('\n') ? "\n" : "\n\n";
  const std::size_t room = limits::text_bytes_max - std::min(limits::text_bytes_max, text.size());
  if (more.size() > room) cut = true;
  text += cut_utf8(more, room);
}

std::string without_blanks(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') out += c;
  return out;
}

constexpr std::size_t any_form = static_cast<std::size_t>(-1);

}  // namespace

void BodyChoice::take(Leaf leaf) {
  mail_.parts.push_back(leaf.type);
  const bool offered = leaf.disposition == "attachment";
  if (is_report_part(mail_, leaf)) {
    // Reports of servers are read whatever type the whole claims to have: gateways rewrite it.
    if (leaf.bytes.size() > limits::report_part_bytes_max) mail_.cut = true;
    mail_.report.push_back({leaf.type, leaf.bytes.substr(0, limits::report_part_bytes_max)});
    if (offered && leaf.type == "message/rfc822") take_file(std::move(leaf));
  } else if (offered || (leaf.type == "text/plain" && !leaf.name.empty() && has_text())) {
    take_file(std::move(leaf));
  } else if (leaf.type == "text/plain") {
    take_text(leaf);
  } else if (leaf.type == "text/html" && leaf.name.empty()) {
    take_html(leaf);
  } else if (!leaf.type.starts_with("multipart/")) {
    take_file(std::move(leaf));
  } else if (!says_nothing(leaf.bytes)) {
    // A multipart that no delimiter divides: its text is better than nothing.
    take_text(leaf);
  }
}

bool BodyChoice::has_text() const {
  return std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return !says_nothing(piece.text); });
}

bool BodyChoice::is_given(std::size_t alternative, std::size_t but_form) const {
  return alternative != 0 && std::any_of(pieces_.begin(), pieces_.end(), [&](const Piece& piece) {
           return !piece.html && piece.alternative == alternative && piece.form != but_form;
         });
}

void BodyChoice::take_text(const Leaf& leaf) {
  std::string text = with_plain_ends(to_utf8(leaf.bytes, leaf.charset));
  if (leaf.flowed) text = unflow(text, leaf.joined_without_blank);
  if (says_nothing(text) || is_given(leaf.alternative, leaf.form)) return;  // Another form of what is there.
  pieces_.push_back({leaf.alternative, leaf.form, false, std::move(text)});
}

void BodyChoice::take_html(const Leaf& leaf) {
  std::string html = to_utf8(leaf.bytes, leaf.charset);
  // The last form is the best: RFC 2046 5.1.4.
  if (leaf.alternative != 0)
    std::erase_if(pieces_, [&](const Piece& piece) {
      const bool worse = piece.html && piece.alternative == leaf.alternative && piece.form != leaf.form;
      if (worse) html_bytes_ -= piece.text.size();
      return worse;
    });
  const std::string_view kept = cut_utf8(html, limits::html_bytes_max - html_bytes_);
  if (kept.size() < html.size()) mail_.cut = true;
  html.resize(kept.size());
  html_bytes_ += html.size();
  pieces_.push_back({leaf.alternative, leaf.form, true, std::move(html)});
}

void BodyChoice::take_file(Leaf leaf) {
  const bool offered = leaf.disposition == "attachment";
  const bool nameless = leaf.name.empty();
  // CRLF between lines of text is the mail's, not the file's (RFC 2049 4).
  if (leaf.type.starts_with("text/") && !leaf.exact) leaf.bytes = with_plain_ends(leaf.bytes);
  mail_.files.push_back({std::move(leaf.type), std::move(leaf.name), std::move(leaf.content_id), std::move(leaf.bytes), !offered && nameless});
}

// Plain text goes before the HTML that says the same; HTML that nothing else says is part of the text where it stands.
void BodyChoice::join() {
  std::set<std::string> said;
  for (const Piece& piece : pieces_)
    if (!piece.html) said.insert(without_blanks(piece.text));
  for (const Piece& piece : pieces_) {
    if (!piece.html) {
      append_text(mail_.text, piece.text, mail_.cut);
      continue;
    }
    mail_.html += piece.text;
    if (is_given(piece.alternative, any_form)) continue;
    const std::string text = html_to_text(piece.text);
    // Programs that call alternatives a mixture send the same text twice.
    if (!said.contains(without_blanks(text))) append_text(mail_.text, text, mail_.cut);
  }
}

void BodyChoice::finish() {
  join();
  // Each looks through the whole HTML; more files than these are not shown within a text.
  for (auto& file : std::span(mail_.files).first(std::min<std::size_t>(mail_.files.size(), 64)))
    if (!file.content_id.empty() && mail_.html.find("cid:" + file.content_id) != std::string::npos) file.inline_part = true;
}

}  // namespace usher::connectors::email
