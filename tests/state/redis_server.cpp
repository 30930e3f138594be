// RedisServer: runs the script, reads the address it prints, and ends only the process whose number it wrote down.
#include "tests/state/redis_server.hpp"

#include <signal.h>
#include <stdio.h>

#include <filesystem>
#include <fstream>

#include "tests/journal/paused_process.hpp"

namespace usher::testing {

namespace {

const std::string script = std::string(USHER_SOURCE_DIR) + "/deploy/redis/server";

std::string text_of(state::RedisView view) {
  if (view.is_nil()) return "(nil)";
  if (view.is_integer()) return std::to_string(view.integer());
  if (!view.is_array()) return std::string(view.text());
  std::string joined;
  for (std::size_t i = 0; i < view.size(); ++i) joined += (i == 0 ? "" : " ") + text_of(view.at(i));
  return joined;
}

}  // namespace

std::string output_of(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  message::expect(pipe != nullptr, "a test can run a program");
  std::string text;
  for (int c = ::fgetc(pipe); c != EOF; c = ::fgetc(pipe)) text += static_cast<char>(c);
  message::expect(::pclose(pipe) == 0, "the program of a test succeeds");
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

RedisServer::RedisServer(Door door) : door_(door) { start(); }
RedisServer::~RedisServer() { stop(); }

void RedisServer::start() {
  std::string how = " --unix";
  if (door_ == Door::port) how = port_ == 0 ? "" : " --port " + std::to_string(port_);
  const auto address = output_of(script + " start --folder " + folder().string() + how);
  if (door_ == Door::port) port_ = std::stoi(address.substr(address.rfind(':') + 1));
}

void RedisServer::stop() { output_of(script + " stop --folder " + folder().string()); }

void RedisServer::kill() {
  const auto ended = "/proc/" + std::to_string(process()) + "/cwd";
  signal(SIGKILL);
  std::error_code ignored;
  while (!std::filesystem::read_symlink(ended, ignored).empty()) {
  }
}

void RedisServer::pause() { pause_process(process()); }
void RedisServer::resume() { signal(SIGCONT); }

state::RedisOptions RedisServer::options(const std::string& user) const {
  state::RedisOptions options;
  if (door_ == Door::unix_socket) options.unix_socket = (folder() / "redis.sock").string();
  options.host = "127.0.0.1";
  options.port = static_cast<std::uint16_t>(port_);
  options.user = user;
  options.password = password(user);
  return options;
}

std::string RedisServer::password(const std::string& user) const {
  std::ifstream file(folder() / (user + ".password"));
  std::string text;
  file >> text;
  return text;
}

std::string RedisServer::ask_as(const std::string& user, const std::vector<std::string>& command) const {
  const auto socket = door_ == Door::unix_socket ? (folder() / "redis.sock").string() : std::string();
  const auto deadline = state::RedisDeadline::in(message::Milliseconds{10'000});
  auto connection = state::RedisConnection::connect({"127.0.0.1", port_, socket}, message::Milliseconds{5'000});
  message::expect(connection.has_value(), "the server of a test accepts");
  const auto greeted = connection->ask(state::RedisCommand{"AUTH", user, password(user)}, deadline);
  message::expect(greeted.has_value() && !greeted->is_error(), "the server of a test knows its users");
  state::RedisCommand wanted;
  for (const auto& argument : command) wanted.add(argument);
  const auto reply = connection->ask(wanted, deadline);
  message::expect(reply.has_value(), "the server of a test answers");
  return text_of(reply->view());
}

int RedisServer::process() const {
  std::ifstream file(folder() / "redis.pid");
  int number = 0;
  file >> number;
  message::expect(number > 1, "the script wrote down the process");
  return number;
}

void RedisServer::signal(int number) const { ::kill(process(), number); }

}  // namespace usher::testing
