// MIME by GMime. What GMime allocates for is counted first, its tree is walked without recursion, and every object is
// given back by Held.
#include "connectors/email/mime_reader.hpp"

#include <gmime/gmime.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "connectors/email/body_choice.hpp"
#include "connectors/email/charset.hpp"
#include "connectors/email/email_limits.hpp"
#include "connectors/email/encoded_words.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/loose_fields.hpp"

namespace usher::connectors::email {

namespace {

struct Release {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using Held = std::unique_ptr<T, Release>;

struct FreeOptions {
  void operator()(GMimeParserOptions* options) const { g_mime_parser_options_free(options); }
};
using Options = std::unique_ptr<GMimeParserOptions, FreeOptions>;

Options new_options() {
  static std::once_flag once;
  std::call_once(once, [] {
    g_mime_init();
    // A mail within a mail is a leaf: GMime would parse its address fields on its own, groups by recursion without end.
    for (const char* subtype : {"rfc822", "rfc2822", "global", "news"}) g_mime_object_register_type("message", subtype, GMIME_TYPE_PART);
  });
  return Options(g_mime_parser_options_new());
}

// Takes over a text that GLib allocated.
std::string taken(char* text) {
  const std::string out = text == nullptr ? std::string() : to_utf8(text, "utf-8");
  g_free(text);
  return out;
}

std::string text_of(const char* text) { return text == nullptr ? std::string() : to_utf8(text, "utf-8"); }

// As GMime takes them: blanks may stand before the colon.
bool could_be_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || line.front() == ' ' || line.front() == '\t') return false;
  const std::string_view name = trimmed(line.substr(0, colon));
  return name.find_first_of(" \t") == std::string_view::npos;
}

bool has_many_parameters(std::string_view value) {
  return static_cast<std::size_t>(std::count(value.begin(), value.end(), ';')) > limits::field_parameters_max;
}

// GMime makes an object of every part and field there is; a mail of nothing else would take gigabytes.
bool within_limits(std::string_view body) {
  std::size_t boundaries = 0, delimiters = 0, fields = 0, parameters = 0;
  bool in_header = false, in_field = false;  // From a delimiter to an empty line; from a field to the end of its last line.
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find('\n', at), body.size());
    const std::string_view line = body.substr(at, end - at);
    at = end + 1;
    const bool field = could_be_field(line), goes_on = in_field && !line.empty() && (line.front() == ' ' || line.front() == '\t');
    in_field = field || goes_on;
    if (line.starts_with("--")) ++delimiters, in_header = true;
    else if (trimmed(line).empty() && !goes_on) in_header = false;
    else if (field) ++fields;
    if (!goes_on) parameters = 0;
    // Each parameter of a field is searched for among those before it.
    if (in_header && in_field) parameters += static_cast<std::size_t>(std::count(line.begin(), line.end(), ';'));
    if (parameters > limits::field_parameters_max) return false;
    if ((line.size() < 2'000 || in_field) && contains_nocase(line, "boundary")) ++boundaries;
    if (boundaries > limits::boundary_words_max || delimiters > limits::delimiter_lines_max || fields > limits::field_lines_max) return false;
  }
  return true;
}

// What GMime reads: the fields that say what the body is, as read_header_block() understood them, then the body.
std::string for_gmime(const HeaderList& headers, std::string_view body) {
  std::string out;
  out.reserve(body.size() + 512);
  for (const std::string_view name : {"content-type", "content-transfer-encoding", "content-disposition", "content-id"})
    // RFC 2045 5.2: a type that is none is text.
    if (headers.has(name) && (name != "content-type" || headers.value(name).substr(0, headers.value(name).find(';')).find('/') != std::string_view::npos)) out += std::string(name) + ": " + std::string(headers.value(name)) + "\n";
  out += "\n";
  out += body;
  return out;
}

std::string bytes_of(GMimeStream* stream) {
  const GByteArray* array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
  return {reinterpret_cast<const char*>(array->data), array->len};
}

std::string decoded_content(GMimePart* part) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  if (content == nullptr) return {};
  const Held<GMimeStream> stream(g_mime_stream_mem_new());
  g_mime_data_wrapper_write_to_stream(content, stream.get());
  return bytes_of(stream.get());
}

std::string media_type(GMimeObject* object) {
  GMimeContentType* type = g_mime_object_get_content_type(object);
  return type == nullptr ? "text/plain" : ascii_lower(taken(g_mime_content_type_get_mime_type(type)));
}

std::string parameter(GMimeObject* object, const char* name) {
  GMimeContentType* type = g_mime_object_get_content_type(object);
  return type == nullptr ? std::string() : text_of(g_mime_content_type_get_parameter(type, name));
}

