// ImapSession: one mailbox over one connection, command by command. Blocks its caller, each step within a deadline; the
// StopSwitch ends it at once. A server's NO is `conflict` with its words, or `unavailable` when it says of itself that it passes,
// and the session goes on; any other error means that the connection is over (alive() says so). Mails are named by UID alone: sequence numbers move. One thread at a time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/email/imap/imap_channel.hpp"
#include "connectors/email/imap/imap_login.hpp"

namespace usher::connectors::email::imap {

inline constexpr const char* ingested_keyword = "$UsherIngested";

struct Selected {
  Uid uid_validity = 0;
  Uid uid_next = 0;  // The next mail gets this one or a larger one.
  bool next_told = false;  // By the server. Otherwise it follows the last mail there is, and sinks when that one goes.
  std::uint32_t exists = 0;
  bool read_only = false;
  bool keywords = false;  // ingested_keyword may be set, and stays.
};

// What is known of a mail before it is fetched.
struct Described {
  Uid uid = 0;
  std::uint64_t size = 0;
  std::optional<Instant> internal_date;
};

class ImapSession {
 public:
  // Connects and logs in; a token that is refused is replaced by a fresh one, once. The switch outlives the session.
  static Result<std::unique_ptr<ImapSession>> open(const MailServer& server, const Credentials& credentials, const TokenSource& token,
                                                   const StopSwitch& stop, const Silence& silence = {});

  [[nodiscard]] bool alive() const { return channel_.alive(); }
  [[nodiscard]] bool has(const std::string& capability) const { return channel_.has(capability); }
  [[nodiscard]] std::string protection() const { return channel_.protection(); }

  Result<Selected> select(const std::string& folder);
  // Mails from `first` on, up to `last` (0: to the end), that arrived since that day; ascending.
  Result<std::vector<Uid>> search(Uid first, Uid last = 0, std::optional<Instant> since = {});
  // The numbers of the mails at these places in the folder, from 1; ascending. The places move when mails go.
  Result<std::vector<Uid>> numbers_at(const std::vector<std::uint32_t>& places);
  [[nodiscard]] std::uint32_t exists() const { return exists_; }  // Mails in the folder.
  // Ascending. What is missing need not be gone: a server may leave mails out, or end with a NO. Only a search tells.
  Result<std::vector<Described>> describe(const std::vector<Uid>& uids);
  // The mail, without setting \Seen; only its first `bytes_max` bytes when given. None: the server said
  // nothing of it, which does not mean yet that it is gone.
  Result<std::optional<std::string>> fetch(Uid uid, std::uint64_t size, std::optional<std::size_t> bytes_max = {});
  Result<void> add_flag(const std::vector<Uid>& uids, const std::string& flag);
  // Looks whether mails can be put into a folder, and changes nothing. False: it is not there, and will be made. conflict: never,
  // in words. What a server says only to the one who tries cannot be known.
  Result<bool> can_take(const std::string& folder);
  // It is the one that is selected, however it is spelled.
  Result<bool> is_open(const std::string& folder);
  // Makes the folder when it is not there. Folders, here and elsewhere, go by the name that people give them.
  Result<void> move(const std::vector<Uid>& uids, const std::string& folder);
  // Marks as deleted, and removes these where the server can remove named mails; never what others marked.
  Result<void> erase(const std::vector<Uid>& uids);
  // Adds a mail that was read.
  Result<void> append(const std::string& folder, std::string_view bytes);

  enum class Idled { news, quiet, refused };
  // Until a mail may have come, or the time is over. refused: the server has no IDLE that works; nothing was waited for.
  Result<Idled> idle(std::chrono::steady_clock::duration time);
  Result<void> noop();
  // Says goodbye, for a moment at most.
  void logout();

 private:
  ImapSession(const MailServer& server, const StopSwitch& stop, const Silence& silence) : channel_(server, stop, silence) {}
  Result<Answer> ask(const Command& command, std::chrono::steady_clock::duration within, const ImapChannel::Listener& listener = {});
  void listen(const Reply& reply);
  Result<std::vector<Uid>> found_by(const Command& command);
  Result<void> carry_out(const std::string& what, const Command& command);
  Result<void> copy_and_mark(const std::vector<Uid>& uids, const std::string& folder);
  Result<Answer> ask_making(const std::string& name, const Command& command, std::chrono::steady_clock::duration within);
  [[nodiscard]] std::string spelled(const std::string& folder) const { return utf8_ ? folder : folder_name(folder); }
  // The name of a folder on this server.
  Result<std::string> called(const std::string& folder);
  Result<std::string> find_name(const std::string& folder);
  // The folder of that name, or none.
  Result<std::optional<ListReply>> listed(const std::string& name);
  Result<bool> may_make(const std::string& name, const std::string& folder);
  // One of these letters (RFC 4314); true where the server tells no rights.
  Result<bool> has_right(const std::string& name, std::string_view letters);
  Result<void> learn_next(const std::string& name, Selected& selected);

  ImapChannel channel_;
  bool utf8_ = false;  // UTF8=ACCEPT is on.
  bool news_ = false;  // Mails have become more since the last search to the end.
  std::uint32_t exists_ = 0;
  std::string selected_;  // As the server calls it.
  std::map<std::string, std::string> names_;  // Of folders that were asked for.
};

}  // namespace usher::connectors::email::imap
