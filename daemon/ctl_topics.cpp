// `usherctl topics ensure [--dry-run]`: makes the topics that a daemon needs and never makes itself. Talks to Kafka as the
// configuration says; no daemon need run.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "daemon/config_catalog.hpp"
#include "daemon/ctl.hpp"
#include "daemon/ctl_table.hpp"
#include "daemon/node_servers.hpp"

namespace usher::daemon {
namespace {

struct Choice {
  std::string config = "usher.yaml";
  bool dry_run = false;
};

Exit ensure(const CtlContext& context, const Choice& choice) {
  const auto loaded = load_settings(choice.config);
  for (const auto& line : loaded.problems.lines) std::fprintf(stderr, "%s\n", line.c_str());
  if (!loaded.settings) return Exit::config;
  if (!loaded.settings->kafka) {
    std::fprintf(stderr, "usherctl: %s names no Kafka (kafka.brokers): the embedded form has no topics\n",
                 choice.config.c_str());
    return Exit::config;
  }
  auto options = kafka_options(*loaded.settings->kafka);
  options.log = {};
  const auto steps = journal::ensure_topics(options, topic_wishes(*loaded.settings->kafka), choice.dry_run);
  if (!steps) return complain(steps.error());
  boost::json::array rows;
  for (const auto& step : *steps)
    rows.push_back(boost::json::object{{"topic", step.topic}, {"what", step.what}, {"done", step.done}});
  if (context.json) {
    std::puts(boost::json::serialize(boost::json::object{{"topics", rows}}).c_str());
  } else {
    const std::vector<Column> columns{{"TOPIC", "/topic"}, {"WHAT", "/what"}, {"DONE", "/done"}};
    std::puts(table_of(rows, columns).c_str());
  }
  const bool all = std::ranges::all_of(*steps, [](const auto& step) { return step.done; });
  // In a dry run, what would be done is no failure.
  return all || choice.dry_run ? Exit::ok : Exit::data;
}

}  // namespace

void add_topics_command(CLI::App& app, CtlContext& context) {
  auto* group = app.add_subcommand("topics", "The topics in Kafka");
  group->require_subcommand(1);
  auto choice = std::make_shared<Choice>();
  auto* command = group->add_subcommand("ensure", "Make those that are missing, and say what is wrong with the others");
  command->add_option("--config", choice->config, "The daemon's configuration file")->envname("USHER_CONFIG")->capture_default_str();
  command->add_flag("--dry-run", choice->dry_run, "Only say what would be done");
  command->callback([&context, choice] { context.chosen = [&context, choice] { return ensure(context, *choice); }; });
}

}  // namespace usher::daemon