// Encoded words in a quoted name, which RFC 2047 forbids and most programs write. GMime loses those behind one that ends in
// padding, so a field that has more than one is read here.
std::string worded_name(GMimeObject* object) {
  for (const auto& [field, wanted] : {std::pair("Content-Disposition", "filename="), std::pair("Content-Type", "name=")}) {
    GMimeHeader* header = g_mime_header_list_get_header(g_mime_object_get_header_list(object), field);
    const char* raw = header == nullptr ? nullptr : g_mime_header_get_raw_value(header);
    if (raw == nullptr) continue;
    const std::string text = to_utf8(raw, "");
    const std::size_t first = text.find("=?"), second = first == std::string::npos ? first : text.find("=?", text.find("?=", first));
    const auto found = std::search(text.begin(), text.end(), wanted, wanted + std::string_view(wanted).size(), [](char a, char b) { return ascii_lower({&a, 1})[0] == b; });
    if (second == std::string::npos || found == text.end()) continue;
    std::string_view value = trimmed(std::string_view(text).substr(static_cast<std::size_t>(found - text.begin()) + std::string_view(wanted).size()));
    if (!value.starts_with('"') || value.find('"', 1) == std::string_view::npos) continue;
    std::string name = std::string(value.substr(1, value.find('"', 1) - 1));
    std::erase(name, '\r');
    std::replace(name.begin(), name.end(), '\n', ' ');
    return decode_words(name);
  }
  return {};
}

// What GMime leaves out of base64 without its padding: the last two or three digits.
std::string lost_end(GMimePart* part) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  GMimeStream* stream = content == nullptr ? nullptr : g_mime_data_wrapper_get_stream(content);
  if (stream == nullptr || g_mime_part_get_content_encoding(part) != GMIME_CONTENT_ENCODING_BASE64) return {};
  const Held<GMimeStream> copy(g_mime_stream_mem_new());
  g_mime_stream_reset(stream);
  g_mime_stream_write_to_stream(stream, copy.get());
  std::string digits = bytes_of(copy.get());
  if (digits.find('=') != std::string::npos) return {};
  std::erase_if(digits, [](char c) { return !((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/'); });
  return digits.size() % 4 < 2 ? std::string() : loose_base64(std::string_view(digits).substr(digits.size() / 4 * 4));
}

struct Branch {
  GMimeObject* object = nullptr;  // Lives as long as the message.
  std::string parent;             // Type of the multipart it stands in.
  std::size_t depth = 0;
  std::size_t alternative = 0, form = 0;  // As in Leaf.
};

Leaf leaf_of(const Branch& branch) {
  GMimeObject* const object = branch.object;
  Leaf leaf;
  leaf.type = media_type(object);
  leaf.parent = branch.parent;
  leaf.alternative = branch.alternative;
  leaf.form = branch.form;
  leaf.disposition = ascii_lower(text_of(g_mime_object_get_disposition(object)));
  leaf.content_id = text_of(g_mime_object_get_content_id(object));
  if (GMIME_IS_PART(object)) {
    leaf.name = worded_name(object);
    if (leaf.name.empty()) leaf.name = text_of(g_mime_part_get_filename(GMIME_PART(object)));
    leaf.bytes = decoded_content(GMIME_PART(object)) + lost_end(GMIME_PART(object));
    const GMimeContentEncoding encoding = g_mime_part_get_content_encoding(GMIME_PART(object));
    leaf.exact = encoding == GMIME_CONTENT_ENCODING_BASE64 || encoding == GMIME_CONTENT_ENCODING_BINARY || encoding == GMIME_CONTENT_ENCODING_UUENCODE;
  } else if (GMIME_IS_MULTIPART(object)) {
    // No delimiter divides it: what stands before the first one is all there is.
    leaf.bytes = text_of(g_mime_multipart_get_prologue(GMIME_MULTIPART(object))) + text_of(g_mime_multipart_get_epilogue(GMIME_MULTIPART(object)));
  }
  leaf.charset = parameter(object, "charset");
  leaf.flowed = ascii_lower(parameter(object, "format")) == "flowed";
  leaf.joined_without_blank = ascii_lower(parameter(object, "delsp")) == "yes";
  return leaf;
}

// Leaves in the order in which a reader meets them; what lies deeper or further than the limits is left out.
void walk(GMimeObject* root, Mail& mail) {
  BodyChoice choice(mail);
  std::vector<Branch> waiting{{root, "", 0, 0, 0}};
  std::size_t seen = 0, alternatives = 0, forms = 0;
  while (!waiting.empty()) {
    const Branch branch = std::move(waiting.back());
    waiting.pop_back();
    if (++seen > limits::parts_max || branch.depth > limits::depth_max) {
      mail.cut = true;
      continue;
    }
    const bool multipart = GMIME_IS_MULTIPART(branch.object);
    const int count = multipart ? g_mime_multipart_get_count(GMIME_MULTIPART(branch.object)) : 0;
    if (count == 0) {
      choice.take(leaf_of(branch));
      continue;
    }
    const std::string type = media_type(branch.object);
    const bool offers = type == "multipart/alternative";
    const std::size_t alternative = branch.alternative != 0 || !offers ? branch.alternative : ++alternatives;
    for (int i = count - 1; i >= 0; --i)
      waiting.push_back({g_mime_multipart_get_part(GMIME_MULTIPART(branch.object), i), type, branch.depth + 1, alternative, offers ? ++forms : branch.form});
  }
  choice.finish();
}

Held<GMimeMessage> parse(const std::string& bytes) {
  const Options options = new_options();
  const Held<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(bytes.data(), bytes.size()));
  const Held<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  return Held<GMimeMessage>(g_mime_parser_construct_message(parser.get(), options.get()));
}

void show_raw(Mail& mail, std::string_view bytes) {
  mail.unparsed = true;
  mail.cut = mail.cut || bytes.size() > limits::raw_text_bytes_max;
  const std::string text = to_utf8(bytes.substr(0, limits::raw_text_bytes_max), "");
  mail.text = cut_utf8(text, limits::text_bytes_max);
  if (mail.parts.empty()) mail.parts.push_back("text/plain");
}

// A body without its lines of delimiters.
std::string undivided_text(std::string_view body) {
  std::string out;
  const std::string text = to_utf8(body.substr(0, limits::text_bytes_max), "");
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.starts_with("--")) out.append(line).append("\n");
  }
  return std::string(trimmed(out));
}

