// Asking for a token. What the server says in its own words is not repeated: it may name what was sent.
#include "connectors/token_fetch.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <unistd.h>

#include "connectors/curl_handle.hpp"
#include "connectors/json_input.hpp"
#include "connectors/private_address.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

namespace {

constexpr std::size_t error_code_bytes_max = 64;
constexpr std::size_t token_bytes_max = 16 * 1024;  // Microsoft's have 2 KiB.
constexpr Milliseconds lasts_unless_said{300'000};
constexpr std::int64_t lasts_seconds_max = 86'400;

struct Exchange {
  const std::stop_token& stop;
  bool loopback_only = false;
  bool refused_address = false;
  std::string answer{};
};

curl_socket_t open_socket(void* context, curlsocktype, curl_sockaddr* address) {
  auto& exchange = *static_cast<Exchange*>(context);
  if (exchange.loopback_only && !is_loopback_address(address->addr)) {
    exchange.refused_address = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Asked at least once a second.
int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const Exchange*>(context)->stop.stop_requested() ? 1 : 0;
}

std::size_t keep_answer(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& answer = static_cast<Exchange*>(context)->answer;
  if (answer.size() + size * count > limits::token_answer_bytes_max) return 0;
  answer.append(bytes, size * count);
  return size * count;
}

std::string escaped(const CurlHandle& easy, const std::string& text) {
  char* const out = curl_easy_escape(easy.get(), text.data(), static_cast<int>(text.size()));
  expect(out != nullptr, "there is memory for a form");
  std::string copy(out);
  curl_free(out);
  return copy;
}

std::string form_of(const CurlHandle& easy, const email::TokenGrant& grant) {
  std::vector<std::pair<std::string, std::string>> fields;
  if (grant.refresh_token.empty()) fields.emplace_back("grant_type", "client_credentials");
  else fields = {{"grant_type", "refresh_token"}, {"refresh_token", grant.refresh_token}};
  fields.emplace_back("client_id", grant.client_id);
  if (!grant.client_secret.empty()) fields.emplace_back("client_secret", grant.client_secret);
  if (!grant.scope.empty()) fields.emplace_back("scope", grant.scope);
  std::string form;
  for (const auto& [name, value] : fields) form += (form.empty() ? "" : "&") + name + "=" + escaped(easy, value);
  return form;
}

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(boost::json::string_view(name.data(), name.size()));
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Milliseconds lasts_of(const boost::json::object& object) {
  const auto* value = object.if_contains("expires_in");
  std::int64_t seconds = 0;
  if (value != nullptr && value->is_int64()) seconds = value->get_int64();
  else if (value != nullptr && value->is_string()) seconds = std::atoll(value->get_string().c_str());  // Some write a string.
  if (seconds <= 0) return lasts_unless_said;
  return std::chrono::seconds(std::min(seconds, lasts_seconds_max));
}

std::string_view hint(std::string_view code) {
  if (code == "invalid_grant") return ": the refresh token has ended or was withdrawn; sign in again";
  if (code == "invalid_client" || code == "unauthorized_client") return ": client_id or client_secret is wrong, or the application may not do this";
  if (code == "invalid_scope") return ": the scope is wrong";
  return "";
}

Error refusal(const boost::json::object& object, long status) {
  std::string code = text_of(object, "error");
  const bool plain = !code.empty() && code.size() <= error_code_bytes_max &&
                     std::all_of(code.begin(), code.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  const bool passing = status >= 500 || status == 429 || code == "temporarily_unavailable" || code == "server_error";
  if (!plain) code = "HTTP " + std::to_string(status);
  return fail(passing ? Fault::unavailable : Fault::unauthorised, "the token server refuses: " + code + std::string(hint(code)));
}

Result<FetchedToken> read_answer(const Exchange& exchange, long status) {
  const auto parsed = parse_object(exchange.answer);
  if (status / 100 != 2) return refusal(parsed ? *parsed : boost::json::object(), status);
  if (!parsed) return fail(Fault::unavailable, "the token server answered with what is no JSON object");
  FetchedToken out{text_of(*parsed, "access_token"), lasts_of(*parsed), text_of(*parsed, "refresh_token")};
  // It becomes part of a line of SMTP and IMAP.
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f; };
  if (out.token.empty() || out.token.size() > token_bytes_max || std::any_of(out.token.begin(), out.token.end(), bad))
    return fail(Fault::unavailable, "the token server answered without a usable access_token");
  return out;
}

}  // namespace

Result<FetchedToken> fetch_token(const email::TokenGrant& grant, const std::stop_token& stop) {
  Exchange exchange{stop};
  exchange.loopback_only = grant.url.starts_with("http://");
  const CurlHandle easy = make_curl_handle();
  const std::string form = form_of(easy, grant);
  CurlList headers;
  append_line(headers, "Accept: application/json");
  append_line(headers, "Expect:");
  set_option(easy, CURLOPT_URL, grant.url.c_str());
  set_option(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set_option(easy, CURLOPT_POST, 1L);
  set_option(easy, CURLOPT_POSTFIELDS, form.data());
  set_option(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(form.size()));
  set_option(easy, CURLOPT_HTTPHEADER, headers.get());
  set_option(easy, CURLOPT_USERAGENT, "Usher");
  set_option(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(Milliseconds(limits::token_within).count()));
  set_option(easy, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  set_option(easy, CURLOPT_OPENSOCKETDATA, &exchange);
  set_option(easy, CURLOPT_WRITEFUNCTION, &keep_answer);
  set_option(easy, CURLOPT_WRITEDATA, &exchange);
  set_option(easy, CURLOPT_NOPROGRESS, 0L);
  set_option(easy, CURLOPT_XFERINFOFUNCTION, &on_progress);
  set_option(easy, CURLOPT_XFERINFODATA, &exchange);
  const CURLcode code = curl_easy_perform(easy.get());
  if (exchange.refused_address) return fail(Fault::unauthorised, "the token server's address must be https: secrets are sent to it");
  if (code != CURLE_OK) return fail(Fault::unavailable, std::string("the token server cannot be asked: ") + curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  return read_answer(exchange, status);
}

}  // namespace usher::connectors
