// Web addresses, by Boost.URL.
#include "connectors/web_address.hpp"

#include <algorithm>

#include <boost/url.hpp>

namespace usher::connectors {

bool is_web_address(std::string_view text) {
  const auto url = boost::urls::parse_uri(boost::core::string_view(text.data(), text.size()));
  if (!url) return false;
  const auto scheme = url->scheme_id();
  return (scheme == boost::urls::scheme::http || scheme == boost::urls::scheme::https) && !url->host().empty() &&
         !url->has_userinfo();
}

bool is_origin(std::string_view text) {
  const std::size_t slashes = text.find("://");
  if (!is_web_address(text) || slashes == std::string_view::npos) return false;
  return text.find_first_of("/?#", slashes + 3) == std::string_view::npos &&
         std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace usher::connectors
