// What files are called, by the first bytes of real ones.
#include "connectors/file_type.hpp"

#include <catch2/catch.hpp>

#include "connectors/catalog.hpp"
#include "tests/connectors/samples.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;
using namespace std::string_view_literals;

namespace {

const auto png = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0"sv;
const auto jpeg = "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1"sv;
const auto gif = "GIF89a\1\0\1\0\x80\0\0"sv;
const auto webp = "RIFF\x24\0\0\0WEBPVP8 "sv;
const auto pdf = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"sv;
const auto docx = "PK\3\4\x14\0\6\0\x08\0\0\0!\0\x62\xee\x9d\x68"sv;
const auto doc = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0"sv;
const auto heic = "\0\0\0\x18" "ftypheic\0\0\0\0"sv;
const auto windows = "MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0\xb8\0\0\0"sv;
const auto elf = "\x7f" "ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0>\0"sv;
const auto mach = "\xcf\xfa\xed\xfe\7\0\0\1"sv;
const auto java = "\xca\xfe\xba\xbe\0\0\0\x34"sv;
const auto shortcut = "L\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46"sv;

std::string text_file(std::string_view declared) { return type_of_file(declared, "Hello, Gr\xc3\xb6\xc3\x9f" "e\n"); }

}  // namespace

TEST_CASE("a file that is what it says keeps its type", "[files]") {
  const std::pair<std::string_view, std::string_view> honest[] = {
      {"image/png", png},   {"image/jpeg", jpeg},        {"image/gif", gif}, {"image/webp", webp}, {"application/pdf", pdf},
      {"image/heic", heic}, {"application/msword", doc}, {"application/vnd.ms-outlook", doc},      {"application/zip", docx},
      {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", docx},
      {"application/vnd.oasis.opendocument.text", docx}};
  for (const auto& [declared, bytes] : honest) {
    INFO(declared);
    CHECK(type_of_file(declared, bytes) == declared);
  }
  for (const auto* declared : {"text/plain", "text/csv", "text/calendar", "application/json", "message/rfc822", "application/x-own"}) {
    INFO(declared);
    CHECK(text_file(declared) == declared);
  }
}

TEST_CASE("a program or a page is called what it is, whatever it says", "[files]") {
  const std::pair<std::string_view, std::string_view> dangerous[] = {
      {windows, "application/vnd.microsoft.portable-executable"},
      {elf, "application/x-executable"},
      {mach, "application/x-mach-binary"},
      {java, "application/java-vm"},
      {shortcut, "application/x-ms-shortcut"},
      {"\0asm\1\0\0\0"sv, "application/wasm"},
      {"#!/bin/sh\nrm -rf ~\n", "text/x-shellscript"},
      {"<!DOCTYPE html>\n<p>", "text/html"},
      {"\xef\xbb\xbf \r\n<HTML><body>", "text/html"},
      {"<script>alert(1)</script>", "text/html"},
      {"<!-- a comment --><html>", "text/html"},
      {"<svg onload=alert(1)>", "image/svg+xml"},
      {"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\">", "image/svg+xml"},
      {"<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\">", "application/xhtml+xml"},
      {"<?php system($_GET[1]);", "text/x-php"}};
  for (const auto* declared : {"image/png", "application/pdf", "text/plain", "application/octet-stream", "audio/amr"})
    for (const auto& [bytes, type] : dangerous) {
      INFO(declared << ' ' << type);
      CHECK(type_of_file(declared, bytes) == type);
    }
}

TEST_CASE("a known format is called by its name, and a type that its bytes do not show is not believed", "[files]") {
  CHECK(type_of_file("application/octet-stream", png) == "image/png");
  CHECK(type_of_file("image/png", jpeg) == "image/jpeg");
  CHECK(type_of_file("IMAGE/PNG", png) == "image/png");
  CHECK(type_of_file("image/jpg", jpeg) == "image/jpeg");
  CHECK(type_of_file("application/pdf", docx) == "application/zip");
  CHECK(type_of_file("image/png", doc) == "application/x-ole-storage");
  for (const auto* declared : {"image/png", "image/jpeg", "application/pdf", "application/zip", "video/mp4"}) {
    INFO(declared);
    CHECK(text_file(declared) == "application/octet-stream");
    CHECK(type_of_file(declared, "") == "application/octet-stream");
  }
  CHECK(type_of_file("text/plain", "a\0b"sv) == "application/octet-stream");
}

TEST_CASE("texts that only look like something else stay texts", "[files]") {
  for (const std::string_view text : {"MZ Motorcycles, Zschopau", "<b>not a page</b>", "<scripture>", "< html", "a <script>", "#hash tag", "BM"}) {
    INFO(text);
    CHECK(type_of_file("text/plain", text) == "text/plain");
  }
  CHECK(type_of_file("text/plain", "") == "text/plain");
  CHECK(type_of_file("audio/amr", "#!AMR\n") == "audio/amr");
  CHECK(type_of_file("text/xml", "<?xml version=\"1.0\"?><order/>") == "text/xml");
  // Only the first kilobyte is looked at.
  CHECK(type_of_file("text/plain", std::string(2'000, 'x') + '\0') == "text/plain");
}

TEST_CASE("a form's files arrive under the type that their bytes show", "[files][webform]") {
  const auto parsed = webform_connector.parse(
      sample_instance(webform_connector),
      multipart({text_part("message", "x"), file_part("f", "holiday.png", "image/png", windows), file_part("f", "a.bin", "", pdf)}));
  REQUIRE(parsed);
  const auto& message = parsed->messages.front();
  REQUIRE(message.attachments.size() == 2);
  CHECK(message.attachments[0].name == "holiday.png");
  CHECK(message.attachments[0].type == "application/vnd.microsoft.portable-executable");
  CHECK(message.attachments[1].type == "application/pdf");
  CHECK(message.parts[1] == message.attachments[0].type);
  CHECK(parsed->files[0].type == message.attachments[0].type);
}