std::vector<Mailbox> mailboxes(const HeaderList& headers, std::string_view name) {
  std::vector<Mailbox> out;
  for (const auto& field : headers.fields) {
    if (field.name != name) continue;
    auto found = read_mailboxes(field.value);
    // A list that was encoded as a whole. Who wrote a mail is not read so: the check of the sender would have seen nobody.
    if (found.empty() && name != "from" && field.value.find("=?") != std::string::npos) found = read_mailboxes(decode_words(field.value));
    for (auto& mailbox : found)
      if (out.size() < limits::mailboxes_max) out.push_back(std::move(mailbox));
    // Two To fields are one list, cut in two; a second From is somebody else's addition.
    if (name == "from" && !out.empty()) break;
  }
  return out;
}

// `<>`, and what servers write for it: nothing at all, or sendmail's MAILER-DAEMON. What is not understood is no sign of a
// machine.
bool is_null_path(std::string_view value) {
  std::string_view path = trimmed(value);
  if (path.starts_with('<')) path = trimmed(path.substr(1, std::min(path.find('>'), path.size()) - 1));
  return path.empty() || ascii_lower(path) == "mailer-daemon";
}

void read_routing(Mail& mail) {
  const HeaderList& headers = mail.headers;
  mail.from = mailboxes(headers, "from");
  mail.to = mailboxes(headers, "to");
  mail.cc = mailboxes(headers, "cc");
  mail.reply_to = mailboxes(headers, "reply-to");
  for (const std::string_view name : {"delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to"})
    for (const auto& mailbox : mailboxes(headers, name))
      if (std::find(mail.delivered_to.begin(), mail.delivered_to.end(), mailbox.address) == mail.delivered_to.end())
        mail.delivered_to.push_back(mailbox.address);
  if (headers.has("return-path")) {
    const auto path = read_mailboxes(std::string(headers.value("return-path")));
    if (!path.empty() && !path.front().address.empty()) mail.return_path = path.front().address;
    else if (is_null_path(headers.value("return-path"))) mail.return_path = "";
  }
}

// The server's own word: a sender can write any Return-Path, but no envelope that the server did not see.
void read_arrival(Mail& mail, const MailArrival& arrival) {
  if (arrival.sender) mail.return_path = ascii_lower(cut_utf8(*arrival.sender, usher::message::limits::short_field_bytes_max));
  for (const auto& recipient : arrival.recipients) {
    const std::string address = ascii_lower(recipient);
    if (mail.delivered_to.size() >= limits::mailboxes_max) break;
    if (std::find(mail.delivered_to.begin(), mail.delivered_to.end(), address) == mail.delivered_to.end()) mail.delivered_to.push_back(address);
  }
  mail.cut = mail.cut || arrival.cut;
}

