// SmtpOutcome: how far one attempt to submit a mail came and what the server said there; judge() makes the verdict of it.
// Pure: any thread.
//
// Up to MAIL FROM everything that goes wrong is about the server or its configuration, so the mail waits. From there on
// the server speaks of this mail, and its word counts: 4xx later, 5xx never.
#pragma once

#include <string>
#include <string_view>

#include "connectors/verdict.hpp"

namespace usher::connectors {

// The last thing that was said or tried.
enum class SmtpStage { connect, greeting, hello, starttls, login, sender, recipient, data, dot };

enum class SmtpTrouble {
  none,
  cut,         // The connection ended, or could not be made.
  slow,        // A limit of time.
  tls,         // No TLS, or with somebody who is not the one.
  stranger,    // Who answers speaks something else than SMTP.
  login,       // No login that both know, or no token for it.
  smtputf8,    // The server cannot take the addresses.
  size,        // The mail is larger than the server says it takes.
  unfit,       // The mail itself cannot be handed to any server.
  stopped,     // This process ends; nothing is known to be wrong.
};

struct SmtpOutcome {
  SmtpStage stage = SmtpStage::connect;
  int code = 0;       // The server's answer at this stage; 0: none.
  std::string text;   // That answer, code and all, as one line of printable text; of a login its status alone.
  SmtpTrouble trouble = SmtpTrouble::none;
  std::string words;  // Of the trouble: a sentence without its full stop.
};

// 2xx to the dot: the server has the mail, whatever ended the attempt after that.
[[nodiscard]] bool is_taken(const SmtpOutcome& outcome);
// Taken: sent. See the head.
[[nodiscard]] Verdict judge(const SmtpOutcome& outcome);
// The server refused who we are, not what we sent: a fresh token, or an operator, can help.
[[nodiscard]] bool is_login_refused(const SmtpOutcome& outcome);

// An answer's code and enhanced status without its words: "535 5.7.8". A server may repeat in them what was said to it.
[[nodiscard]] std::string status_of(std::string_view answer);

// Takes a server's answer line by line, as it comes. Any text, any length: what is kept is bounded.
class SmtpAnswer {
 public:
  // One line, with its line end. True: the answer is complete.
  bool add(std::string_view line);
  void clear();
  // 0 until the answer is complete.
  [[nodiscard]] int code() const { return code_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  bool complete_ = false;
  int code_ = 0;
  std::string text_;
};

}  // namespace usher::connectors
