// The command line of usherctl: what is shared by all subcommands, then each of them.
#include "daemon/ctl_main.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <exception>

#include "daemon/ctl.hpp"
#include "daemon/version.hpp"

namespace usher::daemon {

int run_usherctl(int argc, const char* const* argv) {
  CLI::App app{"Looks after a running usherd. Exit codes: 0 done, 64 usage, 65 bad input, 69 no daemon, 70 internal, "
               "75 try again, 77 refused, 78 bad configuration."};
  CtlContext context;
  context.url = "http://127.0.0.1:8081";
  app.set_version_flag("--version", std::string("usherctl ") + version);
  app.add_option("--url", context.url, "The daemon's operations listener")->envname("USHER_URL")->capture_default_str();
  app.add_option("--token", context.token, "The operator's token")->envname("USHER_TOKEN");
  app.add_option("--token-file", context.token_file, "A file with it: DATA/admin.token");
  app.add_option("--tenant", context.tenant, "Only if the daemon serves this tenant");
  app.add_flag("--json", context.json, "JSON with a stable form, for programs");
  app.require_subcommand(1);
  app.fallthrough();  // `usherctl agents --json` and `usherctl --json agents` are the same.
  add_status_commands(app, context);
  add_conversation_commands(app, context);
  add_dead_letter_commands(app, context);
  add_token_commands(app, context);
  add_connector_commands(app, context);
  add_backup_commands(app, context);
  add_topics_command(app, context);
  add_recover_command(app, context);
  add_normalize_command(app, context);
  add_verify_command(app, context);
  add_agent_command(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  try {
    return static_cast<int>(context.chosen ? context.chosen() : Exit::usage);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "usherctl: a defect: %s\n", error.what());
    return static_cast<int>(Exit::internal);
  }
}

}  // namespace usher::daemon
