// Between the loop's thread, where sessions live, and the socket's; see zmq_agents.hpp.
#include "daemon/zmq_agents.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "daemon/secret_files.hpp"
#include "daemon/zmq_agents_socket.hpp"

namespace usher::daemon {

namespace {

Result<delivery::CurveKeys> read_keys(const std::string& file) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0)
    return fail(Fault::unavailable, file + ": cannot be read: " + std::strerror(errno));
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(Fault::unauthorised, file + ": others may read the secret key: chmod 600 " + file);
  auto text = read_small_file(file);
  if (!text) return text.error();
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  auto keys = delivery::curve_keys_of(*text);
  if (!keys) return fail(Fault::malformed, file + ": " + keys.error().detail);
  return keys;
}

Result<void> check_allowed(const std::vector<AllowedKey>& allowed) {
  for (const auto& one : allowed)
    if (!delivery::is_curve_key(one.public_key))
      return fail(Fault::malformed, "the public key of " + one.agent.text() + " is not 40 characters of Z85");
  return {};
}

void deal_with(DeskGateway& gateway, std::vector<ZmqNews>& news) {
  for (auto& one : news) {
    switch (one.kind) {
      case ZmqNews::Kind::opened:
        gateway.adopt(one.session);
        break;
      case ZmqNews::Kind::heard:
        one.session->heard(one.text);
        break;
      case ZmqNews::Kind::ended:
        one.session->ended(one.code);
    }
  }
}

}  // namespace

struct ZmqAgents::Parts {
  Parts(ZmqAgentsOptions options, HttpLoop& runs_on, DeskGateway& decides)
      : loop(runs_on), gateway(decides), socket(std::move(options), outbox, [this](std::vector<ZmqNews> news) {
          // The destructor waits until the loop has run this.
          loop.post([this, news = std::move(news)]() mutable {
            const auto bytes = bytes_in(news);
            deal_with(gateway, news);
            socket.dealt_with(news.size(), bytes);
          });
        }) {}

  HttpLoop& loop;
  DeskGateway& gateway;
  const std::shared_ptr<ZmqOutbox> outbox = std::make_shared<ZmqOutbox>();
  ZmqAgentsSocket socket;
  std::string endpoint, public_key;
  std::thread thread;
};

Result<std::unique_ptr<ZmqAgents>> ZmqAgents::start(ZmqAgentsOptions options, HttpLoop& loop, DeskGateway& gateway) try {
  std::optional<delivery::CurveKeys> keys;
  if (!options.curve_secret_file.empty()) {
    auto read = read_keys(options.curve_secret_file);
    if (!read) return read.error();
    keys = std::move(*read);
  }
  const auto allowed = check_allowed(options.allowed);
  if (!allowed) return allowed.error();
  auto parts = std::make_unique<Parts>(std::move(options), loop, gateway);
  auto bound = parts->socket.bind(keys);
  if (!bound) return bound.error();
  parts->endpoint = std::move(*bound);
  if (keys) parts->public_key = keys->public_key;
  parts->thread = std::thread([socket = &parts->socket] { socket->run(); });
  return std::unique_ptr<ZmqAgents>(new ZmqAgents(std::move(parts)));
} catch (const zmq::error_t& error) {
  return fail(Fault::unavailable, std::string("ZeroMQ gives no socket: ") + error.what());
}

ZmqAgents::ZmqAgents(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

ZmqAgents::~ZmqAgents() {
  parts_->socket.stop();
  parts_->thread.join();
  // After all news that the thread posted.
  parts_->loop.run([this] {
    for (const auto& session : parts_->socket.left_over()) session->ended(close_vanished);
  });
}

const std::string& ZmqAgents::endpoint() const { return parts_->endpoint; }
const std::string& ZmqAgents::public_key() const { return parts_->public_key; }
ZmqAgentsFigures ZmqAgents::figures() const { return parts_->socket.figures(); }
void ZmqAgents::allow(std::vector<AllowedKey> allowed) { parts_->socket.allow(std::move(allowed)); }

Result<std::string> make_curve_key_file(const std::string& file) {
  const auto keys = delivery::new_curve_keys();
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0 && errno == EEXIST) return fail(Fault::conflict, file + ": is there already");
  if (descriptor < 0) return fail(Fault::unavailable, file + ": cannot be made: " + std::strerror(errno));
  const auto line = keys.secret_key + '\n';
  const bool written = ::write(descriptor, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                       ::fsync(descriptor) == 0;
  ::close(descriptor);
  if (!written) return fail(Fault::unavailable, file + ": cannot be written");
  return keys.public_key;
}

}  // namespace usher::daemon
