// OutboxPublisher (rules E1, E3): puts committed effects into their journal streams, in order, one append in flight per
// entry, and says up to which record all are out, so that the store may forget them. Used when the store is not itself the
// journal. On the router's thread; completions come by mailbox.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "routing/journal/journal.hpp"
#include "routing/router/mailbox.hpp"
#include "routing/state/state_store.hpp"

namespace usher::router {

using namespace usher::message;

class OutboxPublisher {
 public:
  OutboxPublisher(journal::Journal& journal, Partition partition, std::shared_ptr<Mailbox> mailbox)
      : journal_(journal), partition_(partition), mailbox_(std::move(mailbox)) {}

  // Takes entries of a load: those that are in their streams already (rule E2) are not sent again.
  void resume(std::vector<state::OutboxEntry> entries, const std::function<bool(const state::OutboxEntry&)>& is_out);
  void add(std::vector<state::OutboxEntry> entries);
  // Sends what may be sent.
  void pump();
  // An append failed; what stood behind it may be out. The caller loads anew: resume() finds out what is missing.
  [[nodiscard]] bool failed() const;
  // All effects of records up to this offset are out; none: nothing new since the last call.
  [[nodiscard]] std::optional<Offset> take_done();
  // What is not known to be out, in order.
  [[nodiscard]] std::vector<state::OutboxEntry> unpublished() const;
  [[nodiscard]] bool has_done() const { return done_.has_value(); }
  [[nodiscard]] bool idle() const { return queue_.empty(); }

 private:
  enum class Stage { waiting, sent, out, failed };
  struct Item {
    state::OutboxEntry entry;
    std::shared_ptr<Stage> stage;
  };
  journal::Journal& journal_;
  const Partition partition_;
  // Of all appends that were not answered, also those from before the last resume(): the journal has them still.
  struct Flight {
    std::size_t entries = 0;
    std::size_t replies = 0;
    std::size_t bytes = 0;
  };
  const std::shared_ptr<Mailbox> mailbox_;
  std::deque<Item> queue_;
  std::size_t looked_at_ = 0;  // The first so many of queue_ were handed over, or were out already.
  const std::shared_ptr<Flight> flight_ = std::make_shared<Flight>();
  std::shared_ptr<bool> failed_ = std::make_shared<bool>(false);  // An append since the last resume().
  std::optional<Offset> done_;
};

}  // namespace usher::router
