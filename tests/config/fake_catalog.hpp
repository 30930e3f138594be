// A catalog of two connector types for these tests: one with every kind of key, one with secrets. Also the shortest
// file that is right, to which cases add their lines from line 4 on.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"

namespace usher::config::test {

inline constexpr Key form_keys[] = {
    {"origins", Kind::list, false, "", "Web sites that may post."},
    {"fields", Kind::map, false, "{text: message}", "Names of the form's fields."},
    {"honeypot", Kind::text, false, "website", "A field that people do not see."},
    {"redirect_to", Kind::list, false, "[]", "Pages to go on to."},
    {"per_address_per_minute", Kind::number, false, "30", "Inputs of one address."},
    {"wait", Kind::duration, false, "90s", "A time."},
    {"cors", Kind::flag, false, "true", "A flag."},
};
inline constexpr Key program_keys[] = {
    {"token", Kind::secret, true, "", "What callers present."},
    {"webhook_url", Kind::url, false, "", "Where replies go."},
    {"webhook_secret", Kind::secret, false, "", "What signs them."},
};

inline std::optional<std::span<const Key>> keys_of(std::string_view type) {
  if (type == "webform") return std::span(form_keys);
  if (type == "http") return std::span(program_keys);
  return std::nullopt;
}

inline const std::vector<std::string> types = {"http", "webform"};

inline constexpr std::string_view shortest = "tenant: acme\nqueues: {support: {}}\ndefault_queue: support\n";

inline LoadedSettings load_lines(std::string_view yaml) {
  return load_text(std::string(yaml), "f.yaml", keys_of, types);
}
inline LoadedSettings load_added(std::string_view lines) {
  return load_lines(std::string(shortest) + std::string(lines));
}

}  // namespace usher::config::test
