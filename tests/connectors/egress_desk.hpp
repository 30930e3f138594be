// EgressDesk: an egress with a journal in memory, the bodies of one question by each connector, and a clock that goes when
// the test says so.
#pragma once

#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include <boost/json.hpp>

#include "connectors/catalog.hpp"
#include "connectors/egress.hpp"
#include "connectors/send_request.hpp"
#include "connectors/signature.hpp"
#include "routing/journal/memory_journal.hpp"
#include "routing/message/wire.hpp"
#include "tests/connectors/samples.hpp"
#include "tests/connectors/smtp_server.hpp"
#include "tests/journal/fake_clock.hpp"
#include "tests/journal/show_result.hpp"
#include "tests/journal/temporary_folder.hpp"

namespace usher::connectors::testing {

using journal::MemoryJournal;
using journal::Stream;

// The bodies of customers' messages, and nothing else.
class Bodies final : public state::StateReader {
 public:
  Result<std::vector<state::Body>> bodies(Partition, ConversationId, std::uint32_t, std::size_t) override { return std::vector<state::Body>{}; }
  Result<std::optional<state::Body>> body(Partition, MessageId id) override {
    if (failures-- > 0) return fail(Fault::unavailable, "the state is away");
    if (!messages.contains(id)) return std::optional<state::Body>();
    return std::optional(state::Body{{}, 0, id, messages.at(id)});
  }
  Result<std::optional<std::string>> entity(Partition, const std::string&, const std::string&) override { return std::optional<std::string>(); }

  std::map<MessageId, std::string> messages;  // Before egress starts.
  std::atomic<int> failures{0};
};

inline Message question(const Connector& connector) {
  const Instance instance = sample_instance(connector);
  if (connector.type == "email") {
    for (const Golden& golden : golden_inputs())
      if (golden.type == "email") return connector.parse(instance, golden.raw)->messages.front();
  }
  Raw raw = connector.type == "http" ? json_body(R"({"id":"q1","from":{"id":"u1"},"text":"Where?"})") : form("message=Where%3F&nonce=q1");
  auto parsed = connector.parse(instance, raw);
  REQUIRE(parsed);
  return parsed->messages.front();
}

// Lets what other threads do become visible.
template <class Truth>
void await(Truth truth) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  bool came = truth();
  for (int i = 0; i < 10'000 && !came; ++i) came = never.wait_for(lock, std::chrono::milliseconds(2), truth);
  REQUIRE(came);
}

struct EgressDesk {
  EgressDesk() : hooked(with(with(sample_instance(http_connector), "webhook_secret", std::string(sample_secret)), "webhook_url", "")) {
    for (const Connector* connector : catalog()) {
      const Message message = question(*connector);
      bodies.messages.emplace(message.id, encode(message));
    }
    journal.on_append(Stream::inbound, 0, [this] {
      const std::lock_guard lock(mutex);
      changed.notify_all();
    });
  }

  void hook(const std::string& url) { hooked.options.values["webhook_url"] = url; }

  // Replies of `support-mail` go to that server, inside STARTTLS.
  void mail_to(const SmtpServer& server) {
    const auto account = server.account(email::Protection::starttls);
    for (const auto& [key, value] : {std::pair<std::string, std::string>{"smtp_url", "smtp://localhost:" + std::to_string(server.port())},
                                     {"ca_file", account.server.ca_file}, {"user", account.credentials.user}, {"password", account.credentials.password}})
      mailbox.options.values[key] = value;
  }

  void start(bool allow_private_addresses = true, MailHooks hooks = {}) {
    egress.emplace(0, Egress::Ports{journal, bodies, clock, &blobs, "https://usher.example"}, instances(), allow_private_addresses, std::move(hooks));
  }
  std::vector<Instance> instances() const {
    std::vector<Instance> out{sample_instance(webform_connector), hooked, mailbox};
    out.insert(out.end(), more_mailboxes.begin(), more_mailboxes.end());
    return out;
  }
  // Another of the kind of `mailbox` as it is now, called `mail-NUMBER`.
  void add_mailbox(std::uint64_t number) { more_mailboxes.emplace_back(mailbox).id = ConnectorId("mail-" + std::to_string(number)); }

