// How usherctl talks to the daemon: libcurl, one request at a time, no redirects, no proxy for a loopback daemon.
#include <curl/curl.h>

#include <cstdio>
#include <memory>

#include "daemon/ctl.hpp"
#include "daemon/ctl_table.hpp"
#include "daemon/secret_files.hpp"

namespace usher::daemon {
namespace {

constexpr long connect_timeout_seconds = 5;
constexpr long answer_timeout_seconds = 120;  // A backup of a large database takes its time.
constexpr long upload_timeout_seconds = 20;   // Shorter than the daemon waits for a silent agent: its line stands still meanwhile.
constexpr std::size_t answer_bytes_max = 64 * 1024 * 1024;

struct HttpAnswer {
  long status = 0;
  std::string body;
};

std::size_t keep_bytes(char* data, std::size_t size, std::size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + size * count > answer_bytes_max) return 0;
  body.append(data, size * count);
  return size * count;
}

Result<std::string> bearer_token(const CtlContext& context) {
  // The file first: it can only have been asked for, where a token may just stand in the environment.
  if (context.token_file.empty()) return context.token;
  auto token = read_small_file(context.token_file);
  if (!token) return fail(Fault::unauthorised, token.error().detail);
  while (!token->empty() && (token->back() == '\n' || token->back() == '\r')) token->pop_back();
  return *token;
}

struct HttpCall {
  std::string url, method, token;
  const std::string* body = nullptr;
  std::string type = "application/json";  // Of the body.
  std::string ca_file = {};               // Trusted instead of the machine's authorities; "": those.
  long timeout_seconds = answer_timeout_seconds;
};

Result<HttpAnswer> perform(const HttpCall& call) {
  const auto* body = call.body;
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), &curl_easy_cleanup);
  if (!curl) return fail(Fault::unavailable, "libcurl does not start");
  curl_slist* list = nullptr;
  const auto add = [&list](const std::string& line) { list = curl_slist_append(list, line.c_str()); };
  if (!call.token.empty()) add("Authorization: Bearer " + call.token);
  if (body != nullptr) add("Content-Type: " + call.type);
  add("Accept: application/json");
  add("Expect:");
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(list, &curl_slist_free_all);

  HttpAnswer answer;
  curl_easy_setopt(curl.get(), CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, call.method.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, connect_timeout_seconds);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, call.timeout_seconds);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 0L);
  // The admin token must not travel through a proxy somebody set for the web.
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "127.0.0.1,localhost,::1");
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &keep_bytes);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  if (!call.ca_file.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO, call.ca_file.c_str());
    // Debian's folder of authorities would be believed as well.
    curl_easy_setopt(curl.get(), CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  curl_easy_setopt(curl.get(), CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (body != nullptr) {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body->c_str());
  }
  const auto code = curl_easy_perform(curl.get());
  if (code != CURLE_OK)
    return fail(Fault::unavailable, "cannot reach the daemon at " + call.url + ": " + curl_easy_strerror(code));
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

Fault fault_of(long status) {
  switch (status) {
    case 400: case 405: case 415: case 422: return Fault::malformed;
    case 401: case 403: return Fault::unauthorised;
    case 404: return Fault::not_found;
    case 409: return Fault::conflict;
    case 413: return Fault::too_large;
    case 429: return Fault::overloaded;
    default: return Fault::unavailable;
  }
}

Error refusal_in(const HttpAnswer& answer, bool for_operators) {
  boost::json::error_code wrong;
  const auto problem = boost::json::parse(answer.body, wrong);
  std::string detail = wrong ? "" : text_member(problem, "detail");
  if (detail.empty() && !wrong) detail = text_member(problem, "title");
  if (detail.empty()) detail = "the daemon answered " + std::to_string(answer.status);
  if (answer.status == 401 && for_operators)
    detail += " (give the text of DATA/admin.token with --token-file, --token or USHER_TOKEN)";
  return fail(fault_of(answer.status), printable(detail));
}

std::string address_of(const CtlContext& context, std::string_view path) {
  auto url = context.url;
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url + std::string(path);
}

// Who names a tenant means that one: nothing is shown or done of another.
Result<void> check_tenant(const CtlContext& context, const std::string& token) {
  const auto answer = perform({address_of(context, "/v1/status"), "GET", token});
  if (!answer) return answer.error();
  if (answer->status != 200) return refusal_in(*answer, true);
  boost::json::error_code wrong;
  const auto status = boost::json::parse(answer->body, wrong);
  const auto served = wrong ? std::string() : text_member(status, "tenant");
  if (served == context.tenant) return {};
  return fail(Fault::not_found, printable("this daemon serves the tenant " + served + ", not " + context.tenant));
}

}  // namespace

Result<boost::json::value> ask(const CtlContext& context, std::string_view method, std::string_view path,
                               const boost::json::value* body) {
  const auto token = bearer_token(context);
  if (!token) return token.error();
  if (!context.tenant.empty()) {
    const auto right = check_tenant(context, *token);
    if (!right) return right.error();
  }
  std::string text;
  if (body != nullptr) text = boost::json::serialize(*body);
  const auto answer = perform({address_of(context, path), std::string(method), *token, body != nullptr ? &text : nullptr});
  if (!answer) return answer.error();
  if (answer->status < 200 || answer->status > 299) return refusal_in(*answer, true);
  if (answer->body.empty()) return boost::json::value(boost::json::object{});
  boost::json::error_code wrong;
  auto value = boost::json::parse(answer->body, wrong);
  if (wrong) return fail(Fault::unavailable, "the daemon's answer is not JSON; is --url the operations listener?");
  return value;
}

Result<boost::json::value> send_file(const FileToSend& file) {
  const auto answer = perform({file.url, "POST", file.token, &file.bytes, file.type, file.ca_file, upload_timeout_seconds});
  if (!answer) return answer.error();
  if (answer->status != 201) return refusal_in(*answer, false);
  boost::json::error_code wrong;
  auto value = boost::json::parse(answer->body, wrong);
  if (wrong || !value.is_object()) return fail(Fault::unavailable, "the daemon's answer is not a file's description");
  return value;
}

Exit show_answer(const CtlContext& context, const std::string& path,
                 const std::function<std::string(const boost::json::value&)>& show) {
  const auto answer = ask(context, "GET", path);
  if (!answer) return complain(answer.error());
  const auto text = context.json ? boost::json::serialize(*answer) + "\n" : show(*answer);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return Exit::ok;
}

}  // namespace usher::daemon
