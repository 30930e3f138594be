// SMTP by libcurl: its options, and the dialogue as it is watched from outside to know which answer belongs to what.
#include "connectors/smtp_session.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

#include <sys/socket.h>
#include <unistd.h>

#include "connectors/curl_handle.hpp"
#include "connectors/email/header_text.hpp"
#include "connectors/email/mail_greeting.hpp"
#include "connectors/private_address.hpp"
#include "connectors/smtp_trouble.hpp"

namespace usher::connectors {

namespace {

using Steady = std::chrono::steady_clock;
constexpr long connect_seconds_max = 30;
constexpr std::size_t bytes_a_second_min = 8 * 1024;       // Of the text, on the slowest line that is borne.
constexpr long tls_tried_ms = 5'000;
constexpr auto parting_at_most = std::chrono::seconds(1);  // For the answer to QUIT, which nobody needs.

constexpr Milliseconds time_for(std::size_t bytes) { return std::chrono::seconds(bytes / bytes_a_second_min); }

// Or the engine would take the largest mail on the slowest line for one whose fate nobody will ever tell.
static_assert(limits::mail_before_dot_within + time_for(limits::reply_attachments_bytes_max / 3 * 4 / 76 * 78) + limits::mail_after_dot_within <
              limits::held_reply_look_every);

// One attempt, as libcurl's callbacks see it.
struct Dialogue {
  const email::SmtpAccount& account;
  const SmtpTimes& times;
  SmtpWatch& watch;
  std::string_view body{};  // Not yet read by libcurl.
  bool needs_smtputf8 = false;

  SmtpStage stage = SmtpStage::connect;
  SmtpAnswer answer{};
  int hellos = 0;
  bool smtputf8_offered = false, login_offered = false;
  std::uint64_t size_max = 0;  // RFC 1870: the largest mail the server takes; 0: it does not say.
  bool refused_address = false, out_of_time = false, stopped = false;
  bool parting = false;  // QUIT is said: what comes now changes nothing.
  SmtpTrouble given_up = SmtpTrouble::none;
  email::Speaker speaker = email::Speaker::unknown;  // With SmtpTrouble::stranger.
  Steady::time_point since = Steady::now();  // Of the attempt; of the dot once it is out.
  std::size_t taken = 0;                     // Of the text, by libcurl, which has little of it at a time;
  Steady::time_point moved = since;          // and the last time. Before that: of the attempt.

