// `usherctl agent`: a terminal to work a shift with. Lines come from standard input, a terminal or a pipe; a lost line is
// dialled again with growing pauses, except when the daemon said that this session is over.
#include <poll.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "daemon/agent_tokens.hpp"
#include "daemon/ctl.hpp"
#include "daemon/ctl_agent_desk.hpp"
#include "daemon/ctl_agent_socket.hpp"
#include "daemon/secret_files.hpp"
#include "routing/message/limits.hpp"

namespace usher::daemon {
namespace {

namespace asio = boost::asio;

constexpr auto first_pause = std::chrono::milliseconds(250);
constexpr auto longest_pause = std::chrono::milliseconds(8000);
constexpr auto last_answers_within = std::chrono::seconds(10);  // After the end of piped input.
constexpr int close_replaced = 4001;
constexpr int close_unauthorised = 4003;
constexpr std::size_t typed_line_bytes_max = 256 * 1024;

Result<boost::json::value> upload(const AgentAddress& where, const std::string& token, const std::string& path) {
  std::error_code wrong;
  const auto size = std::filesystem::file_size(path, wrong);
  if (wrong) return fail(Fault::not_found, path + ": " + wrong.message());
  if (size > limits::attachment_bytes_max)
    return fail(Fault::too_large, path + " is larger than " + std::to_string(limits::attachment_bytes_max) + " bytes");
  auto bytes = read_small_file(path);
  if (!bytes) return bytes.error();
  const auto name = std::filesystem::path(path).filename().string();
  return send_file({upload_url(where, name), token, where.ca_file, type_by_name(name), std::move(*bytes)});
}

class Terminal {
 public:
  Terminal(AgentAddress address, std::string token, std::string tenant)
      : address_(std::move(address)),
        desk_(token, sha256_of(random_bytes(16)).substr(0, 16) + "-",
              [where = address_, token](const std::string& path) { return upload(where, token, path); }, std::move(tenant)) {}

  Exit run() {
    dial();
    second();
    std::thread(&Terminal::read_input, loop_, this).detach();
    loop_->run();
    return exit_;
  }

 private:
  // Reads standard input for as long as the loop lives; a blocked read must not keep the program from ending, so this
  // thread is left behind. It touches only the loop and, through it, the terminal, which lives until the process ends.
  static void read_input(std::shared_ptr<asio::io_context> loop, Terminal* terminal) {
    std::string held;
    char buffer[4096];
    for (;;) {
      const auto count = ::read(STDIN_FILENO, buffer, sizeof(buffer));
      if (count <= 0) break;
      held.append(buffer, static_cast<std::size_t>(count));
      std::size_t end = 0;
      while ((end = held.find('\n')) != std::string::npos) {
        asio::post(*loop, [terminal, line = held.substr(0, end)] { terminal->typed(line); });
        held.erase(0, end + 1);
      }
      if (held.size() > typed_line_bytes_max) held.clear();
    }
    asio::post(*loop, [terminal, held] {
      if (!held.empty()) terminal->typed(held);
      terminal->input_ended();
    });
  }

  void dial() {
    AgentSocket::Events events;
    events.opened = [this] {
      pause_ = first_pause;
      act(desk_.opened());
    };
    events.received = [this](const std::string& frame) {
      act(desk_.received(frame, clock_.wall()));
      type_waiting();
      finish_when_answered();
    };
    events.closed = [this](int code, const std::string& reason) { closed(code, reason); };
    socket_ = make_agent_socket(*loop_, address_, std::move(events));
    socket_->open();
  }

  void closed(int code, const std::string& reason) {
    socket_.reset();
    const bool was_ready = desk_.ready();
    desk_.lost();
    if (leaving_) return stop(exit_);
    if (code == close_unauthorised) {
      say("the daemon does not accept this token");
      return stop(Exit::refused);
    }
    if (code == close_untrusted) {
      say("the daemon's certificate is not trusted: " + reason);
      return stop(Exit::refused);
    }
    if (code == close_replaced) {
      say("you signed in somewhere else; this session is over");
      return stop(Exit::temporary);
    }
    if (was_ready || pause_ == first_pause)
      say("no line to the daemon (" + (reason.empty() ? "closed " + std::to_string(code) : reason) + "); dialling again");
    redial_.expires_after(pause_);
    pause_ = std::min(pause_ * 2, longest_pause);
    redial_.async_wait([this](boost::system::error_code stopped) {
      if (!stopped && !leaving_) dial();
    });
  }

  // Commands typed before the first welcome wait for it: "accept" means nothing before offers are known.
  void typed(const std::string& line) {
    if (!desk_.ready()) {
      // With nothing said before it, quit need not wait for anybody; else a piped shift would be dropped unsaid.
      if (waiting_.empty() && (line == "quit" || line == "exit")) return leave(Exit::ok);
      waiting_.push_back(line);
      return;
    }
    act(desk_.typed(line, clock_.wall()));
  }

