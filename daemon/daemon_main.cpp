// usherd run | check-config | config schema | version.
#include "daemon/daemon_main.hpp"

#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <atomic>
#include <cstdio>
#include <exception>
#include <future>
#include <thread>

#include "daemon/config_catalog.hpp"
#include "daemon/ctl.hpp"
#include "daemon/logging.hpp"
#include "daemon/node.hpp"
#include "daemon/ops_routes_parts.hpp"
#include "daemon/reloader.hpp"
#include "daemon/signals.hpp"
#include "daemon/systemd_notify.hpp"
#include "daemon/version.hpp"

namespace usher::daemon {
namespace {

constexpr auto look_around_every = Milliseconds(1000);
constexpr auto after_drain = Milliseconds(5000);  // For closing files once nothing is under way.

struct RunChoice {
  std::string config;
  std::string data;
  std::string roles = "edge,router,desk";
  int engine_version = 0;
};

Exit exit_for(Fault fault) {
  switch (fault) {
    case Fault::malformed: return Exit::data;
    case Fault::unauthorised: return Exit::refused;
    case Fault::conflict:
    case Fault::overloaded: return Exit::temporary;
    default: return Exit::unavailable;
  }
}

void print_problems(const config::Problems& problems) {
  for (const auto& line : problems.lines) std::fprintf(stderr, "%s\n", line.c_str());
}

Exit check_config(const std::string& file) {
  const auto loaded = load_settings(file);
  print_problems(loaded.problems);
  if (!loaded.settings) return Exit::config;
  std::puts("ok");
  return Exit::ok;
}

// Says what the router came to, once a change.
class PhaseWatch {
 public:
  void look(const router::RouterStatus& status) {
    if (status.phase == last_) return;
    last_ = status.phase;
    const auto level = status.phase == router::Phase::routing ? LogLevel::info
                       : status.phase == router::Phase::standby ? LogLevel::info
                       : status.phase == router::Phase::failed ? LogLevel::error
                                                               : LogLevel::warn;
    log(level, "router", "phase", {{"phase", router::phase_name(status.phase)}, {"reason", status.reason}});
    notify_systemd("STATUS=" + std::string(router::phase_name(status.phase)) + " " + status.reason);
  }

