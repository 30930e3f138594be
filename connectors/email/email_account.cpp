// Keys of the email connector, and what they mean together.
#include "connectors/email/email_account.hpp"

#include <charconv>

#include "connectors/email/header_block.hpp"
#include "connectors/email/header_text.hpp"
#include "connectors/findings.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors::email {

namespace {

using config::Key;
using config::Kind;

constexpr std::size_t thread_secret_bytes_min = 16;
constexpr long long poll_least_ms = 5'000, poll_most_ms = 3'600'000;

constexpr Key keys[] = {
    {"address", Kind::text, true, "", "The address that customers write to."},
    {"name", Kind::text, false, "", "What stands before it in the replies, such as Example Support."},
    {"aliases", Kind::list, false, "", "Other addresses whose mail comes to the same mailbox; no reply goes to them."},
    {"thread_secret", Kind::secret, true, "", "Signs what proves which conversation a mail continues: 16 bytes or more, the same in all mailboxes of a tenant."},
    {"thread_secret_previous", Kind::secret, false, "", "Still believed while the secret is being changed."},
    {"authserv_id", Kind::text, false, "", "Whose Authentication-Results are believed; empty: nobody's, and no sender is said to be verified."},
    {"inbound", Kind::text, false, "imap", "How mail comes in: imap, sendgrid, mailgun or postmark."},
    {"imap_url", Kind::text, false, "", "The mailbox's server: imaps://HOST[:PORT], or imap://HOST[:PORT] for STARTTLS."},
    {"folder", Kind::text, false, "INBOX", "The folder whose mail is read."},
    {"smtp_url", Kind::text, false, "", "Where replies go: smtps://HOST[:PORT], or smtp://HOST[:PORT] for STARTTLS; without it none can be sent."},
    {"tls", Kind::text, false, "required", "Either required, or off, which is taken for servers on this machine only."},
    {"ca_file", Kind::text, false, "", "The authorities that are believed, as PEM; empty: those of the system."},
    {"user", Kind::text, false, "", "The login name at both servers; empty: the address."},
    {"password", Kind::secret, false, "", "The password at both servers, with login plain."},
    {"login", Kind::text, false, "plain", "How to log in: plain, xoauth2 (Google, Microsoft) or oauthbearer."},
    {"token_url", Kind::url, false, "", "Where access tokens are got, with login xoauth2 or oauthbearer."},
    {"client_id", Kind::text, false, "", "The application's id there."},
    {"client_secret", Kind::secret, false, "", "The application's secret there."},
    {"refresh_token", Kind::secret, false, "", "Gets access tokens for one mailbox; empty: by the application's own right."},
    {"scope", Kind::text, false, "", "The scopes that are asked for, with blanks between."},
    {"smtp_user", Kind::text, false, "", "The login name for sending where it is another."},
    {"smtp_password", Kind::secret, false, "", "The password for sending where it is another."},
    {"smtp_login", Kind::text, false, "", "How to log in for sending where it differs; none: without, on this machine only."},
    {"smtp_connections", Kind::number, false, "2", "Connections that the provider takes of one mailbox at once; 1 to 16."},
    {"mails_per_minute", Kind::number, false, "30", "Mails that the provider takes of one mailbox in a minute; 1 to 6000."},
    {"after_ingest", Kind::text, false, "keyword", "What becomes of a mail that was taken: keyword, seen, move or delete."},
    {"move_to", Kind::text, false, "", "The folder for after_ingest: move."},
    {"import_since", Kind::text, false, "", "A day such as 2026-11-01: at the first start, mail that arrived since then is taken too."},
    {"poll_every", Kind::duration, false, "60s", "How often a server is asked that cannot say by itself that there is mail; 5s to 1h."},
    {"sent_folder", Kind::text, false, "", "The folder for copies of what was sent; empty: none are kept. Gmail and Microsoft 365 keep their own."},
    {"webhook_secret", Kind::secret, false, "", "Mailgun: the signing key; SendGrid and Postmark: USER:PASSWORD of the address they post to."},
    {"webhook_secret_previous", Kind::secret, false, "", "Still accepted while the secret is being changed."},
    {"webhook_public_key", Kind::text, false, "", "SendGrid: the key of its signed posts, as it shows it."},
};

bool is_this_machine(std::string_view host) {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

struct Schemes {
  std::string_view tls, plain;
  int tls_port, plain_port;
};

void read_protection(const Instance& instance, bool secure, MailServer& server, Findings& findings) {
  const std::string& tls = instance.options.text("tls");
  if (tls == "off" && !is_this_machine(server.host)) findings.add("tls", "off is for servers on this machine only");
  server.protection = secure ? Protection::tls : tls == "off" ? Protection::off : Protection::starttls;
}

MailServer read_server(const Instance& instance, std::string_view key, const Schemes& schemes, Findings& findings) {
  if (const std::string& tls = instance.options.text("tls"); tls != "off" && tls != "required") findings.add("tls", "must be required or off");
  std::string_view url = instance.options.text(key);
  const bool secure = url.starts_with(schemes.tls);
  if (!secure && !url.starts_with(schemes.plain)) {
    findings.add(key, "must be " + std::string(schemes.tls) + "HOST[:PORT] or " + std::string(schemes.plain) + "HOST[:PORT]");
    return {};
  }
  url.remove_prefix(secure ? schemes.tls.size() : schemes.plain.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  MailServer server;
  server.port = secure ? schemes.tls_port : schemes.plain_port;
  const bool bracketed = url.starts_with('[');
  const std::size_t close = bracketed ? url.find(']') : 0;
  if (close == std::string_view::npos) {
    findings.add(key, "has no valid host");
    return server;
  }
  const std::size_t colon = url.find(':', close);
  std::string_view host = url.substr(0, colon);
  if (bracketed) host = host.substr(1, host.size() - 2);
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  constexpr std::string_view in_brackets = "0123456789abcdefABCDEF:.";
  if (host.empty() || host.size() > 253 || host.find_first_not_of(bracketed ? in_brackets : plain) != std::string_view::npos) {
    findings.add(key, "has no valid host");
    return server;
  }
  if (colon != std::string_view::npos) {
    const std::string_view digits = url.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), server.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || server.port < 1 || server.port > 65535)
      findings.add(key, "has no valid port");
  }
  server.host = host;
  read_protection(instance, secure, server, findings);
  server.ca_file = instance.options.text("ca_file");
  return server;
}

std::optional<Login> login_of(std::string_view word) {
  if (word == "plain") return Login::plain;
  if (word == "xoauth2") return Login::xoauth2;
  if (word == "oauthbearer") return Login::oauthbearer;
  return std::nullopt;
}

const std::string& first_of(const Instance& instance, std::string_view key, std::string_view otherwise) {
  const std::string& text = instance.options.text(key);
  return text.empty() ? instance.options.text(otherwise) : text;
}

Credentials read_credentials(const Instance& instance, Findings& findings) {
  const auto login = login_of(instance.options.text("login"));
  if (!login) {
    findings.add("login", "must be plain, xoauth2 or oauthbearer");
    return {};
  }
  Credentials out{*login, first_of(instance, "user", "address"), instance.options.text("password"), {}};
  if (*login == Login::plain) {
    if (out.password.empty()) findings.add("password", "missing");
    return out;
  }
  out.grant = {instance.options.text("token_url"), instance.options.text("client_id"), instance.options.text("client_secret"),
               instance.options.text("refresh_token"), instance.options.text("scope")};
  if (out.grant.url.empty()) findings.add("token_url", "is needed to log in with access tokens");
  if (out.grant.client_id.empty()) findings.add("client_id", "is needed to log in with access tokens");
  if (out.grant.refresh_token.empty() && out.grant.client_secret.empty())
    findings.add("refresh_token", "either it or client_secret is needed to log in with access tokens");
  return out;
}

Credentials read_smtp_credentials(const Instance& instance, const MailServer& server, Findings& findings) {
  const std::string& login = instance.options.text("smtp_login");
  if (login == "none") {
    // Where the address is wrong there is no host, and that was said.
    if (!server.host.empty() && !is_this_machine(server.host)) findings.add("smtp_login", "none is for servers on this machine only");
    return Credentials{Login::none, {}, {}, {}};
  }
  if (!login.empty() && !login_of(login)) {
    findings.add("smtp_login", "must be none, plain, xoauth2 or oauthbearer");
    return {};
  }
  Instance sending = instance;
  if (!login.empty()) sending.options.values["login"] = login;
  sending.options.values["user"] = first_of(instance, "smtp_user", "user");
  sending.options.values["password"] = first_of(instance, "smtp_password", "password");
  return read_credentials(sending, findings);
}

AfterIngest read_after(const Instance& instance, Findings& findings) {
  const std::string& word = instance.options.text("after_ingest");
  const bool moves = word == "move";
  if (moves != !instance.options.text("move_to").empty())
    findings.add("move_to", moves ? "is needed with after_ingest: move" : "is of use with after_ingest: move only");
  if (word == "seen") return AfterIngest::seen;
  if (word == "move") return AfterIngest::move;
  if (word == "delete") return AfterIngest::erase;
  if (word != "keyword") findings.add("after_ingest", "must be keyword, seen, move or delete");
  return AfterIngest::keyword;
}

ImapAccount read_imap(const Instance& instance, Findings& findings) {
  ImapAccount out;
  out.server = read_server(instance, "imap_url", {"imaps://", "imap://", 993, 143}, findings);
  out.credentials = read_credentials(instance, findings);
  out.after = read_after(instance, findings);
  out.folder = instance.options.text("folder");
  out.move_to = instance.options.text("move_to");
  if (out.folder.empty()) findings.add("folder", "is empty");
  else if (out.move_to == out.folder) findings.add("move_to", "must be another one than folder");
  if (const std::string& since = instance.options.text("import_since"); !since.empty()) {
    out.import_since = parse_rfc3339(since.size() == 10 ? since + "T00:00:00Z" : since);
    if (!out.import_since) findings.add("import_since", "must be a day such as 2026-11-01");
  }
  const long long poll = instance.options.number("poll_every");
  if (poll < poll_least_ms || poll > poll_most_ms) findings.add("poll_every", "must be 5s to 1h");
  out.poll_every = Milliseconds{poll};
  return out;
}

SmtpAccount read_smtp(const Instance& instance, Findings& findings) {
  SmtpAccount out;
  out.server = read_server(instance, "smtp_url", {"smtps://", "smtp://", 465, 587}, findings);
  out.credentials = read_smtp_credentials(instance, out.server, findings);
  const long long connections = instance.options.number("smtp_connections"), mails = instance.options.number("mails_per_minute");
  if (connections < 1 || connections > 16) findings.add("smtp_connections", "must be 1 to 16");
  if (mails < 1 || mails > 6000) findings.add("mails_per_minute", "must be 1 to 6000");
  out.connections = static_cast<int>(connections);
  out.mails_per_minute = static_cast<int>(mails);
  return out;
}

void read_inbound(const Instance& instance, EmailAccount& out, Findings& findings) {
  const std::string& word = instance.options.text("inbound");
  if (word == "sendgrid") out.posted_by = InboundProvider::sendgrid;
  else if (word == "mailgun") out.posted_by = InboundProvider::mailgun;
  else if (word == "postmark") out.posted_by = InboundProvider::postmark;
  else if (word != "imap") return findings.add("inbound", "must be imap, sendgrid, mailgun or postmark");
  const std::string believed = ascii_lower(out.authserv_id);
  out.believes_provider = out.posted_by && (word == "sendgrid" || word == believed);
  // A sender can write a provider's word into a field; no server is called by it.
  if (out.posted_by && word == believed) out.authserv_id.clear();
  else if (believed == "sendgrid" || believed == "mailgun" || believed == "postmark") findings.add("authserv_id", "is a provider's word; it goes with inbound: " + believed + " alone");
  // Who sends to the provider writes the topmost field without a name himself.
  else if (out.posted_by && believed == "-") findings.add("authserv_id", "must be a server's name with inbound: " + word);
  out.proof = {instance.options.text("webhook_secret"), instance.options.text("webhook_secret_previous"), instance.options.text("webhook_public_key")};
  if (out.posted_by) return findings.take(check_inbound_secrets(*out.posted_by, out.proof));
  for (const char* key : {"webhook_secret", "webhook_secret_previous", "webhook_public_key"})
    if (!instance.options.text(key).empty()) findings.add(key, "is of no use with inbound: imap");
}

void read_who(const Instance& instance, EmailAccount& out, Findings& findings) {
  out.address = instance.options.text("address");
  if (!is_mail_address(out.address)) findings.add("address", "is no mail address");
  out.aliases = instance.options.list("aliases");
  for (const std::string& alias : out.aliases)
    if (!is_mail_address(alias)) findings.add("aliases", "is no mail address: " + alias);
  out.name = instance.options.text("name");
  if (out.name.size() > usher::message::limits::short_field_bytes_max || out.name.find_first_of("\r\n") != std::string::npos) findings.add("name", "must be one short line");
  out.authserv_id = instance.options.text("authserv_id");
  if (out.authserv_id.size() > 253 || out.authserv_id.find_first_of(" \t\r\n;=()\"") != std::string::npos)
    findings.add("authserv_id", "must be the server's name as it stands at the beginning of its Authentication-Results");
  for (const char* key : {"thread_secret", "thread_secret_previous"})
    if (const std::string& secret = instance.options.text(key); !secret.empty()) {
      if (secret.size() < thread_secret_bytes_min) findings.add(key, "is too short: 16 bytes at least");
      out.secrets.push_back(secret);
    }
  if (out.secrets.empty()) findings.add("thread_secret", "missing");
}

}  // namespace

std::span<const config::Key> email_keys() { return keys; }

Result<EmailAccount> account_of(const Instance& instance) {
  EmailAccount out;
  Findings findings;
  read_who(instance, out, findings);
  read_inbound(instance, out, findings);
  out.sent_folder = instance.options.text("sent_folder");
  const bool has_imap = !instance.options.text("imap_url").empty();
  // Of an `inbound` that is none nobody knows whether it needs a mailbox.
  if (instance.options.text("inbound") == "imap" && !has_imap) findings.add("imap_url", "missing, with inbound: imap");
  if (!out.sent_folder.empty() && !has_imap) findings.add("sent_folder", "needs imap_url");
  if (has_imap) out.imap = read_imap(instance, findings);
  if (!instance.options.text("smtp_url").empty()) out.smtp = read_smtp(instance, findings);
  if (const auto found = findings.result(); !found.has_value()) return found.error();
  return out;
}

}  // namespace usher::connectors::email
