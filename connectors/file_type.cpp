// File types: one table of signatures, one look at the first kilobyte (security checklist: attachments).
#include "connectors/file_type.hpp"

#include <algorithm>
#include <array>

namespace usher::connectors {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t looked_at = 1024;
constexpr auto unknown = "application/octet-stream"sv;

struct Signature {
  std::size_t at;
  std::string_view bytes;
  std::string_view type;
};

// Formats that name themselves. Where several share a container, see `families`.
constexpr Signature formats[] = {
    {0, "\x89PNG\r\n\x1a\n"sv, "image/png"},
    {0, "\xff\xd8\xff"sv, "image/jpeg"},
    {0, "GIF87a"sv, "image/gif"},
    {0, "GIF89a"sv, "image/gif"},
    {8, "WEBP"sv, "image/webp"},
    {8, "WAVE"sv, "audio/wav"},
    {0, "II*\0"sv, "image/tiff"},
    {0, "MM\0*"sv, "image/tiff"},
    {0, "%PDF-"sv, "application/pdf"},
    {0, "%!PS"sv, "application/postscript"},
    {0, "{\\rtf"sv, "application/rtf"},
    {0, "PK\3\4"sv, "application/zip"},
    {0, "PK\5\6"sv, "application/zip"},
    {0, "\x1f\x8b"sv, "application/gzip"},
    {0, "BZh"sv, "application/x-bzip2"},
    {0, "\xfd\x37zXZ\0"sv, "application/x-xz"},
    {0, "7z\xbc\xaf\x27\x1c"sv, "application/x-7z-compressed"},
    {0, "Rar!\x1a\x07"sv, "application/vnd.rar"},
    {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "application/x-ole-storage"},
    {4, "ftyp"sv, "video/mp4"},
    {0, "OggS"sv, "audio/ogg"},
    {0, "\x1a\x45\xdf\xa3"sv, "video/webm"},
    {0, "fLaC"sv, "audio/flac"},
    {0, "ID3"sv, "audio/mpeg"},
    {0, "\xff\xfb"sv, "audio/mpeg"},
    {0, "#!AMR"sv, "audio/amr"},
};

// What a machine would run.
constexpr Signature programs[] = {
    {0, "\x7f" "ELF"sv, "application/x-executable"},
    {0, "\xfe\xed\xfa\xce"sv, "application/x-mach-binary"},
    {0, "\xfe\xed\xfa\xcf"sv, "application/x-mach-binary"},
    {0, "\xce\xfa\xed\xfe"sv, "application/x-mach-binary"},
    {0, "\xcf\xfa\xed\xfe"sv, "application/x-mach-binary"},
    {0, "\xca\xfe\xba\xbe"sv, "application/java-vm"},
    {0, "\0asm"sv, "application/wasm"},
    {0, "L\0\0\0\1\x14\2\0"sv, "application/x-ms-shortcut"},
    {0, "MSCF\0\0\0\0"sv, "application/vnd.ms-cab-compressed"},
};

// Containers, and how the declared types begin that may be in them.
struct Family {
  std::string_view container;
  std::array<std::string_view, 9> members;
};
constexpr Family families[] = {
    {"application/zip",
     {"application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.", "application/vnd.ms-",
      "application/epub+zip", "application/java-archive", "application/vnd.android.package-archive",
      "application/vnd.apple.", "application/x-iwork-"}},
    {"application/x-ole-storage",
     {"application/msword", "application/vnd.ms-", "application/vnd.visio", "application/x-msi", "application/x-msdownload"}},
    {"video/mp4", {"video/", "audio/", "image/heic", "image/heif", "image/avif"}},
    {"audio/ogg", {"audio/", "video/", "application/ogg"}},
    {"video/webm", {"audio/", "video/"}},
    {"audio/wav", {"audio/"}},
    {"audio/mpeg", {"audio/"}},
    {"application/gzip", {"application/x-gzip", "application/x-tar", "application/x-gtar", "application/x-compressed-tar"}},
    {"image/tiff", {"image/x-"}},
};

// How pages begin, in lower case; the next byte ends the name (WHATWG MIME sniffing, 7.1).
constexpr std::pair<std::string_view, std::string_view> markup[] = {
    {"<!doctype html", "text/html"}, {"<html", "text/html"},   {"<head", "text/html"},    {"<body", "text/html"},
    {"<script", "text/html"},        {"<iframe", "text/html"}, {"<title", "text/html"},   {"<style", "text/html"},
    {"<svg", "image/svg+xml"},       {"<?php", "text/x-php"},  {"<!doctype svg", "image/svg+xml"},
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

template <std::size_t Count>
std::string_view find_in(const Signature (&table)[Count], std::string_view bytes) {
  for (const auto& one : table)
    if (bytes.size() >= one.at && bytes.substr(one.at).starts_with(one.bytes)) return one.type;
  return {};
}

bool begins(std::string_view text, std::string_view name) {
  if (!text.starts_with(name)) return false;
  return text.size() == name.size() || " \t\r\n>/"sv.find(text[name.size()]) != std::string_view::npos;
}

// A page that a browser would act on; "" when it is none.
std::string_view page_type(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const auto first = bytes.find_first_not_of(" \t\r\n\f");
  if (first == std::string_view::npos || bytes[first] != '<') return {};
  const auto text = lower(bytes.substr(first));
  for (const auto& [name, type] : markup)
    if (begins(text, name)) return type;
  const bool wrapped = text.starts_with("<?xml") || text.starts_with("<!--");
  if (!wrapped) return {};
  // What the declaration or the comment is in front of.
  for (const auto& [name, type] : markup)
    if (text.find(name) != std::string::npos) return type == "text/html" && text.starts_with("<?xml") ? "application/xhtml+xml" : type;
  return {};
}

// Programs for DOS and Windows begin with two letters that a text may begin with, too; a text has no NUL after them.
bool is_windows_program(std::string_view bytes) {
  return bytes.starts_with("MZ") && bytes.substr(0, 64).find('\0') != std::string_view::npos;
}

std::string_view dangerous_type(std::string_view bytes) {
  if (is_windows_program(bytes)) return "application/vnd.microsoft.portable-executable";
  if (const auto program = find_in(programs, bytes); !program.empty()) return program;
  if (bytes.starts_with("#!") && !bytes.starts_with("#!AMR")) return "text/x-shellscript";
  return page_type(bytes);
}

bool fits(std::string_view container, std::string_view declared) {
  for (const auto& family : families)
    if (family.container == container)
      return std::any_of(family.members.begin(), family.members.end(), [declared](std::string_view member) {
        return !member.empty() && declared.starts_with(member);
      });
  return false;
}

// Its bytes would say so.
bool shows_itself(std::string_view declared) {
  if (std::any_of(std::begin(formats), std::end(formats), [declared](const auto& one) { return one.type == declared; })) return true;
  constexpr std::string_view more[] = {"image/jpg", "image/heic", "image/avif", "application/x-zip-compressed"};
  return std::find(std::begin(more), std::end(more), declared) != std::end(more);
}

}  // namespace

std::string type_of_file(std::string_view declared, std::string_view bytes) {
  bytes = bytes.substr(0, looked_at);
  const auto name = lower(declared);
  if (const auto dangerous = dangerous_type(bytes); !dangerous.empty()) return std::string(dangerous);
  if (const auto format = find_in(formats, bytes); !format.empty()) return fits(format, name) ? name : std::string(format);
  if (shows_itself(name)) return std::string(unknown);
  if (name.starts_with("text/") && bytes.find('\0') != std::string_view::npos) return std::string(unknown);
  return name;
}

}  // namespace usher::connectors