  void heard(std::string_view line);
  void said(std::string_view command);
  [[nodiscard]] bool is_out_of_time() const;
  [[nodiscard]] bool is_refused() const { return answer.code() / 100 == 4 || answer.code() / 100 == 5; }
};

// Where a password may be said: after TLS, or where none is wanted. The offers before it may be a stranger's.
bool is_last_hello(const Dialogue& dialogue) {
  return dialogue.account.server.protection != email::Protection::starttls || dialogue.hellos > 1;
}

// 0 where it is no number.
std::uint64_t size_in(std::string_view words) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(words.data(), words.data() + words.size(), size);
  return error == std::errc() ? size : 0;
}

// A sentence's beginning: why nothing was sent.
std::string given_up_words(const Dialogue& dialogue) {
  if (dialogue.given_up == SmtpTrouble::stranger) {
    const auto& server = dialogue.account.server;
    return "no SMTP server but " + std::string(speaker_name(dialogue.speaker)) + " answers at " + server.host + ":" + std::to_string(server.port);
  }
  if (dialogue.given_up == SmtpTrouble::login) return "the mail server offers no login";
  if (dialogue.given_up == SmtpTrouble::smtputf8) return "the mail server cannot take addresses outside ASCII: it offers no SMTPUTF8";
  return "the mail is larger than the mail server takes: it has " + std::to_string(dialogue.body.size()) + " bytes, and " +
         std::to_string(dialogue.size_max) + " are taken; send fewer or smaller files";
}

void Dialogue::heard(std::string_view line) {
  if (parting) return;
  if (stage == SmtpStage::connect) {
    stage = SmtpStage::greeting;
    // libcurl would wait for a line with a number until its time is over.
    speaker = email::speaker_of(line);
    if (speaker != email::Speaker::smtp && !speaker_name(speaker).empty()) given_up = SmtpTrouble::stranger;
  }
  const std::string_view offer = line.substr(std::min<std::size_t>(4, line.size()));
  // Exactly as libcurl looks for them, or it would go on without a login.
  if (stage == SmtpStage::hello && offer.starts_with("SMTPUTF8")) smtputf8_offered = true;
  if (stage == SmtpStage::hello && offer.starts_with("AUTH ")) login_offered = true;
  if (stage == SmtpStage::hello && offer.starts_with("SIZE ")) size_max = size_in(offer.substr(5));
  if (!answer.add(line) || stage != SmtpStage::hello || answer.code() / 100 != 2 || !is_last_hello(*this)) return;
  if (account.credentials.login != email::Login::none && !login_offered) given_up = SmtpTrouble::login;
  else if (needs_smtputf8 && !smtputf8_offered) given_up = SmtpTrouble::smtputf8;
  // Refused by the server in the end, after every byte of it went out.
  else if (size_max > 0 && body.size() > size_max) given_up = SmtpTrouble::size;
}

void Dialogue::said(std::string_view command) {
  static constexpr std::pair<std::string_view, SmtpStage> stages[] = {
      {"EHLO ", SmtpStage::hello},       {"HELO ", SmtpStage::hello},       {"STARTTLS\r", SmtpStage::starttls}, {"AUTH ", SmtpStage::login},
      {"MAIL FROM:", SmtpStage::sender}, {"RCPT TO:", SmtpStage::recipient}, {"DATA\r", SmtpStage::data}};
  if (command.starts_with("QUIT\r")) {
    parting = true;
    since = Steady::now();
    return;
  }
  answer.clear();
  for (const auto& [name, reached] : stages)
    if (command.starts_with(name)) stage = reached;  // Anything else is a step of the login.
  if (!command.starts_with("EHLO ")) return;
  ++hellos;
  smtputf8_offered = login_offered = false;
  size_max = 0;
}

// Before the dot a large mail has more time, but only for what goes out: a server that stands still is left as early as ever.
bool Dialogue::is_out_of_time() const {
  const auto now = Steady::now();
  if (stage == SmtpStage::dot) return now - since > times.after_dot;
  if (stage == SmtpStage::connect && now - since > times.before_greeting) return true;
  return now - moved > times.before_dot || now - since > times.before_dot + time_for(taken);
}

// A server's line. Returning less than it got ends the attempt: libcurl would go on without what is missing.
std::size_t on_line(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& dialogue = *static_cast<Dialogue*>(context);
  dialogue.heard({bytes, size * count});
  return dialogue.given_up == SmtpTrouble::none ? size * count : 0;
}

// What is sent passes by here, secrets too: only the command's name is looked at, and nothing is kept.
int on_debug(CURL*, curl_infotype type, char* bytes, std::size_t size, void* context) {
  if (type == CURLINFO_HEADER_OUT) static_cast<Dialogue*>(context)->said({bytes, size});
  return 0;
}

std::size_t on_read(char* to, std::size_t size, std::size_t count, void* context) {
  auto& dialogue = *static_cast<Dialogue*>(context);
  const std::size_t taken = std::min(size * count, dialogue.body.size());
  std::memcpy(to, dialogue.body.data(), taken);
  dialogue.body.remove_prefix(taken);
  dialogue.taken += taken;
  dialogue.moved = Steady::now();
  if (!dialogue.body.empty()) return taken;
  // The dot follows without another word to us. From here on the server may have the mail.
  dialogue.stage = SmtpStage::dot;
  dialogue.answer.clear();
  dialogue.since = Steady::now();
  return taken;
}

// Asked at least once a second.
int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& dialogue = *static_cast<Dialogue*>(context);
  if (dialogue.parting) return Steady::now() - dialogue.since > parting_at_most ? 1 : 0;
  const bool past_dot = dialogue.stage == SmtpStage::dot;
  dialogue.stopped = dialogue.watch.stop_now || (dialogue.watch.stop && !past_dot);
  dialogue.out_of_time = dialogue.is_out_of_time();
  return dialogue.stopped || dialogue.out_of_time ? 1 : 0;
}

int on_try_progress(void* watch, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return static_cast<const SmtpWatch*>(watch)->stop_now ? 1 : 0; }

