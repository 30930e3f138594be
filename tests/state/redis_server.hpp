// A Redis server of one test, started by deploy/redis/server in a folder of its own on a socket there, and stopped with it.
#pragma once

#include <string>
#include <vector>

#include "routing/state/redis_connection.hpp"
#include "routing/state/redis_store.hpp"
#include "tests/journal/temporary_folder.hpp"

namespace usher::testing {

class RedisServer {
 public:
  enum class Door { unix_socket, port };
  explicit RedisServer(Door door = Door::unix_socket);
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  void start();
  void stop();
  // kill -9, and waits for the end.
  void kill();
  void pause();
  void resume();

  // As the user `usher`, or another of users.acl.
  [[nodiscard]] state::RedisOptions options(const std::string& user = "usher") const;
  [[nodiscard]] std::string password(const std::string& user) const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
  [[nodiscard]] int port() const { return port_; }

  // Asks as the operator, on a connection of its own; an error is returned as its text.
  std::string ask(const std::vector<std::string>& command) const { return ask_as("usher-operator", command); }
  [[nodiscard]] std::string ask_as(const std::string& user, const std::vector<std::string>& command) const;

 private:
  void signal(int number) const;
  [[nodiscard]] int process() const;

  TemporaryFolder folder_;
  Door door_;
  int port_ = 0;
};

// What a command printed; the test ends when it fails.
std::string output_of(const std::string& command);

}  // namespace usher::testing
