// Egress::Carrier: the state of the carrier's thread, shared by the two files that are its work: egress.cpp, the loop, and
// egress_attempts.cpp, what is done with one reply. Nobody else includes this.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "connectors/egress.hpp"
#include "connectors/send_request.hpp"
#include "connectors/webhook_client.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

inline constexpr Milliseconds egress_retry_pause{1'000};  // After the journal or the state failed.

// The offset of the inbound record that caused an effect, by its id PARTITION/OFFSET/INDEX.
[[nodiscard]] std::optional<Offset> cause_of(std::string_view effect);

constexpr std::string_view egress_report_suffix = "/delivery";  // After the effect's id: the id of its report.

enum class EgressStage { ready, in_flight, reporting, done };

struct EgressAttempt {
  Offset offset = offset_none;
  std::string effect;              // Its id.
  SendRequest request;
  EgressStage stage = EgressStage::ready;
  std::optional<Verdict> verdict;  // Set once attempted; a report that failed is repeated, the attempt is not.
  Milliseconds not_before{0};
};

// Replies that wait for their turn, in one look at the window.
struct EgressQueue {
  std::map<ConnectorId, std::size_t> by_connector{};
  std::size_t in_all = 0;
};

// Where in the inbound stream reports of a process before this one are still to be looked for.
struct EgressSearch {
  Offset from = 0, to = 0;
};

// What other threads leave for the carrier's. Outlives it, since the journal keeps the wake-up for ever.
struct EgressNotes {
  std::mutex mutex;
  // Guarded by mutex.
  WebhookClient* client = nullptr;  // While it may be woken.
  bool stopping = false;
  bool appended = true;
  std::vector<std::pair<Offset, std::optional<Offset>>> reported;  // And where its report stands in the inbound stream; none: nowhere.
  std::vector<std::pair<Offset, std::optional<Verdict>>> mailed;
  std::vector<Instance> instances;
  EgressStatus status;

  template <class Change>
  void leave(Change change) {
    const std::lock_guard lock(mutex);
    change(*this);
    if (client != nullptr) client->wake();
  }
};

struct Egress::Carrier {
  // Constant after construction.
  const Partition partition;
  const Ports ports;
  const std::shared_ptr<EgressNotes> notes;

  // The carrier's thread only.
  WebhookClient client;
  MailLane mails;
  std::optional<Offset> next{};         // Where to read on; none: the cursor could not be read yet.
  Offset saved = offset_none;
  std::deque<EgressAttempt> window{};         // By offset.
  std::set<std::string> recent{};       // Ids of the newest effects, and their order.
  std::deque<std::string> recent_order{};
  std::optional<EgressSearch> search{};     // Nothing is read before it is done.
  std::set<std::string> reported_before{};  // Effects that a process before this one reported.
  std::vector<Instance> instances{};
  // Of a conversation, the reply that was put off last, and where the report of that stands in the inbound stream: what the router
  // wrote before it read that, would overtake the reply.
  std::map<ConversationId, std::pair<MessageId, Offset>> put_off{};
  std::map<MessageId, Milliseconds> files_missing{};  // Since when a reply's file was not there at any look.
  bool more = true;                     // There may be records beyond the window.
  std::optional<Milliseconds> again{};  // Something failed: look again then.
  std::optional<Milliseconds> turn_at{};  // A mail waits for its provider's pace until then.
  std::string trouble{};
  EgressStatus counts{};
  std::thread thread{};

  void find_start();
  void find_search();
  void find_reported();
  bool is_searching() const { return !search || search->from < search->to; }
  void run();
  std::size_t open() const;
  bool has_room() const;
  bool take_notes();
  void read_ahead();
  void take(journal::Stored stored);
  bool seen_before(const std::string& effect);
  void start_ready();
  [[nodiscard]] bool would_overtake(const EgressAttempt& attempt) const;
  bool has_turn(EgressAttempt& attempt, EgressQueue& queue);
  void attempt(EgressAttempt& attempt, EgressQueue& queue, const Instance& instance, const Connector& connector);
  std::optional<Verdict> add_files(Outbound& outbound, const Instance& instance, const Connector& connector);
  Verdict without_file(const MessageId& reply, const Attachment& file, Fault fault);
  void report(EgressAttempt& attempt);
  void move_cursor();
  void show_status();
  Milliseconds pause() const;
  EgressAttempt* at(Offset offset);
  void hold(const Error& error);
};

}  // namespace usher::connectors
