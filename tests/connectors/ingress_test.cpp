// Ingress: what reaches the journal, what does not, and who is told when.
#include <catch2/catch.hpp>

#include <condition_variable>
#include <mutex>

#include "connectors/catalog.hpp"
#include "connectors/email/thread_key.hpp"
#include "connectors/ingress.hpp"
#include "connectors/message_id.hpp"
#include "connectors/repeats.hpp"
#include "connectors/signature.hpp"
#include "routing/journal/memory_journal.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"
#include "tests/connectors/samples.hpp"
#include "tests/journal/fake_clock.hpp"
#include "tests/journal/show_result.hpp"
#include "tests/journal/temporary_folder.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;
using usher::journal::Applied;
using usher::journal::Delivering;
using usher::journal::MemoryJournal;
using usher::journal::Stream;

namespace {

// The one outcome of an input, waited for on a condition.
class Outcome {
 public:
  AcceptDone done() {
    return [this](Result<Accepted> accepted) {
      const std::lock_guard lock(mutex_);
      ++times_;
      accepted_ = std::move(accepted);
      changed_.notify_all();
    };
  }
  Result<Accepted> wait() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(20), [this] { return times_ > 0; }));
    CHECK(times_ == 1);
    return *accepted_;
  }
  int times() {
    const std::lock_guard lock(mutex_);
    return times_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int times_ = 0;
  std::optional<Result<Accepted>> accepted_;
};

struct Edge {
  explicit Edge(Delivering delivering = Delivering::at_once)
      : journal(clock, delivering), blobs(folder.path() / "blobs"),
        ingress(std::make_unique<Ingress>(journal, 0, blobs, std::make_shared<const Triage>(std::vector<usher::config::LabelRule>{{"order", {"order"}}}), clock)) {}

  Result<Accepted> accept(const Connector& connector, Raw raw, std::optional<MessageId> token = {}) {
    Outcome outcome;
    ingress->accept(connector, sample_instance(connector), std::move(raw), token, outcome.done());
    return outcome.wait();
  }
  std::vector<Message> journaled() {
    std::vector<Message> out;
    for (const auto& stored : *journal.read(Stream::inbound, 0, 0, 1000)) {
      auto record = decode_record(stored.entry.type, stored.entry.value);
      REQUIRE(record);
      out.push_back(std::get<MessageReceived>(*record).message);
      CHECK(stored.entry.id == out.back().id.text());
    }
    return out;
  }

  usher::testing::FakeClock clock;
  usher::testing::TemporaryFolder folder;
  MemoryJournal journal;
  BlobStore blobs;
  std::unique_ptr<Ingress> ingress;
};

Raw with_file() { return multipart({text_part("nonce", "f"), text_part("message", "My order"), file_part("f", "a.txt", "text/plain", "bytes")}); }

}  // namespace

TEST_CASE("a message is journaled once, labelled, before it is acknowledged with its id", "[ingress]") {
  Edge edge;
  const auto accepted = edge.accept(webform_connector, form("message=My+Order&nonce=1"));
  REQUIRE(accepted);
  REQUIRE(accepted->ids.size() == 1);
  const auto journaled = edge.journaled();
  REQUIRE(journaled.size() == 1);
  CHECK(journaled[0].id == accepted->ids[0]);
  CHECK(journaled[0].labels == std::vector<std::string>{"order"});
  CHECK(!journaled[0].thread.token);
}

TEST_CASE("nothing is acknowledged before the append is done", "[ingress]") {
  Edge edge(Delivering::by_hand);
  Outcome outcome;
  edge.ingress->accept(webform_connector, sample_instance(webform_connector), form("message=x&nonce=1"), {}, outcome.done());
  CHECK(outcome.times() == 0);
  edge.journal.deliver_all();
  CHECK(outcome.wait());
}

TEST_CASE("what is refused leaves no trace in the journal and no blob", "[ingress]") {
  Edge edge;
  CHECK(edge.accept(webform_connector, form("name=Ana")).error().fault == Fault::malformed);
  CHECK(edge.accept(webform_connector, form("message=" + std::string(limits::message_text_bytes_max, 'x'))).error().fault == Fault::too_large);
  CHECK(edge.accept(http_connector, json_body(R"({"id":"1","from":{"id":"u"},"text":"x"})")).error().fault == Fault::unauthorised);
  Raw bad = with_file();
  bad.body.resize(bad.body.size() - 10);
  CHECK(edge.accept(webform_connector, bad).error().fault == Fault::malformed);
  CHECK(edge.journaled().empty());
  CHECK(!std::filesystem::exists(edge.folder.path() / "blobs" / "acme"));
}

