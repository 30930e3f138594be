// `usherctl verify`: is this webhook body signed by whom it claims? The code that the daemon's front door runs, on
// standard input, so that integrators can tell a wrong secret from a wrong clock.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "connectors/webhook_verify.hpp"
#include "daemon/ctl.hpp"

namespace usher::daemon {
namespace {

struct VerifyChoice {
  std::string scheme;
  std::string secret;
  std::string secret_file;
  std::string url;
  std::vector<std::string> headers;
  std::int64_t now = 0;
  CLI::Option* now_option = nullptr;
};

// `Name: value`; the value keeps inner spaces.
Result<std::pair<std::string, std::string>> split_header(const std::string& line) {
  const auto colon = line.find(':');
  if (colon == std::string::npos || colon == 0)
    return fail(Fault::malformed, "a header is written 'Name: value', not '" + line + "'");
  auto name = line.substr(0, colon);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto start = line.find_first_not_of(" \t", colon + 1);
  auto value = start == std::string::npos ? std::string() : line.substr(start);
  value.erase(value.find_last_not_of(" \t\r\n") + 1);
  return std::pair(std::move(name), std::move(value));
}

Exit usage(const Error& error) {
  complain(error);
  return Exit::usage;
}

Exit verify(const VerifyChoice& choice, bool json) {
  auto secret = choice.secret;
  if (secret.empty() && !choice.secret_file.empty()) {
    auto read = read_input(choice.secret_file);
    if (!read) return complain(read.error());
    secret = std::move(*read);
    while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  }
  if (secret.empty()) return usage(fail(Fault::malformed, "say the secret with --secret or --secret-file"));
  connectors::SignedRequest request;
  request.url = choice.url;
  for (const auto& line : choice.headers) {
    auto header = split_header(line);
    if (!header) return usage(header.error());
    request.headers.insert_or_assign(std::move(header->first), std::move(header->second));
  }
  auto body = read_input("-");
  if (!body) return complain(body.error());
  request.body = std::move(*body);

  const auto now = choice.now_option->count() > 0 ? from_unix_ms(choice.now * 1000) : SystemClock().wall();
  const auto verified = connectors::verify_webhook(choice.scheme, secret, request, now);
  // An unknown scheme, or a secret that is none of its kind, is a mistake on the command line, not a wrong signature.
  if (!verified && verified.error().fault == Fault::malformed) return usage(verified.error());
  if (json) std::printf("{\"valid\":%s}\n", verified ? "true" : "false");
  else if (verified) std::puts("valid");
  if (!verified && !json) std::fprintf(stderr, "usherctl: not valid: %s\n", verified.error().detail.c_str());
  return verified ? Exit::ok : Exit::refused;
}

}  // namespace

void add_verify_command(CLI::App& app, CtlContext& context) {
  auto choice = std::make_shared<VerifyChoice>();
  std::string schemes;
  for (const auto scheme : connectors::webhook_schemes()) schemes += (schemes.empty() ? "" : ", ") + std::string(scheme);
  auto* verify_command = app.add_subcommand("verify", "Check a webhook's signature; the body comes on standard input");
  verify_command->add_option("SCHEME", choice->scheme, schemes)->required();
  verify_command->add_option("--secret", choice->secret, "The shared secret; sendgrid: USER:PASSWORD, or its public key");
  verify_command->add_option("--secret-file", choice->secret_file, "A file with the shared secret");
  verify_command->add_option("--url", choice->url, "The URL that the provider called (twilio signs it)");
  verify_command->add_option("--header", choice->headers, "'Name: value', as often as needed")
      ->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  choice->now_option = verify_command->add_option("--now", choice->now, "Unix seconds; the clock when left out");
  verify_command->callback(
      [&context, choice] { context.chosen = [&context, choice] { return verify(*choice, context.json); }; });
}

}  // namespace usher::daemon
