// OfferedLoad: what both forms of a whole Usher are measured with: agents sign in, messages are appended in a closed or an
// open loop, and afterwards every offer is audited. One thread, the benchmark's, plays the connectors.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "routing/journal/journal.hpp"
#include "routing/message/record.hpp"
#include "routing/state/state_store.hpp"
#include "tests/bench/offer_log.hpp"

namespace usher::bench {

// Waits for moments in time; a descriptor, since its wake-up is exact and its wait costs no processor.
class Pace {
 public:
  Pace();
  ~Pace();
  Pace(const Pace&) = delete;
  Pace& operator=(const Pace&) = delete;
  void until(Steady::time_point at);

 private:
  int descriptor_;
};

// The record of one message as it is appended.
[[nodiscard]] journal::Entry entry_of(const Centre& centre, std::size_t number);

class OfferedLoad {
 public:
  // All outlive it. Nothing else appends to `journal`'s inbound stream but its router.
  OfferedLoad(journal::Journal& journal, OfferLog& log, const Centre& centre, std::size_t messages);

  // Every agent of the centre is available when this returns.
  void sign_in();
  // Makes all records now, so that making them is no part of what is measured.
  void make_records();

  // All messages, with at most `window` of them accepted and not yet offered. Returns messages per second, from the first
  // append to the last offer.
  double run_closed(std::size_t window);
  // All messages at a fixed rate, whatever happens. Returns for each the nanoseconds from the moment it was due to its
  // offer: a stall counts for everyone who came in during it.
  std::vector<double> run_open(double per_second);

  // Requires: the router is stopped. Ends the program unless every message was offered once, to an agent with the skill, and
  // `store` holds exactly that.
  void audit(state::StateStore& store) const;

  void append(Record record, const std::string& id);
  void write(std::size_t number);

 private:
  void append(journal::Entry entry);
  void audit_offers() const;

  journal::Journal& journal_;
  OfferLog& log_;
  const Centre& centre_;
  const std::size_t messages_;
  std::vector<journal::Entry> made_;
  std::atomic<std::size_t> refused_{0};
};

}  // namespace usher::bench