TEST_CASE("a signature is looked at before the body", "[ingress]") {
  Edge edge;
  CHECK(edge.accept(http_connector, json_body("{")).error().fault == Fault::unauthorised);
}

TEST_CASE("a robot's form is answered as if taken and kept nowhere", "[ingress]") {
  Edge edge;
  const auto accepted = edge.accept(webform_connector, form("message=Buy&website=x"));
  REQUIRE(accepted);
  CHECK(accepted->ids.empty());
  CHECK(edge.journaled().empty());
}

TEST_CASE("a message too large for a record is refused as such", "[ingress]") {
  Edge edge;
  // Control characters take six bytes each in JSON.
  const std::string body = "{\"message\":\"x\",\"nonce\":\"1\",\"other\":{\"a\":\"" + std::string(40, 'x') + "\"}}";
  REQUIRE(edge.accept(webform_connector, json_body(body)));
  Instance wide = with(sample_instance(webform_connector), "text_bytes_max", "262144");
  Outcome outcome;
  edge.ingress->accept(webform_connector, wide, form("nonce=2&message=" + std::string(limits::message_text_bytes_max, '\x01')), {}, outcome.done());
  CHECK(outcome.wait().error().fault == Fault::too_large);
  CHECK(edge.journaled().size() == 1);
}

TEST_CASE("a journal that is down or full is the sender's to retry, and the retry has the same id", "[ingress]") {
  Edge edge;
  edge.journal.fail_next_appends(1, Applied::yes);
  const Raw raw = form("message=x&nonce=1");
  const auto refused = edge.accept(webform_connector, raw);
  REQUIRE(!refused);
  CHECK(refused.error().fault == Fault::unavailable);
  const auto again = edge.accept(webform_connector, raw);
  REQUIRE(again);
  const auto journaled = edge.journaled();
  REQUIRE(journaled.size() == 2);
  CHECK(journaled[0].id == again->ids[0]);
  CHECK(journaled[1].id == again->ids[0]);
}

TEST_CASE("a file is durable before its message is journaled, and a file that cannot be kept refuses the message", "[ingress][J1]") {
  Edge edge;
  REQUIRE(edge.accept(webform_connector, with_file()));
  const auto journaled = edge.journaled();
  REQUIRE(journaled.size() == 1);
  REQUIRE(journaled[0].attachments.size() == 1);
  CHECK(*edge.blobs.get(TenantId("acme"), journaled[0].attachments[0].sha256) == "bytes");

  Edge full;
  std::filesystem::remove_all(full.folder.path() / "blobs");
  std::filesystem::path blocked = full.folder.path() / "blobs";
  { std::FILE* file = std::fopen(blocked.c_str(), "w"); std::fclose(file); }
  const auto refused = full.accept(webform_connector, with_file());
  REQUIRE(!refused);
  CHECK(refused.error().fault == Fault::unavailable);
  CHECK(full.journaled().empty());
}

TEST_CASE("inputs with files that were taken are finished at the end", "[ingress]") {
  Edge edge;
  std::vector<Outcome> outcomes(20);
  for (auto& outcome : outcomes) edge.ingress->accept(webform_connector, sample_instance(webform_connector), with_file(), {}, outcome.done());
  edge.ingress.reset();
  for (auto& outcome : outcomes) CHECK(outcome.times() == 1);
  CHECK(edge.journaled().size() == 20);
}

TEST_CASE("a verified link puts the message into its conversation", "[ingress]") {
  Edge edge;
  const auto first = edge.accept(webform_connector, form("message=x&nonce=1"));
  REQUIRE(edge.accept(webform_connector, form("text=y&nonce=2"), first->ids[0]));
  CHECK(edge.journaled()[1].thread.token == first->ids[0]);
}

