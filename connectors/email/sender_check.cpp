// Checks of the sender: the grammar of RFC 8601 as far as it names methods, results and domains, then which of them count.
#include "connectors/email/sender_check.hpp"

#include <algorithm>

#include "connectors/email/email_limits.hpp"
#include "connectors/email/header_block.hpp"

namespace usher::connectors::email {

namespace {

using Method = Verification::Method;
using Result = Verification::Result;

// What stands in quotes or behind a stroke is a value and no structure: senders choose the addresses that servers quote here.
char as_value(char c) { return std::string_view(" \t=;()").find(c) == std::string_view::npos ? c : '_'; }

// Where a comment may begin: behind a blank or a sign. Behind a letter a bracket is part of a value that a sender chose, as in
// "header.d=bank.com(.evil.com" (CVE-2020-12272).
bool begins_comment(std::string_view before) { return before.empty() || std::string_view(" \t;)").find(before.back()) != std::string_view::npos; }

// `text` without its comments, which nest and may hold anything, and split at `;` outside of quotes. Of a text whose comment
// or quote is never closed, only what stands before the first `;` is left.
std::vector<std::string> statements(std::string_view text) {
  std::vector<std::string> out(1);
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t at = 0; at < text.size() && out.size() <= limits::sender_checks_max; ++at) {
    const char c = text[at];
    if (c == '\\' && (quoted || depth > 0)) {
      ++at;
      if (depth == 0 && at < text.size()) out.back() += as_value(text[at]);
    } else if (depth > 0) {
      if (c == '(') ++depth;
      if (c == ')' && --depth == 0) out.back() += ' ';
    } else if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      out.back() += as_value(c);
    } else if (c == '(' && begins_comment(out.back())) {
      ++depth;
    } else if (c == '(' || c == ')') {
      out.back() += as_value(c);
    } else if (c == ';') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  if (depth > 0 || quoted) out.resize(1);
  return out;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// "header.d = ex.org" is legal: the blanks around the sign go.
std::string without_blanks_at_signs(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '=') {
      while (out.ends_with(' ') || out.ends_with('\t')) out.pop_back();
      out += '=';
      while (at + 1 < text.size() && (text[at + 1] == ' ' || text[at + 1] == '\t')) ++at;
    } else {
      out += text[at];
    }
  }
  return out;
}

// Of an address or a domain, in lower case.
std::string domain_of(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('<') && text.ends_with('>')) text = text.substr(1, text.size() - 2);
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) text.remove_prefix(at + 1);
  if (text.ends_with('.')) text.remove_suffix(1);
  return ascii_lower(text);
}

std::optional<Method> method_of(std::string_view word) {
  word = word.substr(0, word.find('/'));  // With or without a version.
  if (word == "dmarc") return Method::dmarc;
  if (word == "dkim") return Method::dkim;
  if (word == "spf") return Method::spf;
  return std::nullopt;
}

// What each method proves something of. SPF of a greeting (smtp.helo) proves nothing of anybody's address.
std::string domain_in(Method method, const std::vector<std::string_view>& words) {
  const auto says = [&](std::string_view name) {
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return starts_with_nocase(word, name) && word.substr(name.size()).starts_with('='); });
  };
  // Said twice and not alike, it is not said.
  const auto property = [&](std::string_view name) -> std::string {
    std::optional<std::string> out;
    for (const std::string_view word : words) {
      if (word.size() <= name.size() || !starts_with_nocase(word, name) || word[name.size()] != '=') continue;
      const std::string domain = domain_of(word.substr(name.size() + 1));
      if (out && *out != domain) return {};
      out = domain;
    }
    return out.value_or("");
  };
  if (method == Method::dmarc) return property("header.from");
  if (method == Method::spf) return property("smtp.mailfrom");
  return property(says("header.d") ? "header.d" : "header.i");
}

std::optional<SenderCheck> check_of(std::string_view statement) {
  const std::string text = without_blanks_at_signs(trimmed(statement));
  const auto words = words_of(text);
  if (words.empty()) return std::nullopt;
  const std::size_t equals = words.front().find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const auto method = method_of(ascii_lower(words.front().substr(0, equals)));
  if (!method) return std::nullopt;
  return SenderCheck{*method, ascii_lower(words.front().substr(equals + 1)), domain_in(*method, words)};
}

