// `usherctl connectors list` (what is configured, from the daemon) and `connectors test NAME` (does its configuration
// stand and do its servers answer, from the file, without a daemon).
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "connectors/access_tokens.hpp"
#include "connectors/catalog.hpp"
#include "connectors/email/email_account.hpp"
#include "connectors/email/imap/mailbox_reader.hpp"
#include "connectors/smtp_check.hpp"
#include "daemon/config_catalog.hpp"
#include "daemon/ctl.hpp"
#include "daemon/ctl_table.hpp"

namespace usher::daemon {
namespace {

using boost::json::value;

std::string show_connectors(const value& answer) {
  static const boost::json::array none;
  const auto* list = answer.is_array() ? &answer : member(answer, "connectors");
  return table_of(list != nullptr && list->is_array() ? list->get_array() : none,
                  {{"CONNECTOR", "/id"}, {"TYPE", "/type"}, {"CHANNEL", "/channel"}, {"ABOUT", "/about"}});
}

Exit verdict(const CtlContext& context, const std::string& name, bool good, const std::string& detail) {
  if (context.json)
    std::puts(boost::json::serialize(boost::json::object{{"connector", name}, {"ok", good}, {"detail", detail}}).c_str());
  else if (good) std::printf("%s: ok%s\n", name.c_str(), detail.empty() ? "" : (", " + detail).c_str());
  else std::fprintf(stderr, "usherctl: %s: %s\n", name.c_str(), detail.c_str());
  return good ? Exit::ok : Exit::data;
}

struct Tried {
  bool good = true;
  std::string detail;
};

// A mailbox's servers, as the daemon would reach them; nothing is read, marked or sent.
Tried try_mail(const connectors::Instance& instance) {
  const auto account = connectors::email::account_of(instance);
  expect(account.has_value(), "a loaded connector was checked");
  const SystemClock clock;
  connectors::AccessTokens tokens(clock);
  Tried tried;
  const auto add = [&](const char* server, const Result<std::string>& found) {
    tried.good = tried.good && found.has_value();
    tried.detail += (tried.detail.empty() ? "" : "; ") + std::string(server) + ": " + (found ? *found : found.error().detail);
  };
  if (account->imap) {
    const auto& imap = *account->imap;
    add("imap", connectors::email::imap::check_imap(imap, [&](bool fresh) { return tokens.token(imap.credentials.grant, fresh); }));
  }
  if (account->smtp) add("smtp", connectors::check_smtp(*account->smtp, tokens.source()));
  else tried.detail += (tried.detail.empty() ? "" : "; ") + std::string("smtp: no server is named, so no reply can be sent");
  return tried;
}

Tried try_out(const connectors::Instance& instance) {
  if (instance.type == connectors::email_connector.type) return try_mail(instance);
  return {true, "type " + instance.type};
}

// From the file: each problem of the configuration, then the connector's own check, then the servers it needs.
Exit test_in_file(const CtlContext& context, const std::string& name, const std::string& file) {
  const auto loaded = load_settings(file);
  for (const auto& line : loaded.problems.lines) std::fprintf(stderr, "%s\n", line.c_str());
  if (!loaded.settings) return Exit::config;
  for (const auto& instance : instances_of(*loaded.settings))
    if (instance.id.text() == name) {
      const auto tried = try_out(instance);
      return verdict(context, name, tried.good, tried.detail);
    }
  return verdict(context, name, false, "the configuration has no connector of that name");
}

// From the daemon: it is there, and what serves it is there.
Exit test_in_daemon(const CtlContext& context, const std::string& name) {
  const auto answer = ask(context, "GET", "/v1/connectors");
  if (!answer) return complain(answer.error());
  const auto* list = answer->is_array() ? &*answer : member(*answer, "connectors");
  if (list != nullptr && list->is_array())
    for (const auto& one : list->get_array())
      if (text_member(one, "id") == name) return verdict(context, name, true, "type " + text_member(one, "type"));
  return verdict(context, name, false, "the daemon serves no connector of that name");
}

}  // namespace

void add_connector_commands(CLI::App& app, CtlContext& context) {
  auto* group = app.add_subcommand("connectors", "The doors through which messages come");
  group->require_subcommand(1);
  group->add_subcommand("list", "Those that the daemon serves")->callback([&context] {
    context.chosen = [&context] { return show_answer(context, "/v1/connectors", &show_connectors); };
  });

  struct Choice {
    std::string name, config;
  };
  auto choice = std::make_shared<Choice>();
  auto* test = group->add_subcommand("test", "Does this one stand? With --config: in that file; else: in the daemon");
  test->add_option("NAME", choice->name, "As in the configuration")->required();
  test->add_option("--config", choice->config, "The configuration file");
  test->callback([&context, choice] {
    context.chosen = [&context, choice] {
      return choice->config.empty() ? test_in_daemon(context, choice->name)
                                    : test_in_file(context, choice->name, choice->config);
    };
  });
}

}  // namespace usher::daemon
