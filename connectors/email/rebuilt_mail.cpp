// Rebuilding: header lines as they were told, parts in base64.
#include "connectors/email/rebuilt_mail.hpp"

#include <algorithm>
#include <array>

#include "connectors/email/charset.hpp"
#include "connectors/email/email_limits.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/header_text.hpp"
#include "connectors/email/mail_body.hpp"

namespace usher::connectors::email {

namespace {

// In base64 with its line ends, and room for the part's header.
std::size_t part_bytes(std::size_t bytes) { return bytes / 57 * 78 + 2'048; }

// "=_" stands in no base64 line, so no part can hold a delimiter.
constexpr std::string_view outer = "=_outer", inner = "=_inner";

bool is_field_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~' && c != ':'; });
}

// One line, whatever it holds: a field ends where we end it.
std::string one_line(std::string_view value) {
  std::string out(value);
  std::replace_if(out.begin(), out.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return out;
}

std::string header_of(const std::vector<HeaderField>& fields, bool& cut) {
  std::string out;
  for (const HeaderField& field : fields) {
    const std::string name = ascii_lower(field.name);
    if (!is_field_name(name) || name.starts_with("content-") || name == "mime-version") continue;
    if (out.size() + name.size() + field.value.size() + 8 > limits::header_block_bytes_max - 1'024) {
      cut = true;
      break;
    }
    out += field.name + ": " + one_line(field.value) + "\r\n";
  }
  return out;
}

// A report stays one, since what its parts mean depends on it (RFC 6522).
std::string outer_type(const std::vector<HeaderField>& fields) {
  for (const HeaderField& field : fields) {
    if (ascii_lower(field.name) != "content-type" || !starts_with_nocase(trimmed(field.value), "multipart/report")) continue;
    for (const std::string_view kind : {"delivery-status", "disposition-notification", "feedback-report"})
      if (contains_nocase(field.value, kind)) return "multipart/report; report-type=" + std::string(kind);
  }
  return "multipart/mixed";
}

std::string text_part(std::string_view type, std::string_view text) {
  return "Content-Type: " + std::string(type) + "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_lines(text);
}

std::string delimiter(std::string_view boundary) { return "--" + std::string(boundary) + "\r\n"; }

std::string body_part(const MailPieces& pieces, bool& cut) {
  const std::string_view text = cut_utf8(pieces.text, limits::mail_bytes_max / 8), html = cut_utf8(pieces.html, limits::mail_bytes_max / 4);
  cut = cut || text.size() < pieces.text.size() || html.size() < pieces.html.size();
  if (html.empty()) return text_part("text/plain", text);
  if (text.empty()) return text_part("text/html", html);
  return "Content-Type: multipart/alternative; boundary=\"" + std::string(inner) + "\"\r\n\r\n" + delimiter(inner) + text_part("text/plain", text) +
         delimiter(inner) + text_part("text/html", html) + "--" + std::string(inner) + "--\r\n";
}

// A multipart within would be read as structure.
std::string type_of_piece(std::string_view told) {
  const std::string type = ascii_lower(told);
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view("!#$&^_.+-/").find(c) != std::string_view::npos; };
  const bool good = type.size() <= 127 && std::count(type.begin(), type.end(), '/') == 1 && type.front() != '/' && type.back() != '/' &&
                    std::all_of(type.begin(), type.end(), plain) && !type.starts_with("multipart/");
  return good ? type : "application/octet-stream";
}

std::string file_part(const PieceFile& file, bool report) {
  const std::string type = type_of_piece(file.type);
  std::string out = "Content-Type: " + type + "\r\n";
  if (!report || (!type.starts_with("message/") && type != "text/rfc822-headers"))
    out += header_field("Content-Disposition", HeaderText::list({HeaderText::constant("attachment"), HeaderText::file_parameter(file.name)}, ""));
  std::string_view id = trimmed(file.content_id);
  if (id.starts_with('<') && id.ends_with('>') && id.size() > 2) id = id.substr(1, id.size() - 2);
  if (const auto field = HeaderText::id(id)) out += header_field("Content-ID", *field);
  return out + "Content-Transfer-Encoding: base64\r\n\r\n" + base64_lines(file.bytes);
}

}  // namespace

RebuiltMail rebuild_mail(const MailPieces& pieces) {
  RebuiltMail mail;
  mail.bytes = header_of(pieces.headers, mail.cut) + "MIME-Version: 1.0\r\n";
  if (pieces.files.empty()) {
    mail.bytes += body_part(pieces, mail.cut);
    return mail;
  }
  const std::string type = outer_type(pieces.headers);
  mail.bytes += "Content-Type: " + type + "; boundary=\"" + std::string(outer) + "\"\r\n\r\n";
  if (!pieces.text.empty() || !pieces.html.empty()) mail.bytes += delimiter(outer) + body_part(pieces, mail.cut);
  for (const PieceFile& file : pieces.files) {
    if (mail.bytes.size() + part_bytes(file.bytes.size()) > limits::mail_bytes_max) {
      mail.cut = true;
      continue;
    }
    mail.bytes += delimiter(outer) + file_part(file, type != "multipart/mixed");
  }
  mail.bytes += "--" + std::string(outer) + "--\r\n";
  return mail;
}

}  // namespace usher::connectors::email