 private:
  router::Phase last_ = router::Phase::loading;
};

void serve(Node& node, Reloader& reloader) {
  const auto watchdog = watchdog_interval();
  // Half the interval, so that one late round is no death.
  const auto round = watchdog ? std::min(look_around_every, std::chrono::duration_cast<Milliseconds>(*watchdog) / 2)
                              : look_around_every;
  PhaseWatch phases;
  for (;;) {
    const auto signal = wait_for_signal(round);
    if (signal == Signal::stop) return;
    if (signal == Signal::reload) reloader.ask();
    if (const auto status = node.router_status()) phases.look(*status);
    // Fed by the router's own thread: a router that hangs is a daemon that hangs.
    if (node.router_answered() && watchdog) notify_systemd("WATCHDOG=1");
  }
}

// Drains on a thread of its own, so that a second signal is seen. Returns the exit code.
Exit wind_down(std::unique_ptr<Node> node, std::unique_ptr<Reloader> reloader) {
  log_info("usherd", "stopping");
  reloader->close();
  notify_systemd("STOPPING=1\nSTATUS=draining");
  std::atomic<bool> over{false};
  std::thread drain([&over, &node, &reloader] {
    if (!node->stop()) log_warn("usherd", "connections were cut off at the end of the drain");
    reloader.reset();  // Its reload uses the node, and has given up by now.
    node.reset();
    over = true;
  });
  const auto deadline = std::chrono::steady_clock::now() + limits::drain_max + after_drain;
  while (!over) {
    const auto signal = wait_for_signal(Milliseconds(20));
    const bool late = std::chrono::steady_clock::now() > deadline;
    // Nothing acknowledged is lost either way: it was durable before it was acknowledged.
    if (signal == Signal::stop || late) {
      log_warn("usherd", late ? "the drain took too long" : "stopped at once by a second signal");
      stop_logging();
      ::_exit(static_cast<int>(late ? Exit::internal : Exit::temporary));
    }
  }
  drain.join();
  log_info("usherd", "stopped");
  return Exit::ok;
}

// What was asked for while the daemon started: requests answer a moment before the start is over.
struct AskedMeanwhile {
  bool reload = false;
  bool stop = false;
};

// Starts on a thread of its own, so that a signal ends also a start that reads a long journal: nobody is inside yet. With
// its doors open the start is a moment from its end, and who came in is owed an orderly one.
Result<std::unique_ptr<Node>> start_node(config::Settings settings, NodeOptions options, AskedMeanwhile& asked) {
  std::atomic<bool> doors_opening{false};
  options.doors_opening = &doors_opening;
  auto starting = std::async(std::launch::async, [&] { return Node::start(std::move(settings), std::move(options)); });
  while (starting.wait_for(Milliseconds(0)) != std::future_status::ready) {
    const auto signal = wait_for_signal(Milliseconds(10));
    if (signal == Signal::reload) asked.reload = true;
    if (signal != Signal::stop) continue;
    if (doors_opening && !std::exchange(asked.stop, true)) continue;
    log_info("usherd", "stopped before it was ready");
    stop_logging();
    ::_exit(static_cast<int>(Exit::ok));
  }
  return starting.get();
}

Exit run(const RunChoice& choice) {
  const auto roles = parse_roles(choice.roles);
  if (!roles) {
    std::fprintf(stderr, "usherd: --roles: %s\n", roles.error().detail.c_str());
    return Exit::usage;
  }
  auto loaded = load_settings(choice.config);
  print_problems(loaded.problems);
  if (!loaded.settings) return Exit::config;
  auto settings = std::move(*loaded.settings);
  if (!roles->all() && !settings.kafka) {
    std::fprintf(stderr, "usherd: --roles: without kafka and redis in the configuration, one process runs all of edge, "
                         "router and desk\n");
    return Exit::config;
  }
  const std::filesystem::path data = choice.data.empty() ? settings.data_folder : choice.data;

  block_signals();
  start_logging(parse_log_level(settings.log_level), settings.log_format == "text" ? LogFormat::text : LogFormat::json);
  log_info("usherd", "starting", {{"version", version},
                                  {"engine_version", choice.engine_version},
                                  {"tenant", settings.tenant.text()},
                                  {"roles", roles->text()},
                                  {"data", data.string()}});
  AskedMeanwhile asked;
  auto node = start_node(std::move(settings), {choice.config, data, *roles, choice.engine_version}, asked);
  if (!node) {
    log_error("usherd", node.error().detail);
    stop_logging();
    std::fprintf(stderr, "usherd: %s\n", node.error().detail.c_str());
    return exit_for(node.error().fault);
  }
  if (const auto& url = (*node)->public_address(); !url.empty())
    log_info("http", "customers and agents: " + url, {{"url", url}});
  log_info("http", "operations: " + (*node)->ops_address(), {{"url", (*node)->ops_address()}});
  notify_systemd("READY=1\nSTATUS=routing");
  auto reloader = std::make_unique<Reloader>([one = node->get()] { return one->reload().has_value(); },
                                             [](std::string_view state) { notify_systemd(state); });
  if (asked.reload) reloader->ask();
  if (!asked.stop) serve(**node, *reloader);
  const auto code = wind_down(std::move(*node), std::move(reloader));
  stop_logging();
  return code;
}

Exit print_version(bool json) {
  if (json) std::printf("{\"name\":\"usherd\",\"version\":\"%s\"}\n", version);
  else std::printf("usherd %s\n", version);
  return Exit::ok;
}

}  // namespace

int run_usherd(int argc, const char* const* argv) { return run_usherd_as(engine::engine_version, argc, argv); }

int run_usherd_as(int engine_version, int argc, const char* const* argv) {
  CLI::App app{"Usher: routes customers' messages to the right agents. Exit codes: 0 stopped, 64 usage, 65 damaged data, "
               "69 unavailable, 70 internal, 75 in use, 77 permissions, 78 bad configuration."};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("usherd ") + version);
  std::function<Exit()> chosen;

  RunChoice choice;
  choice.engine_version = engine_version;
  auto* run_command = app.add_subcommand("run", "Run the daemon until SIGTERM; SIGHUP reads the configuration again");
  run_command->add_option("--config", choice.config, "The configuration file")->required();
  run_command->add_option("--data", choice.data, "The data folder; wins over the file's");
  run_command->add_option("--roles", choice.roles, "What this process does; fewer than all three only with Kafka and Redis")->capture_default_str();
  run_command->callback([&] { chosen = [&] { return run(choice); }; });

  std::string file;
  auto* check = app.add_subcommand("check-config", "Report every problem of a configuration file");
  check->add_option("FILE", file, "The configuration file")->required();
  check->callback([&] { chosen = [&] { return check_config(file); }; });

  bool json = false;
  auto* version_command = app.add_subcommand("version", "Print the version");
  version_command->add_flag("--json", json, "As JSON");
  version_command->callback([&] { chosen = [&] { return print_version(json); }; });

  auto* config_command = app.add_subcommand("config", "About the configuration file");
  config_command->require_subcommand(1);
  config_command->add_subcommand("schema", "Print its JSON Schema")->callback([&] {
    chosen = [] {
      std::puts(settings_schema().c_str());
      return Exit::ok;
    };
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  try {
    return static_cast<int>(chosen ? chosen() : Exit::usage);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "usherd: a defect: %s\n", error.what());
    return static_cast<int>(Exit::internal);
  }
}

}  // namespace usher::daemon