  void type_waiting() {
    if (!desk_.ready()) return;
    auto lines = std::move(waiting_);
    waiting_.clear();
    for (const auto& line : lines) act(desk_.typed(line, clock_.wall()));
  }

  void input_ended() {
    input_ended_at_ = std::chrono::steady_clock::now();
    finish_when_answered();
  }

  void finish_when_answered() {
    if (!input_ended_at_ || leaving_) return;
    if (desk_.ready() && waiting_.empty() && desk_.all_answered()) return leave(Exit::ok);
    if (std::chrono::steady_clock::now() - *input_ended_at_ > last_answers_within) {
      say("the daemon did not answer everything");
      leave(Exit::unavailable);
    }
  }

  void second() {
    tick_.expires_after(std::chrono::seconds(1));
    tick_.async_wait([this](boost::system::error_code stopped) {
      if (stopped || leaving_) return;
      act(desk_.tick(clock_.wall()));
      finish_when_answered();
      if (!leaving_) second();
    });
  }

  void act(const DeskOutput& out) {
    for (const auto& line : out.lines) say(line);
    if (socket_)
      for (const auto& frame : out.frames) socket_->send(frame);
    if (out.wrong_tenant) leave(Exit::data);
    if (out.quit) leave(Exit::ok);
  }

  void leave(Exit code) {
    if (leaving_) return;
    leaving_ = true;
    exit_ = code;
    if (!socket_) return stop(code);
    socket_->close();
    // A daemon that does not answer the goodbye does not keep anybody here.
    tick_.expires_after(std::chrono::seconds(2));
    tick_.async_wait([this](boost::system::error_code stopped) {
      if (!stopped) stop(exit_);
    });
  }

  void stop(Exit code) {
    exit_ = code;
    leaving_ = true;
    loop_->stop();
  }

  static void say(const std::string& line) {
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);  // A pipe's reader wants it now.
  }

  std::shared_ptr<asio::io_context> loop_ = std::make_shared<asio::io_context>(1);
  asio::steady_timer redial_{*loop_};
  asio::steady_timer tick_{*loop_};
  SystemClock clock_;
  AgentAddress address_;
  TerminalDesk desk_;
  std::shared_ptr<AgentSocket> socket_;
  std::vector<std::string> waiting_;  // Typed before the welcome.
  std::chrono::milliseconds pause_ = first_pause;
  std::optional<std::chrono::steady_clock::time_point> input_ended_at_;
  bool leaving_ = false;
  Exit exit_ = Exit::ok;
};

struct AgentChoice {
  std::string url = "http://127.0.0.1:8080";
  std::string token;
  std::string token_file;
  std::string ca_file;
};

Exit work(const AgentChoice& choice, const std::string& tenant) {
  auto address = parse_agent_address(choice.url);
  if (!address) {
    complain(address.error());
    return Exit::usage;
  }
  if (!choice.ca_file.empty() && !address->tls) {
    std::fputs("usherctl: --ca-file is for https:// and wss://; this address has no TLS\n", stderr);
    return Exit::usage;
  }
  if (const auto readable = check_ca_file(choice.ca_file); address->tls && !readable) {
    complain(readable.error());
    return Exit::usage;
  }
  address->ca_file = choice.ca_file;
  auto token = choice.token;
  if (token.empty() && !choice.token_file.empty()) {
    const auto read = read_small_file(choice.token_file);
    if (!read) return complain(read.error());
    token = read->substr(0, read->find_first_of("\r\n"));
  }
  if (token.empty()) {
    std::fputs("usherctl: say who you are with --token or --token-file (usherctl token create AGENT makes one)\n", stderr);
    return Exit::usage;
  }
  // Never destroyed: the thread that reads standard input may still name it while the process ends.
  auto* terminal = new Terminal(std::move(*address), std::move(token), tenant);
  return terminal->run();
}

}  // namespace

void add_agent_command(CLI::App& app, CtlContext& context) {
  auto choice = std::make_shared<AgentChoice>();
  auto* agent = app.add_subcommand("agent", "Work as an agent in this terminal");
  agent->add_option("--url", choice->url, "The daemon's public listener")->capture_default_str();
  agent->add_option("--token", choice->token, "The agent's token");
  agent->add_option("--token-file", choice->token_file, "A file with the agent's token");
  agent->add_option("--ca-file", choice->ca_file, "With https://: certificates to trust instead of the machine's");
  agent->callback([&context, choice] { context.chosen = [choice, &context] { return work(*choice, context.tenant); }; });
}

}  // namespace usher::daemon
