// JournalWatch: the journal as edges and desks use it, which remembers whether it takes and answers anything, so that
// /readyz says what customers meet. It asks once a second, on a thread of its own, and sees each append's outcome: a
// broker that still answers questions may refuse to write.
//
// Journey: edge or desk -> [journal watch] -> journal.
#pragma once

#include <memory>
#include <string>

#include "routing/journal/journal.hpp"

namespace usher::daemon {

using namespace usher::message;

class JournalWatch final : public journal::Journal {
 public:
  // The journal outlives it.
  JournalWatch(journal::Journal& journal, Partition partition, Milliseconds ask_every = Milliseconds(1'000));
  ~JournalWatch() override;

  // "" when it answers, and takes what it is given; else why not, in words. Any thread, without waiting.
  [[nodiscard]] std::string trouble() const;

  void append(journal::Stream stream, Partition partition, journal::Entry entry, journal::AppendDone done) override;
  [[nodiscard]] Result<std::vector<journal::Stored>> read(journal::Stream stream, Partition partition, Offset from,
                                                          std::size_t records_max) override;
  [[nodiscard]] Result<journal::Bounds> bounds(journal::Stream stream, Partition partition) override;
  void on_append(journal::Stream stream, Partition partition, std::function<void()> wake) override;
  void save_cursor(const std::string& consumer, journal::Stream stream, Partition partition, Offset next) override;
  [[nodiscard]] Result<std::optional<Offset>> cursor(const std::string& consumer, journal::Stream stream,
                                                     Partition partition) override;
  [[nodiscard]] Result<std::optional<Offset>> durable_cursor(const std::string& consumer, journal::Stream stream,
                                                             Partition partition) override;

 private:
  struct Observer;
  journal::Journal& journal_;
  // Shared with the appends under way, which may outlive the watch.
  std::shared_ptr<Observer> observer_;
};

}  // namespace usher::daemon
