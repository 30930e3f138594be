// SmtpServer: a submission server on a free port of 127.0.0.1 that says at each stage what the test wants: refusals,
// silence, a cut line, nonsense. TLS by OpenSSL, from the first byte or by STARTTLS. One thread for accepting, one for each
// connection; what it got is kept byte for byte.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "connectors/email/mail_account.hpp"
#include "tests/connectors/test_certificates.hpp"

namespace usher::connectors::testing {

// What a server got over one connection.
struct SmtpGot {
  std::vector<std::string> commands;  // With the steps of a login, without the text.
  std::vector<std::string> texts;     // Each mail's bytes as they came, without the final dot.
  bool in_tls = false;                // At its end.
  int number = 0;                     // Of the connection, from 1.

  // The first command that begins so; "": none.
  [[nodiscard]] std::string command(std::string_view beginning) const;
};

struct SmtpHabits {
  bool tls_first = false;
  std::vector<std::string> offers{"SIZE 10000000", "8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER"};
  int tls_version_max = 0;  // 0: any.
  bool starttls = true;  // Offered before TLS. Everything else is offered before it, too.
  std::chrono::milliseconds text_pause{0};  // After each mebibyte of a text: a slow line; or one that stands still.
  std::string password = "secret";  // Of the user `support@ex.com`; also the token.
};

class SmtpServer {
 public:
  // `stage`: greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, dot, NOOP, RSET, QUIT. The whole answer with its line ends; "" cuts
  // the line; `hang` says nothing until the peer leaves; none: what a good server says.
  using Answer = std::function<std::optional<std::string>(std::string_view stage, const SmtpGot& so_far)>;
  static const std::string hang;

  explicit SmtpServer(SmtpHabits habits = {}, Answer answer = {});
  ~SmtpServer();
  SmtpServer(const SmtpServer&) = delete;
  SmtpServer& operator=(const SmtpServer&) = delete;

  // Shown instead of its own certificate for `localhost`.
  void show(const TestCertificate& certificate);
  [[nodiscard]] const TestCertificate& authority() const { return authority_; }
  // An account here: with the right password, checked against the server's own authority, which is written to a file.
  [[nodiscard]] email::SmtpAccount account(email::Protection protection) const;
  [[nodiscard]] int port() const { return port_; }

  // Over all connections that have ended, in the order of their ends.
  std::vector<SmtpGot> wait_for(std::size_t connections);
  [[nodiscard]] int connections();

 private:
  struct Line;
  void accept_all();
  void serve(int connection, int number);
  [[nodiscard]] std::string answer_to(std::string_view stage, const SmtpGot& got, const std::string& usual) const;
  bool command(Line& line, SmtpGot& got, const std::string& text);
  bool log_in(Line& line, SmtpGot& got, const std::string& text);
  bool take_text(Line& line, SmtpGot& got);
  bool take_slowly(Line& line);

  const SmtpHabits habits_;
  const Answer answer_;
  const TestCertificate authority_;
  std::string authority_file_;
  int listener_ = -1, port_ = 0;
  std::mutex mutex_;
  // Guarded by mutex_.
  TestCertificate certificate_;
  std::condition_variable changed_;
  std::vector<SmtpGot> ended_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  int connections_ = 0;
  bool stopping_ = false;
  std::thread accepting_;
};

}  // namespace usher::connectors::testing