curl_socket_t on_socket(void* context, curlsocktype, curl_sockaddr* address) {
  auto& dialogue = *static_cast<Dialogue*>(context);
  if (dialogue.account.server.protection == email::Protection::off && !is_loopback_address(address->addr)) {
    dialogue.refused_address = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::string url_of(const email::MailServer& server) {
  const bool bare6 = server.host.find(':') != std::string::npos && !server.host.starts_with('[');
  const std::string host = bare6 ? "[" + server.host + "]" : server.host;
  return std::string(server.protection == email::Protection::tls ? "smtps://" : "smtp://") + host + ":" + std::to_string(server.port);
}

void set_server(const CurlHandle& easy, Dialogue& dialogue) {
  const auto& server = dialogue.account.server;
  set_option(easy, CURLOPT_URL, url_of(server).c_str());
  set_option(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set_option(easy, CURLOPT_USE_SSL, static_cast<long>(server.protection == email::Protection::off ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  if (!server.ca_file.empty()) {
    set_option(easy, CURLOPT_CAINFO, server.ca_file.c_str());
    // Debian's folder of authorities would be believed as well.
    set_option(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  set_option(easy, CURLOPT_CONNECTTIMEOUT, connect_seconds_max);
  // Ours are kept by on_progress(); libcurl's own would end the wait for the answer to the dot after two minutes, and counts the
  // text's time in when the dot cannot go out at once.
  const auto longest = dialogue.times.before_dot + time_for(dialogue.body.size()) + dialogue.times.after_dot;
  set_option(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(std::chrono::ceil<std::chrono::seconds>(longest).count()));
  set_option(easy, CURLOPT_OPENSOCKETFUNCTION, &on_socket);
  set_option(easy, CURLOPT_OPENSOCKETDATA, &dialogue);
  set_option(easy, CURLOPT_HEADERFUNCTION, &on_line);
  set_option(easy, CURLOPT_HEADERDATA, &dialogue);
  set_option(easy, CURLOPT_VERBOSE, 1L);
  set_option(easy, CURLOPT_DEBUGFUNCTION, &on_debug);
  set_option(easy, CURLOPT_DEBUGDATA, &dialogue);
  set_option(easy, CURLOPT_NOPROGRESS, 0L);
  set_option(easy, CURLOPT_XFERINFOFUNCTION, &on_progress);
  set_option(easy, CURLOPT_XFERINFODATA, &dialogue);
}

void set_login(const CurlHandle& easy, const email::Credentials& credentials, const std::string& token) {
  if (credentials.login == email::Login::none) return;
  set_option(easy, CURLOPT_USERNAME, credentials.user.c_str());
  set_option(easy, CURLOPT_SASL_IR, 1L);
  if (credentials.login == email::Login::plain) {
    set_option(easy, CURLOPT_PASSWORD, credentials.password.c_str());
    set_option(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
    return;
  }
  set_option(easy, CURLOPT_XOAUTH2_BEARER, token.c_str());
  set_option(easy, CURLOPT_LOGIN_OPTIONS, credentials.login == email::Login::xoauth2 ? "AUTH=XOAUTH2" : "AUTH=OAUTHBEARER");
}

// QUIT is said by libcurl when the handle goes, and its answer would be waited for, two minutes if it must be. Nobody needs it.
void part(const CurlHandle& easy) {
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(easy.get(), CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK && socket != CURL_SOCKET_BAD) ::shutdown(socket, SHUT_RD);
}

SmtpOutcome perform(const CurlHandle& easy, Dialogue& dialogue) {
  char error[CURL_ERROR_SIZE] = "";
  set_option(easy, CURLOPT_ERRORBUFFER, error);
  const CURLcode code = curl_easy_perform(easy.get());
  SmtpOutcome outcome{dialogue.stage, dialogue.answer.code(), dialogue.answer.text(), SmtpTrouble::none, {}};
  // It is shown to agents and kept: some servers repeat the line that was said, and that was the password.
  if (outcome.stage == SmtpStage::login) outcome.text = status_of(outcome.text);
  if (is_taken(outcome)) {
    // Time may end, or a stop may come, between the server's word and libcurl's return; sending it again would be a second copy.
  } else if (dialogue.refused_address) {
    outcome.trouble = SmtpTrouble::tls;
    outcome.words = "without TLS only a mail server on loopback is spoken to";
  } else if (dialogue.given_up != SmtpTrouble::none) {
    outcome.trouble = dialogue.given_up;
    outcome.words = given_up_words(dialogue);
  } else if (!dialogue.is_refused() && (dialogue.stopped || dialogue.out_of_time)) {
    outcome.trouble = dialogue.stopped ? SmtpTrouble::stopped : SmtpTrouble::slow;
    outcome.words = dialogue.stopped ? "cut off" : slow_words(easy, dialogue.account.server, dialogue.stage);
  } else if (code != CURLE_OK) {
    explain(easy, code, dialogue.account.server, outcome);
  }
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, nullptr);
  return outcome;
}

bool has_wire_ends(std::string_view text) {
  for (std::size_t at = 0; (at = text.find_first_of("\r\n", at)) != std::string_view::npos; at += 2)
    if (text[at] != '\r' || at + 1 == text.size() || text[at + 1] != '\n') return false;
  return true;
}

SmtpOutcome unfit(std::string words) { return {SmtpStage::connect, 0, {}, SmtpTrouble::unfit, std::move(words)}; }

}  // namespace

SmtpOutcome send_mail(const MailPost& post, const std::string& token, const SmtpTimes& times, SmtpWatch& watch) {
  // They become lines of the dialogue, and libcurl lets anything through.
  if (!email::is_mail_address(post.recipient)) return unfit("the recipient's address is none");
  if (!post.envelope_from.empty() && !email::is_mail_address(post.envelope_from)) return unfit("the sender's address is none");
  if (post.bytes.find('\0') != std::string::npos) return unfit("the mail has a NUL in it");
  // libcurl asks for it by these two only.
  if (post.needs_smtputf8 && email::is_ascii(post.recipient) && email::is_ascii(post.envelope_from))
    return unfit("a mail with an address outside ASCII in its header alone cannot be sent");
  // What we compose has them already, and with its files it is too much to have twice.
  const std::string mended = has_wire_ends(post.bytes) ? std::string() : with_wire_ends(post.bytes);
  const std::string_view body = mended.empty() ? std::string_view(post.bytes) : mended;

  Dialogue dialogue{post.account, times, watch, body, post.needs_smtputf8};
  CurlList recipients;
  append_line(recipients, post.recipient);
  const CurlHandle easy = make_curl_handle();
  set_server(easy, dialogue);
  set_login(easy, post.account.credentials, token);
  // An empty one would become no parameter at all: libcurl's way to say the null path is to be told nothing.
  if (!post.envelope_from.empty()) set_option(easy, CURLOPT_MAIL_FROM, post.envelope_from.c_str());
  set_option(easy, CURLOPT_MAIL_RCPT, recipients.get());
  set_option(easy, CURLOPT_UPLOAD, 1L);
  set_option(easy, CURLOPT_READFUNCTION, &on_read);
  set_option(easy, CURLOPT_READDATA, &dialogue);
  set_option(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(body.size()));
  auto outcome = perform(easy, dialogue);
  part(easy);
  return outcome;
}

SmtpOutcome try_sender(const email::SmtpAccount& account, const std::string& sender, const std::string& token, const SmtpTimes& times,
                       SmtpWatch& watch) {
  if (!email::is_mail_address(sender)) return unfit("the sender's address is none");
  const bool needs_smtputf8 = !email::is_ascii(sender);
  Dialogue dialogue{account, times, watch, {}, needs_smtputf8};
  const CurlHandle easy = make_curl_handle();
  set_server(easy, dialogue);
  set_login(easy, account.credentials, token);
  set_option(easy, CURLOPT_CUSTOMREQUEST, ("MAIL FROM:<" + sender + ">" + (needs_smtputf8 ? " SMTPUTF8" : "")).c_str());
  set_option(easy, CURLOPT_NOBODY, 1L);
  auto outcome = perform(easy, dialogue);
  if (outcome.stage == SmtpStage::sender && outcome.code / 100 == 2) {
    // The same connection; what is answered changes nothing.
    set_option(easy, CURLOPT_CUSTOMREQUEST, "RSET");
    static_cast<void>(curl_easy_perform(easy.get()));
  }
  part(easy);
  return outcome;
}

bool speaks_tls_first(const email::MailServer& server, const SmtpWatch& watch) {
  email::MailServer secure = server;
  secure.protection = email::Protection::tls;
  const CurlHandle easy = make_curl_handle();
  set_option(easy, CURLOPT_URL, url_of(secure).c_str());
  set_option(easy, CURLOPT_PROTOCOLS_STR, "smtps");
  set_option(easy, CURLOPT_CONNECT_ONLY, 1L);
  set_option(easy, CURLOPT_TIMEOUT_MS, tls_tried_ms);
  set_option(easy, CURLOPT_NOPROGRESS, 0L);
  set_option(easy, CURLOPT_XFERINFOFUNCTION, &on_try_progress);
  set_option(easy, CURLOPT_XFERINFODATA, &watch);
  if (!server.ca_file.empty()) set_option(easy, CURLOPT_CAINFO, server.ca_file.c_str());
  const CURLcode code = curl_easy_perform(easy.get());
  curl_off_t agreed = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_APPCONNECT_TIME_T, &agreed);
  part(easy);
  return agreed > 0 || code == CURLE_PEER_FAILED_VERIFICATION;
}

std::string with_wire_ends(std::string text) {
  if (has_wire_ends(text)) return text;
  std::string out;
  out.reserve(text.size() + text.size() / 32);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r' && text[at] != '\n') {
      out += text[at];
      continue;
    }
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
    out += "\r\n";
  }
  return out;
}

}  // namespace usher::connectors
