// `usherctl token create|revoke AGENT`. A token is shown once, here; the daemon keeps only its hash.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "daemon/ctl.hpp"
#include "daemon/ctl_table.hpp"

namespace usher::daemon {
namespace {

Exit create(const CtlContext& context, const std::string& agent) {
  const boost::json::value nothing = boost::json::object{};
  const auto answer = ask(context, "POST", "/v1/agents/" + percent_encode(agent) + "/tokens", &nothing);
  if (!answer) return complain(answer.error());
  // The bare token, so that $(usherctl token create ana) is the token.
  const auto text = context.json ? boost::json::serialize(*answer) : text_member(*answer, "token");
  std::puts(text.c_str());
  return Exit::ok;
}

Exit revoke(const CtlContext& context, const std::string& agent) {
  const auto answer = ask(context, "DELETE", "/v1/agents/" + percent_encode(agent) + "/tokens");
  if (!answer) return complain(answer.error());
  const auto text = context.json ? boost::json::serialize(*answer) : "revoked " + cell_of(member(*answer, "revoked"));
  std::puts(text.c_str());
  return Exit::ok;
}

void add(CLI::App& group, CtlContext& context, const char* name, const char* about,
         Exit (*run)(const CtlContext&, const std::string&)) {
  auto agent = std::make_shared<std::string>();
  auto* command = group.add_subcommand(name, about);
  command->add_option("AGENT", *agent, "As in the configuration")->required();
  command->callback([&context, agent, run] { context.chosen = [&context, agent, run] { return run(context, *agent); }; });
}

}  // namespace

void add_token_commands(CLI::App& app, CtlContext& context) {
  auto* group = app.add_subcommand("token", "Tokens with which agents sign in");
  group->require_subcommand(1);
  add(*group, context, "create", "Make one; it is shown once", &create);
  add(*group, context, "revoke", "Take back every token made for this agent; its sessions end at once", &revoke);
}

}  // namespace usher::daemon
