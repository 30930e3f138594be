// A store that hands everything to another one: what tests override a part of, or put behind a name that stays.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "routing/state/state_store.hpp"

namespace usher::testing {

class ForwardingStore : public state::StateStore {
 public:
  message::Result<void> initialise(message::Partition partition) override { return inner().initialise(partition); }
  message::Result<std::optional<state::Meta>> load_meta(message::Partition partition) override {
    return inner().load_meta(partition);
  }
  message::Result<state::Loaded> load(message::Partition partition) override { return inner().load(partition); }
  void commit(state::Commit wanted, state::CommitDone done) override { inner().commit(std::move(wanted), std::move(done)); }
  std::size_t commits_in_flight_max() const override { return const_cast<ForwardingStore*>(this)->inner().commits_in_flight_max(); }
  void rewrite(state::Rewrite wanted, state::CommitDone done) override { inner().rewrite(std::move(wanted), std::move(done)); }
  message::Result<state::TextsPage> texts_held(message::Partition partition, const std::string& from,
                                               std::size_t limit) override {
    return inner().texts_held(partition, from, limit);
  }
  bool checks_texts() const override { return const_cast<ForwardingStore*>(this)->inner().checks_texts(); }
  message::Result<int> count_attempt(message::Partition partition, message::Offset at) override {
    return inner().count_attempt(partition, at);
  }
  message::Result<std::vector<state::Body>> bodies(message::Partition partition, message::ConversationId conversation,
                                                   std::uint32_t before, std::size_t limit) override {
    return inner().bodies(partition, conversation, before, limit);
  }
  message::Result<std::optional<state::Body>> body(message::Partition partition, message::MessageId id) override {
    return inner().body(partition, id);
  }
  message::Result<std::optional<std::string>> entity(message::Partition partition, const std::string& table,
                                                     const std::string& key) override {
    return inner().entity(partition, table, key);
  }

 protected:
  virtual state::StateStore& inner() = 0;
};

}  // namespace usher::testing
