// What the subcommands of usherctl share: where the daemon is, how a result is shown, how a refusal becomes an exit code.
// Each subcommand is one file ctl_NAME.cpp that adds itself to the command line. One thread, but for `agent`.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "routing/message/result.hpp"

namespace CLI {
class App;
}

namespace usher::daemon {

using namespace usher::message;

// sysexits(3), as every program of Usher uses them.
enum class Exit : int {
  ok = 0,
  usage = 64,         // The command line is wrong.
  data = 65,          // The input is wrong, or there is no such thing.
  unavailable = 69,   // The daemon cannot be reached.
  internal = 70,      // A defect of ours, or an answer nobody can understand.
  cannot_write = 73,  // A file could not be made.
  temporary = 75,     // Try again later.
  refused = 77,       // Wrong token, wrong signature.
  config = 78,        // Bad configuration.
};

struct CtlContext {
  std::string url;         // Of the operations listener.
  std::string token;       // --token or USHER_TOKEN.
  std::string token_file;
  std::string tenant;      // "": whichever the daemon serves; another than that is refused.
  bool json = false;
  std::function<Exit()> chosen;  // What the command line asked for; set while it is parsed.
};

// Prints `usherctl: SENTENCE` to standard error and returns the code that belongs to the fault.
Exit complain(const Error& error);

// One request to the daemon; the answer's JSON. Problem documents come back as errors with their detail.
[[nodiscard]] Result<boost::json::value> ask(const CtlContext& context, std::string_view method, std::string_view path,
                                             const boost::json::value* body = nullptr);
// A file for the public listener, posted as an agent.
struct FileToSend {
  std::string url, token, ca_file;
  std::string type;  // As its name tells; the daemon looks at the bytes.
  std::string bytes;
};
// The file's description, for a reply to repeat.
[[nodiscard]] Result<boost::json::value> send_file(const FileToSend& file);
// The media type that a name's ending stands for; application/octet-stream when it is not known.
[[nodiscard]] std::string type_by_name(std::string_view file_name);
// GET `path`; prints it as JSON with --json, else through `show`.
Exit show_answer(const CtlContext& context, const std::string& path,
                 const std::function<std::string(const boost::json::value&)>& show);

// All of a file, or of standard input for "-" and "".
[[nodiscard]] Result<std::string> read_input(const std::string& file);
// For a path segment or a query value.
[[nodiscard]] std::string percent_encode(std::string_view text);

void add_status_commands(CLI::App& app, CtlContext& context);         // status, agents, queues
void add_conversation_commands(CLI::App& app, CtlContext& context);   // conversations, explain
void add_dead_letter_commands(CLI::App& app, CtlContext& context);
void add_token_commands(CLI::App& app, CtlContext& context);
void add_connector_commands(CLI::App& app, CtlContext& context);
void add_backup_commands(CLI::App& app, CtlContext& context);         // backup, restore
void add_topics_command(CLI::App& app, CtlContext& context);
void add_recover_command(CLI::App& app, CtlContext& context);
void add_normalize_command(CLI::App& app, CtlContext& context);
void add_verify_command(CLI::App& app, CtlContext& context);
void add_agent_command(CLI::App& app, CtlContext& context);

}  // namespace usher::daemon