// The name before the first `;`, in lower case, and where the statements begin. A field without a name begins with one.
std::pair<std::string, std::size_t> server_of(const std::vector<std::string>& parts) {
  const auto words = words_of(parts.front());
  if (!words.empty() && words.front().find('=') == std::string_view::npos) return {ascii_lower(words.front()), 1};
  return {std::string(nameless_server), 0};
}

std::optional<std::vector<SenderCheck>> checks_in(const HeaderField& field, std::string_view authserv_id) {
  const auto parts = statements(field.value);
  const auto [server, first] = server_of(parts);
  if (server != ascii_lower(authserv_id)) return std::nullopt;
  std::vector<SenderCheck> out;
  for (std::size_t i = first; i < parts.size(); ++i)
    if (auto check = check_of(parts[i])) out.push_back(std::move(*check));
  return out;
}

// Of the author's domain itself or of one above it, whose owner gives it away. A domain below it proves nothing without the list
// of public suffixes: eve.github.io is not github.io. Where that is needed, DMARC of the server has it.
bool speaks_for(std::string_view proved, std::string_view author) {
  if (proved == author) return true;
  return proved.find('.') != std::string_view::npos && author.size() > proved.size() && author.ends_with(proved) &&
         author[author.size() - proved.size() - 1] == '.';
}

bool counts(const SenderCheck& check, std::string_view author) {
  return check.method == Method::dmarc ? check.domain == author : speaks_for(check.domain, author);
}

// The one author's domain; "" when there is none, or more than one, or a part of the header was left out: what was checked may
// have been another.
std::string author_domain(const Mail& mail) {
  if (mail.headers.cut) return {};
  const auto fields = std::count_if(mail.headers.fields.begin(), mail.headers.fields.end(), [](const HeaderField& field) { return field.name == "from"; });
  return fields == 1 && mail.from.size() == 1 ? domain_of(mail.from.front().address) : std::string();
}

Verification conclude(const std::vector<SenderCheck>& checks, const std::string& author) {
  if (author.empty()) return {};
  const auto found = [&](Method method, std::string_view result) {
    const auto one = std::find_if(checks.begin(), checks.end(), [&](const SenderCheck& check) {
      return check.method == method && check.result == result && counts(check, author);
    });
    return one == checks.end() ? nullptr : &*one;
  };
  // The owner of the domain says by DMARC what a mail of it must be, so its failure goes before what else fits.
  if (const auto* check = found(Method::dmarc, "fail")) return {Result::fail, Method::dmarc, check->domain};
  for (const Method method : {Method::dmarc, Method::dkim, Method::spf})
    if (const auto* check = found(method, "pass")) return {Result::pass, method, check->domain};
  for (const Method method : {Method::dkim, Method::spf})
    if (const auto* check = found(method, "fail")) return {Result::fail, method, check->domain};
  return {Result::unknown, std::nullopt, author};
}

// The results of all fields of that name, lower case; "" when they differ: one of them is not the provider's.
std::string agreed(const HeaderList& headers, std::string_view name) {
  std::string out;
  for (const HeaderField& field : headers.fields) {
    if (ascii_lower(field.name) != name) continue;
    const std::string word = ascii_lower(trimmed(field.value));
    if (!out.empty() && word != out) return {};
    out = word;
  }
  return out;
}

// The one tag `d` of a DKIM-Signature (RFC 6376 3.2: tags are told apart by case; a list has neither comments nor quotes).
std::string signing_domain(std::string_view signature) {
  std::string domain;
  std::size_t found = 0;
  for (std::size_t at = 0; at <= signature.size();) {
    const std::size_t end = std::min(signature.find(';', at), signature.size());
    const std::string tag = without_blanks_at_signs(trimmed(signature.substr(at, end - at)));
    at = end + 1;
    if (!tag.starts_with("d=")) continue;
    ++found;
    domain = ascii_lower(tag.substr(2));
  }
  const bool plain = std::all_of(domain.begin(), domain.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
  return found == 1 && plain ? domain : std::string();
}

}  // namespace

