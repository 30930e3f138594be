// What a file is, by its first bytes, whatever its sender called it: so that an agent is not told "picture" of a program.
// Only looked at, never parsed; nothing is refused for it, since a customer's message must not be lost over its type.
// Pure: any thread.
#pragma once

#include <string>
#include <string_view>

namespace usher::connectors {

// The media type to keep for a file that was declared as `declared`:
//  - what can be dangerous (programs, scripts, pages) is called what it is;
//  - a known format is called by its name, a member of a family (zip, OLE, ISO media) as declared when that fits;
//  - a type that would have to show itself in the bytes and does not, or a text with NULs: application/octet-stream;
//  - anything else as declared.
[[nodiscard]] std::string type_of_file(std::string_view declared, std::string_view bytes);

}  // namespace usher::connectors
