// A journal that passes everything on, for tests that change one thing of it.
#pragma once

#include <utility>

#include "routing/journal/journal.hpp"

namespace usher::testing {

using namespace usher::message;

class WrappedJournal : public journal::Journal {
 public:
  explicit WrappedJournal(journal::Journal& inner) : inner_(inner) {}
  void append(journal::Stream stream, Partition partition, journal::Entry entry, journal::AppendDone done) override {
    inner_.append(stream, partition, std::move(entry), std::move(done));
  }
  Result<std::vector<journal::Stored>> read(journal::Stream stream, Partition partition, Offset from, std::size_t most) override {
    return inner_.read(stream, partition, from, most);
  }
  Result<journal::Bounds> bounds(journal::Stream stream, Partition partition) override {
    return inner_.bounds(stream, partition);
  }
  void on_append(journal::Stream stream, Partition partition, std::function<void()> wake) override {
    inner_.on_append(stream, partition, std::move(wake));
  }
  Result<std::vector<journal::Stored>> read_early(Partition partition, Offset from, std::size_t most) override {
    return inner_.read_early(partition, from, most);
  }
  std::uint64_t early_losses() const override { return inner_.early_losses(); }
  void on_early(Partition partition, std::function<void()> wake) override { inner_.on_early(partition, std::move(wake)); }
  void save_cursor(const std::string& consumer, journal::Stream stream, Partition partition, Offset next) override {
    inner_.save_cursor(consumer, stream, partition, next);
  }
  Result<std::optional<Offset>> cursor(const std::string& consumer, journal::Stream stream, Partition partition) override {
    return inner_.cursor(consumer, stream, partition);
  }
  Result<std::optional<Offset>> durable_cursor(const std::string& consumer, journal::Stream stream, Partition partition) override {
    return inner_.durable_cursor(consumer, stream, partition);
  }

 private:
  journal::Journal& inner_;
};

}  // namespace usher::testing