  // A file of every reply that is written from now on.
  void attach(const std::string& name, const std::string& bytes, bool keep = true) {
    if (keep) REQUIRE(blobs.put(TenantId("acme"), sha256_hex(bytes), bytes));
    attachments.push_back(boost::json::object{{"name", name}, {"type", "application/pdf"}, {"size", bytes.size()}, {"sha256", sha256_hex(bytes)}, {"inline", false}});
  }
  // What the router writes for the reply `number` of `conversation`.
  void write(std::uint64_t number, std::uint64_t conversation = 1, int attempt = 1, const char* connector = "shop") {
    const boost::json::object request{{"v", 1}, {"reply", MessageId{7, number}.text()}, {"conversation", ConversationId{8, conversation}.text()},
                                      {"connector", connector}, {"channel", "http"},
                                      {"in_reply_to", question(of(connector)).id.text()},
                                      {"author", "ben"}, {"author_name", "Ben"}, {"attempt", attempt}, {"text", "answer " + std::to_string(number)},
                                      {"written_at", "2026-11-21T18:58:03.120Z"}, {"attachments", attachments}};
    put(boost::json::serialize(request), "0/" + std::to_string(cause) + "/" + std::to_string(number * 1000 + static_cast<std::uint64_t>(attempt)));
  }
  void write_mail(std::uint64_t number, int attempt = 1) { write(number, number, attempt, "support-mail"); }
  static const Connector& of(std::string_view connector) {
    return connector == "contact" ? webform_connector : connector == "support-mail" || connector.starts_with("mail-") ? email_connector : http_connector;
  }
  void put(std::string value, std::string id, std::string type = std::string(send_request_type)) {
    journal.append(Stream::outbound, 0, {std::move(id), std::move(type), std::move(value)}, [](const auto& appended) { REQUIRE(appended); });
  }

  std::vector<DeliveryReported> reports() {
    std::vector<DeliveryReported> out;
    for (const auto& stored : *journal.read(Stream::inbound, 0, 0, 1000)) {
      if (!stored.entry.id.ends_with("/delivery")) continue;
      auto record = decode_record(stored.entry.type, stored.entry.value);
      REQUIRE(record);
      out.push_back(std::get<DeliveryReported>(*record));
    }
    return out;
  }
  std::vector<DeliveryReported> wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    const bool came = changed.wait_for(lock, std::chrono::seconds(20), [&] { return journal.bounds(Stream::inbound, 0)->end >= static_cast<Offset>(count); });
    REQUIRE(came);
    return reports();
  }
  DeliveryReported only() {
    const auto all = wait_for(1);
    REQUIRE(all.size() == 1);
    return all[0];
  }
  // Lets the pauses after failures go by until there is a report.
  void wait_in_spite_of_failures() {
    std::unique_lock lock(mutex);
    const auto there = [&] { return journal.bounds(Stream::inbound, 0)->end > 0; };
    for (int i = 0; i < 2'000 && !there(); ++i) {
      clock.pass(1'000);
      lock.unlock();
      egress->use(instances());  // Wakes it.
      lock.lock();
      changed.wait_for(lock, std::chrono::milliseconds(10), there);
    }
    REQUIRE(there());
  }
  std::optional<Offset> cursor() { return *journal.cursor("egress", Stream::outbound, 0); }

  usher::testing::FakeClock clock;
  MemoryJournal journal{clock};
  Bodies bodies;
  usher::testing::TemporaryFolder folder;
  BlobStore blobs{folder.path()};
  boost::json::array attachments;
  Instance hooked;
  Instance mailbox{sample_instance(email_connector)};
  std::vector<Instance> more_mailboxes;
  Offset cause = 0;  // The inbound record of which write() makes effects.
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Egress> egress;
};

}  // namespace usher::connectors::testing
