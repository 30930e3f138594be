// Attachments to JSON and back: name, type, size and the blob that holds the bytes. The bytes themselves are in no record.
#include "routing/message/wire_attachments.hpp"

#include "routing/message/wire.hpp"

namespace usher::message {

namespace wire {

namespace {

void write(Writer& out, const Attachment& attachment) {
  out.begin_object();
  out.text("name", attachment.name);
  out.text("type", attachment.type);
  out.number("size", static_cast<std::int64_t>(attachment.size));
  out.text("sha256", attachment.sha256);
  out.flag("inline", attachment.inline_part);
  out.end_object();
}

void read(Reader& in, Attachment& attachment) {
  in.text("name", attachment.name);
  in.text("type", attachment.type);
  std::int64_t size = 0;
  in.integer("size", size, 0, std::numeric_limits<std::int64_t>::max());
  attachment.size = static_cast<std::uint64_t>(size);
  if (attachment.size > limits::attachment_bytes_max)
    in.refuse("size", "over " + std::to_string(limits::attachment_bytes_max), Fault::too_large);
  in.text("sha256", attachment.sha256);
  if (in.ok() && !is_sha256(attachment.sha256)) in.refuse("sha256", "must be 64 lower-case hexadecimal digits");
  in.flag_if_any("inline", attachment.inline_part);
}

}  // namespace

void write_attachments(Writer& out, const std::vector<Attachment>& attachments) {
  out.list("attachments", attachments, [&](const Attachment& one) { write(out, one); });
}

void read_attachments(Reader& in, std::vector<Attachment>& out) {
  in.objects("attachments", Need::optional, limits::attachments_max, [&](Reader& item) { read(item, out.emplace_back()); });
}

void read_reply_attachments(Reader& in, std::vector<Attachment>& out) {
  read_attachments(in, out);
  if (in.ok() && bytes_of(out) > limits::reply_attachments_bytes_max)
    in.refuse("attachments", "over " + std::to_string(limits::reply_attachments_bytes_max) + " bytes together", Fault::too_large);
}

}  // namespace wire

std::uint64_t bytes_of(const std::vector<Attachment>& attachments) {
  std::uint64_t bytes = 0;
  for (const Attachment& one : attachments) bytes += one.size;
  return bytes;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<std::vector<Attachment>> decode_reply_attachments(std::string_view json) {
  std::vector<Attachment> attachments;
  wire::Document document;
  const auto root = document.parse(json);
  if (!root) return root.error();
  const wire::Place place;
  wire::Problem problem;
  wire::Reader in(**root, place, problem);
  wire::read_reply_attachments(in, attachments);
  if (problem.found()) return problem.error();
  return attachments;
}

}  // namespace usher::message
