// ImapChannel: one connection as commands and answers: greeting, STARTTLS, tags, continuations, and what the server says
// without being asked. Any error means that the connection is over. One thread at a time owns it.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "connectors/email/imap/imap_reply.hpp"
#include "connectors/email/imap/imap_words.hpp"
#include "connectors/email/imap/secure_stream.hpp"

namespace usher::connectors::email::imap {

// The tagged end of a command.
struct Answer {
  StatusReply::Word word = StatusReply::Word::ok;
  std::string code, arguments, text;
  [[nodiscard]] bool ok() const { return word == StatusReply::Word::ok; }
};

class ImapChannel {
 public:
  using Listener = std::function<void(Reply&)>;
  // What is said to a continuation, without its line end.
  using Responder = std::function<std::string(const std::string& text)>;

  ImapChannel(const MailServer& server, const StopSwitch& stop, const Silence& silence = {});

  // Connected, protected as the server's Protection says, and its capabilities known.
  Result<void> connect();
  // The server let us in without a login.
  [[nodiscard]] bool preauthenticated() const { return preauthenticated_; }

  // Sends the command and waits for its end; what else is said meanwhile goes to `listener`.
  Result<Answer> ask(const Command& command, std::chrono::steady_clock::duration within, const Listener& listener = {});
  // The same for a command whose continuations are answered by `responder`.
  Result<Answer> converse(const Command& command, std::chrono::steady_clock::duration within, const Responder& responder);
  // IDLE: until `listener` returns true, or the time is over. False: the server ended it by itself, and may not know it.
  Result<bool> idle(std::chrono::steady_clock::duration time, const std::function<bool(Reply&)>& listener);

  // A capability; asked for again after forget_capabilities().
  [[nodiscard]] bool has(const std::string& capability) const { return capabilities_.contains(capability); }
  void forget_capabilities() { capabilities_.clear(); }
  Result<void> learn_capabilities();

  // From now on a goodbye is told by its words: servers repeat what they were told.
  void tell_goodbye_by(std::function<std::string(const std::string& text)> words) { goodbye_words_ = std::move(words); }

  [[nodiscard]] std::string protection() const { return stream_.protection(); }
  [[nodiscard]] const MailServer& server() const { return server_; }
  // No error so far.
  [[nodiscard]] bool alive() const { return alive_; }

 private:
  Result<void> greet();
  Result<std::optional<Reply>> first_reply();
  Error stranger(Error error) const;
  Result<void> switch_to_tls();
  Result<std::string> begin(const Command& command, Deadline deadline);
  Result<Answer> finish(const std::string& tag, const Command& command, Deadline deadline, const Listener& listener,
                        const Responder& responder);
  // The next response, or none until the deadline.
  Result<std::optional<Reply>> next(Deadline deadline);
  Result<void> send(std::string_view bytes, Deadline deadline);
  void note(const Reply& reply);
  Error over(Error error);

  const MailServer server_;
  const StopSwitch& stop_;
  const Silence silence_;
  SecureStream stream_;
  ReplyReader reader_;
  std::set<std::string> capabilities_;
  std::uint64_t tags_ = 0;
  std::string goodbye_;  // What a BYE said, as it may be told.
  std::function<std::string(const std::string& text)> goodbye_words_ = [](const std::string& text) { return shown(text); };
  std::string first_;    // What was said first, as far as it tells who speaks.
  bool preauthenticated_ = false;
  bool alive_ = true;
};

}  // namespace usher::connectors::email::imap