void read_headers(Mail& mail) {
  const HeaderList& headers = mail.headers;
  const auto id = read_ids(headers.value("message-id"));
  // A Message-ID that is no id in brackets is still what the sender's program will quote.
  mail.message_id = id.empty() ? std::string(cut_utf8(headers.value("message-id"), 255)) : id.front();
  if (mail.message_id == "<>") mail.message_id.clear();
  mail.in_reply_to = read_ids(headers.value("in-reply-to"));
  mail.references = read_ids(headers.value("references"));
  mail.subject = decode_words(headers.value("subject"));
  mail.date = read_date(std::string(headers.value("date")));
  read_routing(mail);
}

}  // namespace

std::optional<Instant> read_date(const std::string& value) {
  if (value.empty()) return std::nullopt;
  new_options();
  GDateTime* date = g_mime_utils_header_decode_date(mended_date(value).c_str());
  if (date == nullptr) return std::nullopt;
  const Instant at = from_unix_ms(g_date_time_to_unix(date) * 1000);
  g_date_time_unref(date);
  return at;
}

std::vector<Mailbox> read_mailboxes(const std::string& value) {
  std::vector<Mailbox> out;
  // GMime reads groups by recursion.
  if (std::count(value.begin(), value.end(), ':') > static_cast<std::ptrdiff_t>(limits::mailboxes_max)) return out;
  const Options options = new_options();
  const Held<InternetAddressList> list(internet_address_list_parse(options.get(), mended_words(mended_list(value)).c_str()));
  if (list == nullptr) return loose_mailboxes(value);
  const int count = internet_address_list_length(list.get());
  std::vector<InternetAddress*> waiting;
  for (int i = count - 1; i >= 0; --i) waiting.push_back(internet_address_list_get_address(list.get(), i));
  while (!waiting.empty() && out.size() < limits::mailboxes_max) {
    InternetAddress* one = waiting.back();
    waiting.pop_back();
    if (INTERNET_ADDRESS_IS_GROUP(one)) {
      InternetAddressList* members = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(one));
      for (int i = internet_address_list_length(members) - 1; i >= 0; --i) waiting.push_back(internet_address_list_get_address(members, i));
      continue;
    }
    const std::string address = ascii_lower(text_of(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(one))));
    if (address.find('@') == std::string::npos) continue;
    out.push_back({std::string(trimmed(text_of(internet_address_get_name(one)))), address});
  }
  return out.empty() ? loose_mailboxes(value) : out;
}

Mail read_mail(std::string_view bytes, const MailArrival& arrival) {
  Mail mail;
  // Nobody knows what of it does harm, so nothing of it is looked at.
  if (arrival.deadly) {
    mail.cut = arrival.cut;
    show_raw(mail, bytes);
    return mail;
  }
  // Line ends of computers that are gone.
  if (bytes.size() <= limits::mail_bytes_max && bytes.find('\n') == std::string_view::npos && bytes.find('\r') != std::string_view::npos) {
    std::string ended(bytes);
    std::replace(ended.begin(), ended.end(), '\r', '\n');
    return read_mail(ended, arrival);
  }
  HeaderBlock block = read_header_block(bytes.substr(0, limits::mail_bytes_max), "");
  mail.headers = std::move(block.headers);
  mail.headers.cut = block.cut;
  mail.cut = block.cut;
  read_headers(mail);
  read_arrival(mail, arrival);
  const std::string_view body = bytes.substr(std::min(block.body_at, bytes.size()));
  if (mail.headers.fields.empty() || bytes.size() > limits::mail_bytes_max || !within_limits(body) || has_many_parameters(mail.headers.value("content-type")) ||
      has_many_parameters(mail.headers.value("content-disposition"))) {
    show_raw(mail, bytes);
    return mail;
  }
  const Held<GMimeMessage> message = parse(for_gmime(mail.headers, body));
  GMimeObject* root = message == nullptr ? nullptr : g_mime_message_get_mime_part(message.get());
  if (root == nullptr) {
    show_raw(mail, bytes);
    return mail;
  }
  mail.type = media_type(root);
  walk(root, mail);
  // A multipart that says nothing: its parts have no header and no empty line in front.
  if (mail.parts.size() == 1 && mail.type.starts_with("multipart/") && mail.parts.front() == mail.type && mail.text.empty() && mail.html.empty() && mail.files.empty() && mail.report.empty())
    mail.text = undivided_text(body);
  return mail;
}

}  // namespace usher::connectors::email