TEST_CASE("new labels count from the next message on", "[ingress]") {
  Edge edge;
  edge.ingress->use(std::make_shared<const Triage>(std::vector<usher::config::LabelRule>{{"late", {"late"}}}));
  REQUIRE(edge.accept(webform_connector, form("message=order+late&nonce=1")));
  CHECK(edge.journaled()[0].labels == std::vector<std::string>{"late"});
  edge.ingress->use(nullptr);
  REQUIRE(edge.accept(webform_connector, form("message=order+late&nonce=2")));
  CHECK(edge.journaled()[1].labels.empty());
}

TEST_CASE("the same content without a key is one message for ten minutes, across the edges of the clock's buckets", "[ingress][I1]") {
  Edge edge;
  const auto bucket = Milliseconds(repeat_window).count();
  Raw raw = form("message=Where+is+it%3F&email=ana%40ex.org");
  raw.received_at = from_unix_ms(bucket * 3'000'000 - 1'000);  // A second before an edge.
  const auto first = edge.accept(webform_connector, raw);
  REQUIRE(first);
  Raw later = raw;
  later.received_at += Milliseconds{2'000};
  CHECK(edge.accept(webform_connector, later)->ids == first->ids);
  later.received_at = raw.received_at + Milliseconds{bucket - 1};
  CHECK(edge.accept(webform_connector, later)->ids == first->ids);
  later.received_at = raw.received_at + Milliseconds{bucket};
  const auto second = edge.accept(webform_connector, later);
  CHECK(second->ids != first->ids);
  later.received_at += Milliseconds{bucket - 1};
  CHECK(edge.accept(webform_connector, later)->ids == second->ids);
  CHECK(edge.accept(webform_connector, form("message=Where+is+it%3F&email=ben%40ex.org"))->ids != first->ids);
}

TEST_CASE("an edge that starts anew within the bucket still knows the content by its id", "[ingress][I1]") {
  Raw raw = form("message=x&email=ana%40ex.org");
  raw.received_at = from_unix_ms(Milliseconds(repeat_window).count() * 3'000'000 + 1'000);
  Edge before, after;
  const auto first = before.accept(webform_connector, raw);
  raw.received_at += std::chrono::minutes(5);
  CHECK(after.accept(webform_connector, raw)->ids == first->ids);
}

TEST_CASE("an anonymous repeat names the same anonymous sender", "[ingress][I1]") {
  Edge edge;
  Raw raw = form("message=x");
  raw.received_at = from_unix_ms(Milliseconds(repeat_window).count() * 3'000'000 - 1);
  REQUIRE(edge.accept(webform_connector, raw));
  raw.received_at += Milliseconds{2};
  REQUIRE(edge.accept(webform_connector, raw));
  const auto journaled = edge.journaled();
  CHECK(journaled[0].id == journaled[1].id);
  CHECK(journaled[0].from == journaled[1].from);
  CHECK(journaled[0].from.identities[0].value == "anonymous-" + journaled[0].id.text());
}

TEST_CASE("the same words at two links are two answers, at one link a repeat", "[ingress][I1]") {
  Edge edge;
  const MessageId one{1, 1}, two{2, 2};
  const auto at_one = edge.accept(webform_connector, form("text=Yes"), one);
  CHECK(edge.accept(webform_connector, form("text=Yes"), two)->ids != at_one->ids);
  CHECK(edge.accept(webform_connector, form("text=Yes"))->ids != at_one->ids);
  CHECK(edge.accept(webform_connector, form("text=Yes"), one)->ids == at_one->ids);
}

TEST_CASE("one key at two links names two answers, at one link a repeat", "[ingress][I2]") {
  Edge edge;
  const MessageId one{1, 1}, two{2, 2};
  const auto at_one = edge.accept(webform_connector, form("text=Yes&nonce=k"), one);
  CHECK(edge.accept(webform_connector, form("text=Yes&nonce=k"), two)->ids != at_one->ids);
  CHECK(edge.accept(webform_connector, form("text=Yes&nonce=k"))->ids != at_one->ids);
  CHECK(edge.accept(webform_connector, form("text=Other&nonce=k"), one)->ids == at_one->ids);
  const auto later = edge.accept(webform_connector, form("text=Yes&nonce=k2"), one);
  CHECK(later->ids != at_one->ids);
}

TEST_CASE("the contents remembered are bounded and forgotten in time", "[repeats]") {
  Repeats repeats(3);
  const Instant start = evening;
  for (int i = 0; i < 10; ++i) CHECK(repeats.first_seen("k" + std::to_string(i), start + Milliseconds{i}) == start + Milliseconds{i});
  CHECK(repeats.size() == 3);
  CHECK(repeats.first_seen("k9", start + Milliseconds{20}) == start + Milliseconds{9});
  CHECK(repeats.first_seen("new", start + repeat_window + Milliseconds{9}) == start + repeat_window + Milliseconds{9});
  CHECK(repeats.size() == 1);
  // A clock set back by an hour: what was seen in its future does not hold.
  CHECK(repeats.first_seen("new", start - std::chrono::hours(1)) == start - std::chrono::hours(1));
}

TEST_CASE("a mail with its files is taken however large it is", "[ingress]") {
  Edge edge;
  std::string mail = "From: ana@ex.org\r\nMessage-ID: <big@ex.org>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee\r\n";
  const std::string line = std::string(76, 'A') + "\r\n";
  for (int file = 0; file < 3; ++file) {
    mail += "--b\r\nContent-Type: application/pdf; name=f" + std::to_string(file) + "\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    for (std::size_t i = 0; i < 165'000; ++i) mail += line;
  }
  mail += "--b--\r\n";
  REQUIRE(mail.size() > 36 * 1024 * 1024);
  REQUIRE(edge.accept(email_connector, Raw{"message/rfc822", {}, mail, evening}));
  REQUIRE(edge.journaled().size() == 1);
  CHECK(edge.journaled()[0].attachments.size() == 3);
  CHECK(edge.journaled()[0].raw_ref);
}

TEST_CASE("what proved one post proves no other message", "[ingress]") {
  Edge edge;
  const auto accept = [&](const std::string& text, const std::string& token) {
    auto instance = sample_instance(email_connector);
    instance.options.values["inbound"] = "mailgun";
    instance.options.values["webhook_secret"] = "the key";
    const std::string stamp = std::to_string(unix_ms(edge.clock.wall()) / 1000);
    const std::string mail = "From: ana@ex.org\r\nMessage-ID: <m1@ex.org>\r\n\r\n" + text + "\r\n";
    const std::string body = "timestamp=" + stamp + "&token=" + token + "&signature=" + hex(hmac_sha256("the key", stamp + token)) + "&body-mime=" + percent(mail);
    Outcome outcome;
    edge.ingress->accept(email_connector, instance, form(body), std::nullopt, outcome.done());
    return outcome.wait();
  };
  const std::string token(50, 'a');
  REQUIRE(accept("hello", token));
  CHECK(accept("hello", token));  // The provider comes again.
  const auto forged = accept("other words", token);
  REQUIRE(!forged);
  CHECK(forged.error().fault == Fault::unauthorised);
  CHECK(accept("other words", std::string(50, 'b')));
}

TEST_CASE("what a mail reports of a reply is in the journal before the mail", "[ingress]") {
  Edge edge;
  const std::vector<std::string> secrets{"a secret of the tests"};
  const std::string id = email::mint_message_id({TenantId("acme"), secrets}, MessageId{1, 2}, MessageId{3, 4}, "example.com");
  REQUIRE(edge.accept(email_connector, Raw{"", {}, "From: MAILER-DAEMON@ex.org\nReturn-Path: <>\nSubject: Delivery failed\nContent-Type: multipart/report; boundary=b\n\n--b\n\nfailed\n"
                                                   "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; ana@ex.org\nAction: failed\nStatus: 5.1.1\n"
                                                   "--b\nContent-Type: message/rfc822\n\nMessage-ID: " + id + "\n\ny\n--b--\n", evening}));
  const auto stored = edge.journal.read(Stream::inbound, 0, 0, 10);
  REQUIRE(stored);
  REQUIRE(stored->size() == 2);
  const auto report = decode_record((*stored)[0].entry.type, (*stored)[0].entry.value);
  REQUIRE(report);
  CHECK(std::get<DeliveryReported>(*report).reply == MessageId{1, 2});
  CHECK(std::get<DeliveryReported>(*report).attempt == 0);
  CHECK((*stored)[1].entry.type == record_type(Record{MessageReceived{}}));
}
