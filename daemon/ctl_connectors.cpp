// `usherctl connectors list` (what is configured, from the daemon) and `connectors test NAME` (does its configuration
// stand, from the file, without a daemon).
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "connectors/catalog.hpp"
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

// From the file: each problem of the configuration, then the connector's own check.
Exit test_in_file(const CtlContext& context, const std::string& name, const std::string& file) {
  const auto loaded = load_settings(file);
  for (const auto& line : loaded.problems.lines) std::fprintf(stderr, "%s\n", line.c_str());
  if (!loaded.settings) return Exit::config;
  for (const auto& instance : instances_of(*loaded.settings))
    if (instance.id.text() == name) return verdict(context, name, true, "type " + instance.type);
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
