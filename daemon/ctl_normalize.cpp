// `usherctl normalize`: the raw input of a channel as Message JSON, one a line, by the code of the daemon's front door
// and without a daemon, a journal or a signature.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "connectors/catalog.hpp"
#include "connectors/email/email_message.hpp"
#include "connectors/normalize.hpp"
#include "daemon/config_catalog.hpp"
#include "daemon/ctl.hpp"
#include "routing/message/wire.hpp"

namespace usher::daemon {
namespace {

struct NormalizeChoice {
  std::string channel;
  std::string connector;
  std::string config;
  std::string content_type;
  std::vector<std::string> headers;
};

// By channel or by type: `webform` is both.
const connectors::Connector* find_channel(const std::string& name) {
  for (const auto* connector : connectors::catalog())
    if (connector->channel == name || connector->type == name) return connector;
  return nullptr;
}

// The keys' own defaults, as the loader would have filled them in.
config::Options default_options(const connectors::Connector& connector) {
  config::Options options;
  for (const auto& key : connector.keys)
    if (!key.fallback.empty() && key.kind != config::Kind::list && key.kind != config::Kind::map)
      options.values.emplace(key.name, key.fallback);
  return options;
}

struct Source {
  connectors::Instance instance;
  std::vector<config::LabelRule> labels;
};

Result<Source> find_source(const NormalizeChoice& choice, const connectors::Connector& connector) {
  if (choice.config.empty()) {
    const auto id = choice.connector.empty() ? std::string(connector.type) : choice.connector;
    return Source{{ConnectorId(id), TenantId("acme"), std::string(connector.type), default_options(connector)}, {}};
  }
  auto loaded = load_settings(choice.config);
  for (const auto& line : loaded.problems.lines) std::fprintf(stderr, "%s\n", line.c_str());
  if (!loaded.settings) return fail(Fault::conflict, "the configuration is not usable");
  for (auto& instance : instances_of(*loaded.settings)) {
    const bool wanted = choice.connector.empty() ? instance.type == connector.type
                                                 : instance.id.text() == choice.connector;
    if (!wanted) continue;
    if (instance.type != connector.type)
      return fail(Fault::malformed, choice.connector + " is of type " + instance.type + ", not " + choice.channel);
    return Source{std::move(instance), loaded.settings->labels};
  }
  const auto wanted = choice.connector.empty() ? "of type " + std::string(connector.type) : choice.connector;
  return fail(Fault::malformed, "the configuration has no connector " + wanted);
}

Result<std::string> header_into(connectors::Raw& raw, const std::string& line) {
  const auto colon = line.find(':');
  if (colon == std::string::npos || colon == 0)
    return fail(Fault::malformed, "a header is written 'Name: value', not '" + line + "'");
  auto name = line.substr(0, colon);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto start = line.find_first_not_of(" \t", colon + 1);
  raw.headers[name] = start == std::string::npos ? std::string() : line.substr(start);
  return name;
}

void show(const std::vector<Message>& messages) {
  for (const auto& message : messages) {
    const auto line = encode(message) + "\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
  }
}

// Without a configuration there is no secret, so the thread of a mail is not verified.
Exit normalize_mail(const NormalizeChoice& choice) {
  const auto body = read_input("-");
  if (!body) return complain(body.error());
  const TenantId tenant("acme");
  const ConnectorId id(choice.connector.empty() ? std::string("email") : choice.connector);
  auto parsed = connectors::email::to_message({tenant, id, {tenant, {}}}, *body, SystemClock().wall());
  const connectors::Triage triage({});
  for (Message& message : parsed.messages) triage.apply(message);
  show(parsed.messages);
  return Exit::ok;
}

Exit normalize(const NormalizeChoice& choice) {
  if (choice.channel == "email" && choice.config.empty()) return normalize_mail(choice);
  const auto* connector = find_channel(choice.channel);
  if (connector == nullptr) {
    std::string known;
    for (const auto* one : connectors::catalog()) known += (known.empty() ? "" : ", ") + std::string(one->type);
    std::fprintf(stderr, "usherctl: no channel is called %s; there are: %s\n", choice.channel.c_str(), known.c_str());
    return Exit::usage;
  }
  const auto source = find_source(choice, *connector);
  if (!source) {
    const auto code = complain(source.error());
    return source.error().fault == Fault::conflict ? Exit::config : code;
  }
  connectors::Raw raw;
  raw.content_type = choice.content_type;
  raw.received_at = SystemClock().wall();
  for (const auto& line : choice.headers) {
    const auto taken = header_into(raw, line);
    if (!taken) {
      complain(taken.error());
      return Exit::usage;
    }
  }
  auto body = read_input("-");
  if (!body) return complain(body.error());
  raw.body = std::move(*body);

  const connectors::Triage triage(source->labels);
  const auto messages = connectors::normalize(*connector, source->instance, raw, &triage);
  if (!messages) {
    complain(messages.error());
    return Exit::data;
  }
  show(*messages);
  return Exit::ok;
}

}  // namespace

void add_normalize_command(CLI::App& app, CtlContext& context) {
  auto choice = std::make_shared<NormalizeChoice>();
  auto* command = app.add_subcommand("normalize", "Show a channel's raw input (standard input) as Message JSON");
  command->add_option("CHANNEL", choice->channel, "The channel: webform, http, email")->required();
  command->add_option("--connector", choice->connector, "The connector's name, as in the configuration");
  command->add_option("--config", choice->config, "Take the connector's settings and the labels from this file");
  command->add_option("--content-type", choice->content_type, "As the sender declared it; else the bytes are looked at");
  command->add_option("--header", choice->headers, "'Name: value', as often as needed")
      ->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->callback([&context, choice] { context.chosen = [choice] { return normalize(*choice); }; });
}

}  // namespace usher::daemon
