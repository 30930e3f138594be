// WebhookClient: posts on one multi handle of libcurl.
#include "connectors/webhook_client.hpp"

#include <algorithm>
#include <map>

#include <unistd.h>

#include "connectors/curl_handle.hpp"
#include "connectors/private_address.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

namespace {

constexpr std::size_t answer_bytes_max = 64 * 1024;
constexpr long connect_seconds_max = 5;

struct Transfer {
  std::uint64_t ticket = 0;
  HttpPost post;  // Its body is read in place while it is sent.
  bool allow_private_addresses = false;
  bool refused_address = false;
  std::size_t answer_bytes = 0;
  CurlList headers;
  CurlHandle easy;
};

// The guard against request forgery: asked with the very address that is about to be connected to.
curl_socket_t open_socket(void* context, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (!transfer.allow_private_addresses && !is_public_address(address->addr)) {
    transfer.refused_address = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Past the limit the answer is cut off: its status is known by then, and nothing else of it is wanted.
std::size_t drop_answer(char*, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  transfer.answer_bytes += size * count;
  return transfer.answer_bytes > answer_bytes_max ? 0 : size * count;
}

template <class Value>
void set(Transfer& transfer, CURLoption option, Value value) {
  set_option(transfer.easy, option, value);
}

void prepare(Transfer& transfer) {
  for (const auto& [name, value] : transfer.post.headers) append_line(transfer.headers, name + ": " + value);
  append_line(transfer.headers, "Expect:");  // A round trip for nothing: bodies are small.
  set(transfer, CURLOPT_URL, transfer.post.url.c_str());
  set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
  set(transfer, CURLOPT_POST, 1L);
  set(transfer, CURLOPT_POSTFIELDS, transfer.post.body.data());
  set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer.post.body.size()));
  set(transfer, CURLOPT_HTTPHEADER, transfer.headers.get());
  set(transfer, CURLOPT_USERAGENT, "Usher");
  set(transfer, CURLOPT_CONNECTTIMEOUT, connect_seconds_max);
  set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(Milliseconds(limits::webhook_timeout).count()));
  set(transfer, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  set(transfer, CURLOPT_OPENSOCKETDATA, &transfer);
  set(transfer, CURLOPT_WRITEFUNCTION, &drop_answer);
  set(transfer, CURLOPT_WRITEDATA, &transfer);
  set(transfer, CURLOPT_PRIVATE, &transfer);
}

PostResult read_result(const Transfer& transfer, CURLcode code) {
  PostResult result;
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  const bool cut_off = code == CURLE_WRITE_ERROR && transfer.answer_bytes > answer_bytes_max;
  if (code == CURLE_OK || cut_off) result.status = static_cast<int>(status);
  else result.trouble = curl_easy_strerror(code);
  result.refused_address = result.status == 0 && transfer.refused_address;
  curl_off_t seconds = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RETRY_AFTER, &seconds);
  const auto longest = std::chrono::seconds(limits::retry_longest).count();
  result.retry_after = std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, longest));
  return result;
}

}  // namespace

Verdict judge(const PostResult& result) {
  if (result.refused_address) return {DeliveryState::failed, "the webhook's address is not on the public internet", {}, "private_address"};
  if (result.status == 0) return {DeliveryState::deferred, "no answer: " + result.trouble, result.retry_after, "no_answer"};
  const std::string detail = "HTTP " + std::to_string(result.status);
  if (result.status >= 200 && result.status < 300) return {DeliveryState::sent, detail, {}};
  constexpr int passing[] = {408, 409, 425, 429};
  const bool passes = result.status >= 500 || std::find(std::begin(passing), std::end(passing), result.status) != std::end(passing);
  const auto kind = result.status >= 500 ? "http_5xx" : result.status >= 400 ? "http_4xx" : "http_3xx";
  if (passes) return {DeliveryState::deferred, detail, result.retry_after, kind};
  return {DeliveryState::failed, detail, {}, kind};
}

struct WebhookClient::Transfers {
  bool allow_private_addresses = false;
  CURLM* multi = nullptr;
  std::map<std::uint64_t, std::unique_ptr<Transfer>> running;

  void take_finished(std::vector<std::pair<std::uint64_t, PostResult>>& out);
};

WebhookClient::WebhookClient(bool allow_private_addresses) : transfers_(std::make_unique<Transfers>()) {
  start_libcurl();
  transfers_->allow_private_addresses = allow_private_addresses;
  transfers_->multi = curl_multi_init();
  expect(transfers_->multi != nullptr, "libcurl starts");
}

WebhookClient::~WebhookClient() {
  for (const auto& [ticket, transfer] : transfers_->running) curl_multi_remove_handle(transfers_->multi, transfer->easy.get());
  transfers_->running.clear();
  curl_multi_cleanup(transfers_->multi);
}

void WebhookClient::start(std::uint64_t ticket, HttpPost post) {
  auto transfer = std::make_unique<Transfer>();
  transfer->ticket = ticket;
  transfer->post = std::move(post);
  transfer->allow_private_addresses = transfers_->allow_private_addresses;
  transfer->easy = make_curl_handle();
  prepare(*transfer);
  expect(curl_multi_add_handle(transfers_->multi, transfer->easy.get()) == CURLM_OK, "libcurl takes a transfer");
  const bool fresh = transfers_->running.emplace(ticket, std::move(transfer)).second;
  expect(fresh, "a ticket is used once");
}

std::size_t WebhookClient::in_flight() const { return transfers_->running.size(); }

std::vector<std::pair<std::uint64_t, PostResult>> WebhookClient::finished(Milliseconds at_most) {
  std::vector<std::pair<std::uint64_t, PostResult>> out;
  int running = 0;
  curl_multi_perform(transfers_->multi, &running);
  transfers_->take_finished(out);
  if (!out.empty()) return out;
  curl_multi_poll(transfers_->multi, nullptr, 0, static_cast<int>(at_most.count()), nullptr);
  curl_multi_perform(transfers_->multi, &running);
  transfers_->take_finished(out);
  return out;
}

void WebhookClient::wake() { curl_multi_wakeup(transfers_->multi); }

void WebhookClient::Transfers::take_finished(std::vector<std::pair<std::uint64_t, PostResult>>& out) {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;
    Transfer* transfer = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    out.emplace_back(transfer->ticket, read_result(*transfer, code));
    curl_multi_remove_handle(multi, easy);
    running.erase(transfer->ticket);
  }
}

}  // namespace usher::connectors
