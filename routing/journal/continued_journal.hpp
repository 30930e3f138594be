// ContinuedJournal: a journal whose inbound log may have been made anew, or have lost its end, under a tracked state (rule J2).
// `usherctl recover` notes such a log in the control stream as the next incarnation of its partition; from then on offset N of
// the log itself is offset NUMBER * 10^12 + N to everybody above. So offsets still grow and are never used again, and with
// them all that is made of them: epochs, ids of effects, offers and texts, positions.
//
// Everything but the inbound stream of one partition is passed on as it is. Threads: as the journal inside.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "routing/journal/journal.hpp"

namespace usher::journal {

// An offset belongs to the incarnation that it was given in.
[[nodiscard]] Offset incarnation_of(Offset offset);
// As the log itself numbers it.
[[nodiscard]] Offset offset_in_log(Offset offset);
// Of the first record that counts, once there is one.
[[nodiscard]] Offset first_offset(const Incarnation& incarnation);

// What is written to the control stream. The newest one counts; a router repeats it now and then, since that stream forgets.
[[nodiscard]] Entry incarnation_note(const Incarnation& incarnation, std::string by);
// The newest note of a partition; number 0 when there is none. `log`: not a ContinuedJournal.
[[nodiscard]] Result<Incarnation> read_incarnation(Journal& log, Partition partition);

class ContinuedJournal final : public Journal {
 public:
  // The log outlives it.
  ContinuedJournal(Journal& log, Partition partition, const Incarnation& incarnation);
  // As it is noted.
  [[nodiscard]] static Result<std::unique_ptr<ContinuedJournal>> open(Journal& log, Partition partition);

  void append(Stream stream, Partition partition, Entry entry, AppendDone done) override;
  // What lies between the incarnations is a gap: a reader that stands behind `after` goes on with the first record of this one.
  [[nodiscard]] Result<std::vector<Stored>> read(Stream stream, Partition partition, Offset from,
                                                 std::size_t records_max) override;
  [[nodiscard]] Result<Bounds> bounds(Stream stream, Partition partition) override;
  [[nodiscard]] Incarnation incarnation(Partition partition) const override;
  void on_append(Stream stream, Partition partition, std::function<void()> wake) override;
  void save_cursor(const std::string& consumer, Stream stream, Partition partition, Offset next) override;
  [[nodiscard]] Result<std::optional<Offset>> cursor(const std::string& consumer, Stream stream,
                                                     Partition partition) override;
  [[nodiscard]] Result<std::optional<Offset>> durable_cursor(const std::string& consumer, Stream stream,
                                                             Partition partition) override;

 private:
  [[nodiscard]] bool shifted(Stream stream, Partition partition) const {
    return base_ > 0 && stream == Stream::inbound && partition == partition_;
  }

  Journal& log_;
  const Partition partition_;
  const Incarnation incarnation_;
  const Offset base_;
};

}  // namespace usher::journal
