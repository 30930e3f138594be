// The contract's subject in the program test_journal_kafka: the Kafka journal, each in topics of its own on a real broker.
// And the one in memory, so that cases about a clock of ours have a subject here, too: a broker goes by its own clock.
#include "routing/journal/memory_journal.hpp"
#include "tests/journal/journal_contract.hpp"
#include "tests/journal/kafka_server.hpp"

namespace usher::testing {

namespace {

class KafkaUnderTest final : public JournalUnderTest {
 public:
  KafkaUnderTest() : options_(KafkaServer::get().fresh_topics()) {
    options_.append_queue_max = append_queue_max;
    journal_ = open_kafka(options_);
  }

  journal::Journal& journal() override { return *journal_; }
  void reopen() override {
    journal_.reset();
    journal_ = open_kafka(options_);
  }
  void erase_before(journal::Stream stream, message::Partition partition, message::Offset offset) override {
    const auto topic = options_.topic_prefix + "." + std::string(journal::stream_name(stream)) + ".v1";
    KafkaServer::get().erase_before(topic, partition, offset);
  }
  void hold() override { KafkaServer::get().pause(); }
  void release() override { KafkaServer::get().go_on(); }

 private:
  journal::KafkaOptions options_;
  std::unique_ptr<journal::KafkaJournal> journal_;
};

class MemoryUnderTest final : public JournalUnderTest {
 public:
  journal::Journal& journal() override { return journal_; }
  void reopen() override { journal_.crash(); }
  void erase_before(journal::Stream stream, message::Partition partition, message::Offset offset) override {
    journal_.erase_before(stream, partition, offset);
  }
  void hold() override {}
  void release() override {}

 private:
  journal::MemoryJournal journal_{clock(), journal::Delivering::at_once, append_queue_max};
};

}  // namespace

std::vector<JournalMaker> journal_makers() {
  JournalMaker kafka{"kafka", true, [] { return std::make_unique<KafkaUnderTest>(); }};
  kafka.tells_our_time = false;
  return {kafka, {"memory, at once", false, [] { return std::make_unique<MemoryUnderTest>(); }}};
}

}  // namespace usher::testing
