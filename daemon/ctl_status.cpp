// `usherctl status`, `agents`, `queues`: what goes on now.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "daemon/ctl.hpp"
#include "daemon/ctl_table.hpp"

namespace usher::daemon {
namespace {

using boost::json::value;

const boost::json::array& rows_of(const value& answer, std::string_view name) {
  static const boost::json::array none;
  if (answer.is_array()) return answer.get_array();
  const auto* rows = member(answer, name);
  return rows != nullptr && rows->is_array() ? rows->get_array() : none;
}

std::string show_status(const value& answer) { return answer.is_object() ? list_of(answer.get_object()) : cell_of(&answer); }

std::string show_agents(const value& answer) {
  return table_of(rows_of(answer, "agents"), {{"AGENT", "/id"},
                                              {"PRESENCE", "/presence"},
                                              {"CONNECTED", "/connected"},
                                              {"GRACE", "/in_grace"},
                                              {"HELD", "/held"},
                                              {"CAPACITY", "/capacity_total"},
                                              {"MISSED", "/missed_offers"}});
}

std::string show_queues(const value& answer) {
  return table_of(rows_of(answer, "queues"), {{"QUEUE", "/id"},
                                              {"WAITING", "/waiting"},
                                              {"OFFERED", "/offered"},
                                              {"ASSIGNED", "/assigned"},
                                              {"SNOOZED", "/snoozed"},
                                              {"WRAP-UP", "/wrap_up"},
                                              {"OLDEST SINCE", "/oldest_waiting_since"}});
}

void add(CLI::App& app, CtlContext& context, const char* name, const char* about, const char* path,
         std::string (*show)(const value&)) {
  app.add_subcommand(name, about)->callback([&context, path, show] {
    context.chosen = [&context, path, show] { return show_answer(context, path, show); };
  });
}

}  // namespace

void add_status_commands(CLI::App& app, CtlContext& context) {
  add(app, context, "status", "How the daemon is", "/v1/status", &show_status);
  add(app, context, "agents", "Agents, their presence and what they hold", "/v1/agents", &show_agents);
  add(app, context, "queues", "Queues and what waits in them", "/v1/queues", &show_queues);
}

}  // namespace usher::daemon