std::optional<std::vector<SenderCheck>> authentication_results(const HeaderList& headers, std::string_view authserv_id) {
  std::optional<std::vector<SenderCheck>> out;
  bool handed_on = false;  // From the first Received on, a field may be the sender's, but for the topmost of that name.
  for (const HeaderField& field : headers.fields) {
    handed_on = handed_on || field.name == "received";
    if (handed_on && out) break;
    if (field.name != "authentication-results") continue;
    auto checks = checks_in(field, authserv_id);
    // Of fields without a name only the topmost of all is the server's.
    if (!checks && authserv_id == nameless_server) break;
    if (!checks) continue;
    if (!out) out.emplace();
    for (auto& check : *checks)
      if (out->size() < limits::sender_checks_max) out->push_back(std::move(check));
  }
  return out;
}

std::optional<Verification> verify_sender(const Mail& mail, std::string_view authserv_id, const MailArrival& arrival) {
  if (authserv_id.empty() && !arrival.checks) return std::nullopt;
  std::vector<SenderCheck> checks = arrival.checks.value_or(std::vector<SenderCheck>{});
  if (!authserv_id.empty())
    if (auto written = authentication_results(mail.headers, authserv_id)) checks.insert(checks.end(), written->begin(), written->end());
  return conclude(checks, author_domain(mail));
}

// SPF: "pass"; dkim: "{@ex.org : pass, @mail.ex.org : fail}" or "none".
std::vector<SenderCheck> sendgrid_checks(std::string_view spf, std::string_view dkim, const std::optional<std::string>& sender) {
  std::vector<SenderCheck> out;
  if (sender && !sender->empty()) out.push_back({Method::spf, ascii_lower(trimmed(spf)), domain_of(*sender)});
  for (std::size_t at = dkim.find('@'); at != std::string_view::npos && out.size() < limits::sender_checks_max; at = dkim.find('@', at + 1)) {
    const std::size_t end = std::min(dkim.find_first_of(",}", at), dkim.size());
    const std::string_view one = dkim.substr(at, end - at);
    const std::size_t colon = one.find(':');
    if (colon != std::string_view::npos) out.push_back({Method::dkim, ascii_lower(trimmed(one.substr(colon + 1))), domain_of(one.substr(0, colon))});
  }
  return out;
}

std::vector<SenderCheck> mailgun_checks(const HeaderList& headers, const std::optional<std::string>& sender) {
  std::vector<SenderCheck> out;
  if (sender && !sender->empty()) out.push_back({Method::spf, agreed(headers, "x-mailgun-spf"), domain_of(*sender)});
  // Mailgun does not say which signature it looked at, so there must be one only.
  std::string domain;
  std::size_t signatures = 0;
  for (const HeaderField& field : headers.fields) {
    if (ascii_lower(field.name) != "dkim-signature") continue;
    ++signatures;
    domain = signing_domain(field.value);
  }
  if (signatures == 1) out.push_back({Method::dkim, agreed(headers, "x-mailgun-dkim-check-result"), domain});
  return out;
}

// Received-SPF as RFC 7208 9.1 has it; X-Spam-Tests names SpamAssassin's rules, of which DKIM_VALID_AU is a good signature of the
// author's domain.
std::vector<SenderCheck> postmark_checks(const HeaderList& headers, std::string_view author) {
  std::vector<SenderCheck> out;
  bool tested = false, valid = true;
  for (const HeaderField& field : headers.fields) {
    const std::string name = ascii_lower(field.name);
    if (name == "x-spam-tests") {
      std::string tests = ascii_lower(field.value);
      std::replace(tests.begin(), tests.end(), ',', ' ');
      const auto words = words_of(tests);
      tested = true;
      // A field that the sender added does not make up for one of Postmark's that says otherwise.
      valid = valid && std::find(words.begin(), words.end(), "dkim_valid_au") != words.end();
    } else if (name == "received-spf" && std::none_of(out.begin(), out.end(), [](const SenderCheck& check) { return check.method == Method::spf; })) {
      std::string text;
      for (const std::string& part : statements(field.value)) text += without_blanks_at_signs(part) + " ";
      const auto words = words_of(text);
      SenderCheck check{Method::spf, words.empty() ? std::string() : ascii_lower(words.front()), {}};
      for (const std::string_view word : words)
        if (starts_with_nocase(word, "envelope-from=")) check.domain = domain_of(word.substr(14));
      out.push_back(std::move(check));
    }
  }
  if (tested && valid) out.push_back({Method::dkim, "pass", domain_of(author)});
  return out;
}

}  // namespace usher::connectors::email
