// Logging in; see imap_login.hpp.
#include "connectors/email/imap/imap_login.hpp"

#include <algorithm>

#include "connectors/email/imap/imap_limits.hpp"
#include "connectors/signature.hpp"

namespace usher::connectors::email::imap {

namespace {

// RFC 3501 asks servers for lines of 8000; what is longer waits for the continuation.
constexpr std::size_t initial_response_max = 6'000;
constexpr int challenges_max = 4;

// RFC 5801: what divides the parts of a GS2 header.
std::string gs2_name(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c == ',') out += "=2C";
    else if (c == '=') out += "=3D";
    else out += c;
  }
  return out;
}

struct Mechanism {
  std::string name;
  std::string response;
  std::string after_error;  // What a challenge that tells an error is answered with, as sent.
};

Mechanism mechanism_of(const MailServer& server, const Credentials& credentials, const std::string& secret) {
  using namespace std::string_literals;
  if (credentials.login == Login::xoauth2)
    return {"XOAUTH2", "user=" + credentials.user + "\1auth=Bearer "s + secret + "\1\1", ""};
  if (credentials.login == Login::oauthbearer) {
    const std::string where = "\1host=" + server.host + "\1port=" + std::to_string(server.port);
    return {"OAUTHBEARER", "n,a=" + gs2_name(credentials.user) + "," + where + "\1auth=Bearer "s + secret + "\1\1", base64("\1")};
  }
  return {"PLAIN", "\0"s + credentials.user + "\0"s + secret, "*"};
}

// A secret in all the forms in which a server that sends back what it was sent could show it.
class Secret {
 public:
  // `response`: what is sent for it, as sent.
  Secret(const std::string& secret, const std::string& response) {
    if (secret.empty()) return;
    std::string quoted;
    for (const char c : secret) quoted += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
    whole_ = {secret, quoted, base64(secret)};
    response_ = response;
  }

  [[nodiscard]] std::string without(const std::string& text) const { return is_in(text) ? "(not shown: it holds the secret)" : shown(text); }

 private:
  [[nodiscard]] bool is_in(const std::string& text) const {
    for (const auto& form : whole_)
      if (text.find(form) != std::string::npos) return true;
    // Any piece of it, since a line that is sent back may be cut.
    const std::size_t piece = std::min(response_.size(), piece_min);
    for (std::size_t at = 0; piece > 0 && at + piece <= response_.size(); ++at)
      if (text.find(std::string_view(response_).substr(at, piece)) != std::string::npos) return true;
    return false;
  }

  static constexpr std::size_t piece_min = 12;
  std::vector<std::string> whole_;
  std::string response_;
};

Error refusal(const Answer& answer, const Credentials& credentials, const Secret& secret, const std::string& challenge) {
  const bool by_token = credentials.login != Login::plain;
  // RFC 5530: the server itself is in trouble, which says nothing about the password.
  const bool passing = answer.code == "UNAVAILABLE" || answer.code == "INUSE" || answer.code == "SERVERBUG" || answer.code == "LIMIT";
  std::string words = passing ? "the server cannot log in " + credentials.user + " at the moment"
                      : by_token ? "the server refused the access token of " + credentials.user
                                 : "the server refused the user name or the password";
  std::string said = secret.without(answer.text);
  if (!challenge.empty()) said += (said.empty() ? "" : " ") + secret.without(challenge);
  if (!said.empty()) words += ": " + said;
  return fail(passing ? Fault::unavailable : Fault::unauthorised, words);
}

Result<void> authenticate(ImapChannel& channel, const Credentials& credentials, const std::string& secret) {
  const Mechanism mechanism = mechanism_of(channel.server(), credentials, secret);
  const std::string response = base64(mechanism.response);
  const Secret hidden(secret, response);
  channel.tell_goodbye_by([hidden](const std::string& text) { return hidden.without(text); });
  bool sent = channel.has("SASL-IR") && response.size() <= initial_response_max;
  Command command("AUTHENTICATE " + mechanism.name);
  if (sent) command.add(" " + response);
  std::string challenge;
  int challenges = 0;
  const auto answer = channel.converse(command, limits::step_within, [&](const std::string& text) -> std::string {
    if (!sent) {
      sent = true;
      return response;
    }
    const auto decoded = decode_base64(text);
    challenge = decoded ? *decoded : text;
    return ++challenges > challenges_max ? "*" : mechanism.after_error;
  });
  if (!answer) return answer.error();
  if (!answer->ok()) return refusal(*answer, credentials, hidden, challenge);
  return {};
}

Result<void> by_password(ImapChannel& channel, const Credentials& credentials) {
  if (channel.has("AUTH=PLAIN")) return authenticate(channel, credentials, credentials.password);
  if (channel.has("LOGINDISABLED"))
    return fail(Fault::unauthorised, "the server takes no password on this connection (LOGINDISABLED, and no AUTH=PLAIN)");
  const Secret hidden(credentials.password, {});
  channel.tell_goodbye_by([hidden](const std::string& text) { return hidden.without(text); });
  const auto answer = channel.ask(Command("LOGIN ").add_string(credentials.user).add(" ").add_string(credentials.password), limits::step_within);
  if (!answer) return answer.error();
  if (!answer->ok()) return refusal(*answer, credentials, hidden, {});
  return {};
}

Result<void> by_token(ImapChannel& channel, const Credentials& credentials, const TokenSource& token, bool fresh) {
  const std::string name = credentials.login == Login::xoauth2 ? "XOAUTH2" : "OAUTHBEARER";
  if (!channel.has("AUTH=" + name)) return fail(Fault::unauthorised, "the server does not offer " + name);
  if (!token) return fail(Fault::unauthorised, "no access token can be had");
  const auto secret = token(fresh);
  if (!secret) return fail(secret.error().fault, "no access token: " + secret.error().detail);
  if (secret->find_first_of(std::string_view("\0\1\r\n", 4)) != std::string::npos) return fail(Fault::malformed, "the access token is none");
  return authenticate(channel, credentials, *secret);
}

}  // namespace

Result<void> log_in(ImapChannel& channel, const Credentials& credentials, const TokenSource& token, bool fresh) {
  if (channel.preauthenticated()) return {};
  if (credentials.login == Login::none) return fail(Fault::unauthorised, "the server wants a login, and none is configured");
  // They divide the parts of what is said.
  const std::string_view dividers("\0\1", 2);
  if (credentials.user.find_first_of(dividers) != std::string::npos || credentials.password.find('\0') != std::string::npos)
    return fail(Fault::unauthorised, "the user name or the password holds a control character");
  if (credentials.login == Login::plain) return by_password(channel, credentials);
  return by_token(channel, credentials, token, fresh);
}

}  // namespace usher::connectors::email::imap
