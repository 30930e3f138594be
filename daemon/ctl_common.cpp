// The small things that every subcommand of usherctl needs.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "daemon/ctl.hpp"
#include "daemon/secret_files.hpp"

namespace usher::daemon {

Exit complain(const Error& error) {
  std::fprintf(stderr, "usherctl: %s\n", error.detail.c_str());
  switch (error.fault) {
    case Fault::malformed:
    case Fault::not_found:
    case Fault::too_large: return Exit::data;
    case Fault::unauthorised: return Exit::refused;
    case Fault::conflict:
    case Fault::overloaded: return Exit::temporary;
    case Fault::unavailable: return Exit::unavailable;
  }
  return Exit::internal;
}

Result<std::string> read_input(const std::string& file) {
  if (!file.empty() && file != "-") return read_small_file(file);
  return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
}

std::string percent_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) out += c;
    else out.append(1, '%').append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
  return out;
}

}  // namespace usher::daemon
