// A file of a customer or of an agent.
#include "connectors/attached_file.hpp"

#include <algorithm>

#include "connectors/file_type.hpp"
#include "connectors/signature.hpp"
#include "connectors/text_rules.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

namespace {

constexpr std::size_t file_name_bytes_max = 255;

// U+202A..202E, U+2066..2069, U+200E, U+200F: they make "gpj.exe" read as "exe.jpg".
bool turns_direction(std::string_view three) {
  if (three.size() < 3 || three[0] != '\xe2') return false;
  const auto second = static_cast<unsigned char>(three[1]);
  const auto third = static_cast<unsigned char>(three[2]);
  if (second == 0x80) return third == 0x8e || third == 0x8f || (third >= 0xaa && third <= 0xae);
  return second == 0x81 && third >= 0xa6 && third <= 0xa9;
}

bool is_media_type(std::string_view type) {
  const auto token = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view("!#$&^_.+-").find(c) != std::string_view::npos;
    });
  };
  const std::size_t slash = type.find('/');
  return type.size() <= 127 && slash != std::string_view::npos && token(type.substr(0, slash)) && token(type.substr(slash + 1));
}

}  // namespace

std::string safe_file_name(std::string_view name) {
  name.remove_prefix(name.find_last_of("/\\") + 1);  // npos + 1 is 0.
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (turns_direction(name.substr(i, 3))) {
      i += 2;
      continue;
    }
    const auto byte = static_cast<unsigned char>(name[i]);
    if (byte >= ' ' && byte != 0x7f) out += name[i];
  }
  if (out.size() > file_name_bytes_max) {
    std::size_t end = file_name_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;  // Not within a character.
    out.resize(end);
  }
  if (out.find_first_not_of(". ") == std::string::npos) return "file";
  return out;
}

Attachment file_of(std::string_view name, std::string_view type, std::string_view bytes) {
  const std::string_view declared = is_media_type(type) ? type : "application/octet-stream";
  return Attachment{safe_file_name(name), type_of_file(declared, bytes), bytes.size(), sha256_hex(bytes), false};
}

Result<void> attach_file(Parsed& parsed, Message& message, std::string_view name, std::string_view type,
                         std::string bytes) {
  if (message.attachments.size() == limits::attachments_max) return fail(Fault::too_large, "attachments: too many");
  if (bytes.size() > limits::attachment_bytes_max) return fail(Fault::too_large, "attachments: a file is too large");
  auto text = check_text("attachments.name", name, limits::http_header_bytes_max);
  if (!text) return text.error();

  Attachment file = file_of(name, type, bytes);
  message.parts.push_back(file.type);
  parsed.files.push_back(File{file.name, file.type, std::move(bytes), file.sha256});
  message.attachments.push_back(std::move(file));
  return {};
}

}  // namespace usher::connectors
