// ImapChannel: see the head of imap_channel.hpp.
#include "connectors/email/imap/imap_channel.hpp"

#include "connectors/email/imap/imap_limits.hpp"
#include "connectors/email/mail_greeting.hpp"

namespace usher::connectors::email::imap {

namespace {

using Word = StatusReply::Word;

Error silent(const char* when) { return fail(Fault::unavailable, std::string("the server did not answer in time: ") + when); }

std::string name_of(const MailServer& server) { return server.host + ":" + std::to_string(server.port); }

// Over a connection of its own, which is told nothing else: whoever greets late must not find half a handshake in its way.
bool speaks_tls(MailServer server, const StopSwitch& stop) {
  server.protection = Protection::tls;
  SecureStream stream(std::move(server), stop);
  const auto agreed = stream.connect(in(limits::tls_tried_within));
  return agreed || speaker_of(stream.first_bytes()) == Speaker::tls;
}

}  // namespace

ImapChannel::ImapChannel(const MailServer& server, const StopSwitch& stop, const Silence& silence)
    : server_(server), stop_(stop), silence_(silence), stream_(server, stop, silence) {}

Result<void> ImapChannel::connect() {
  if (auto connected = stream_.connect(in(limits::connect_within)); !connected) return over(connected.error());
  if (auto greeted = greet(); !greeted) return over(stranger(greeted.error()));
  if (server_.protection == Protection::starttls) {
    if (auto switched = switch_to_tls(); !switched) return over(switched.error());
  }
  return capabilities_.empty() ? learn_capabilities() : Result<void>();
}

// A server behind a port for TLS waits for us as we wait for it.
Result<std::optional<Reply>> ImapChannel::first_reply() {
  const Deadline last = in(limits::greeting_within);
  if (server_.protection == Protection::tls) return next(last);
  auto reply = next(in(limits::greeting_soon));
  if (!reply || *reply) return reply;
  if (first_.empty() && speaks_tls(server_, stop_))
    return fail(Fault::unavailable, name_of(server_) + " speaks TLS from the first byte, so it waits for no STARTTLS; write imaps:// for it, or name the port for STARTTLS");
  return next(last);
}

// Who is no IMAP server is named as what it is.
Error ImapChannel::stranger(Error error) const {
  const Speaker speaker = speaker_of(first_);
  const auto who = speaker_name(speaker);
  if (speaker == Speaker::imap || who.empty()) return error;
  error.detail = "no IMAP server but " + std::string(who) + " answers at " + name_of(server_);
  return error;
}

Result<void> ImapChannel::greet() {
  auto reply = first_reply();
  if (!reply) return reply.error();
  if (!*reply) return silent("its greeting");
  const auto* status = std::get_if<StatusReply>(&**reply);
  if (status == nullptr || !status->tag.empty()) return fail(Fault::malformed, "the server does not greet as an IMAP server does");
  if (status->word == Word::bye) return fail(Fault::unavailable, "the server takes no connection: " + shown(status->text));
  if (status->word != Word::ok && status->word != Word::preauth)
    return fail(Fault::malformed, "the server does not greet as an IMAP server does");
  preauthenticated_ = status->word == Word::preauth;
  return {};
}

Result<void> ImapChannel::switch_to_tls() {
  // After PREAUTH there is no STARTTLS: whoever sits between could have said it to keep us from TLS.
  if (preauthenticated_) return fail(Fault::unauthorised, "the server logs us in before TLS, so STARTTLS is not possible");
  if (capabilities_.empty()) {
    if (auto learned = learn_capabilities(); !learned) return learned;
  }
  if (!has("STARTTLS")) return fail(Fault::unauthorised, "the server does not offer STARTTLS; without TLS nothing is said to it");
  auto answer = ask(Command("STARTTLS"), limits::step_within);
  if (!answer) return answer.error();
  if (!answer->ok()) return fail(Fault::unauthorised, "the server refused STARTTLS: " + shown(answer->text));
  // CVE-2021-33515 and its like: what was sent along in the clear would be read as if it had come within TLS.
  if (!reader_.empty()) return fail(Fault::unauthorised, "something was said between STARTTLS and TLS; it may not be the server's");
  reader_ = {};
  forget_capabilities();
  goodbye_.clear();
  return stream_.start_tls(in(limits::connect_within));
}

Result<void> ImapChannel::learn_capabilities() {
  auto answer = ask(Command("CAPABILITY"), limits::step_within);
  if (!answer) return answer.error();
  if (capabilities_.empty()) return over(fail(Fault::malformed, "the server does not say what it can"));
  return {};
}

Result<Answer> ImapChannel::ask(const Command& command, std::chrono::steady_clock::duration within, const Listener& listener) {
  const Deadline deadline = in(within);
  const auto tag = begin(command, deadline);
  if (!tag) return tag.error();
  return finish(*tag, command, deadline, listener, {});
}

Result<Answer> ImapChannel::converse(const Command& command, std::chrono::steady_clock::duration within, const Responder& responder) {
  const Deadline deadline = in(within);
  const auto tag = begin(command, deadline);
  if (!tag) return tag.error();
  return finish(*tag, command, deadline, {}, responder);
}

Result<std::string> ImapChannel::begin(const Command& command, Deadline deadline) {
  // Nothing was sent, so the connection goes on; but there is no answer to wait for either.
  if (!command.sendable()) return over(fail(Fault::malformed, "a NUL cannot be sent to an IMAP server"));
  std::string tag = "u" + std::to_string(++tags_);
  const auto& pieces = command.pieces();
  if (auto sent = send(tag + " " + pieces.front() + (pieces.size() == 1 ? "\r\n" : ""), deadline); !sent) return sent.error();
  return tag;
}

Result<Answer> ImapChannel::finish(const std::string& tag, const Command& command, Deadline deadline, const Listener& listener,
                                   const Responder& responder) {
  const auto& pieces = command.pieces();
  std::size_t sent = 1;
  for (;;) {
    auto reply = next(deadline);
    if (!reply) return reply.error();
    if (!*reply) return over(silent(pieces.front().substr(0, pieces.front().find(' ')).c_str()));
    if (const auto* status = std::get_if<StatusReply>(&**reply); status != nullptr && !status->tag.empty()) {
      if (status->tag != tag) return over(fail(Fault::malformed, "the server ended a command that was not given"));
      return Answer{status->word, status->code, status->arguments, status->text};
    }
    if (const auto* waits = std::get_if<Continuation>(&**reply)) {
      std::string said;
      if (sent < pieces.size()) {
        said = pieces[sent++];
        if (sent == pieces.size()) said += "\r\n";
      } else if (responder) {
        said = responder(waits->text) + "\r\n";
      } else {
        return over(fail(Fault::malformed, "the server waits for something that it was not promised"));
      }
      if (auto gone = send(said, deadline); !gone) return gone.error();
    } else if (listener) {
      listener(**reply);
    }
  }
}

Result<bool> ImapChannel::idle(std::chrono::steady_clock::duration time, const std::function<bool(Reply&)>& listener) {
  const Command command("IDLE");
  const Deadline asked = in(limits::step_within), over_at = in(time);
  const auto tag = begin(command, asked);
  if (!tag) return tag.error();
  bool waiting = false, enough = false;
  while (!waiting || !enough) {
    auto reply = next(waiting ? over_at : asked);
    if (!reply) return reply.error();
    if (!*reply) {
      if (!waiting) return over(silent("IDLE"));
      break;
    }
    if (const auto* status = std::get_if<StatusReply>(&**reply); status != nullptr && status->tag == *tag) return false;
    if (std::holds_alternative<Continuation>(**reply)) waiting = true;
    else if (listener(**reply)) enough = true;
  }
  const Deadline ended = in(silence_.behind_idle);
  if (auto sent = send("DONE\r\n", ended); !sent) return sent.error();
  const auto answer = finish(*tag, command, ended, [&](Reply& reply) { listener(reply); }, {});
  if (!answer) return answer.error();
  return true;
}

Result<std::optional<Reply>> ImapChannel::next(Deadline deadline) {
  for (;;) {
    auto reply = reader_.next();
    if (!reply) return over(reply.error());
    if (*reply) {
      note(**reply);
      return reply;
    }
    // A server that never stops talking is silent, too, as far as the one who waits is concerned.
    if (std::chrono::steady_clock::now() > deadline) return std::optional<Reply>();
    const auto bytes = stream_.receive(deadline);
    if (!bytes) return over(bytes.error());
    if (bytes->empty()) return std::optional<Reply>();
    if (tags_ == 0 && first_.size() < 16) first_ += bytes->substr(0, 16);
    reader_.feed(*bytes);
  }
}

Result<void> ImapChannel::send(std::string_view bytes, Deadline deadline) {
  auto sent = stream_.send(bytes, deadline);
  if (!sent) return over(sent.error());
  return sent;
}

void ImapChannel::note(const Reply& reply) {
  if (const auto* said = std::get_if<CapabilityReply>(&reply)) capabilities_ = {said->names.begin(), said->names.end()};
  const auto* status = std::get_if<StatusReply>(&reply);
  if (status == nullptr) return;
  if (status->word == Word::bye) goodbye_ = goodbye_words_(status->text);
  if (status->code != "CAPABILITY") return;
  capabilities_.clear();
  for (const auto& word : split_words(status->arguments)) capabilities_.insert(upper(word));
}

Error ImapChannel::over(Error error) {
  alive_ = false;
  // Why it ended is in its last words, not in how the line broke.
  if (!goodbye_.empty() && error.fault == Fault::unavailable && error.detail.find(goodbye_) == std::string::npos)
    error.detail = "the server said goodbye: " + goodbye_;
  return error;
}

}  // namespace usher::connectors::email::imap
