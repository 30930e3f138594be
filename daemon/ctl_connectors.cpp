// `usherctl connectors list` (what is configured, from the daemon) and `connectors test NAME` (does its configuration
// stand and do its servers answer: tried by the daemon, or from the file without one).
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "connectors/access_tokens.hpp"
#include "daemon/config_catalog.hpp"
#include "daemon/connector_try.hpp"
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

// From the file: each problem of the configuration, then the connector's own check, then the servers it needs.
Exit test_in_file(const CtlContext& context, const std::string& name, const std::string& file) {
  const auto loaded = load_settings(file);
  for (const auto& line : loaded.problems.lines) std::fprintf(stderr, "%s\n", line.c_str());
  if (!loaded.settings) return Exit::config;
  for (const auto& instance : instances_of(*loaded.settings))
    if (instance.id.text() == name) {
      const SystemClock clock;
      connectors::AccessTokens tokens(clock);
      const auto tried = try_connector(instance, tokens, clock);
      return verdict(context, name, tried.good, tried.detail);
    }
  return verdict(context, name, false, "the configuration has no connector of that name");
}

// From the daemon: it tries the servers itself, with the settings that it has in force.
Exit test_in_daemon(const CtlContext& context, const std::string& name) {
  const auto answer = ask(context, "POST", "/v1/connectors/" + percent_encode(name) + "/test");
  if (!answer) return complain(answer.error());
  const auto* ok = member(*answer, "ok");
  return verdict(context, name, ok != nullptr && ok->is_bool() && ok->get_bool(), text_member(*answer, "detail"));
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
  auto* test = group->add_subcommand("test", "Do its servers take it? With --config: tried from here, by that file; else: by the daemon, with what it has loaded");
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
