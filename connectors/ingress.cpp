// Ingress: verify, parse, triage, blobs, append. Inputs without files never leave the caller's thread before the append.
#include "connectors/ingress.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "connectors/email/inbound_proof.hpp"
#include "connectors/message_id.hpp"
#include "connectors/repeats.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/record.hpp"
#include "routing/message/wire.hpp"

namespace usher::connectors {

namespace {

constexpr std::size_t contents_max = 100'000;
constexpr std::size_t file_bytes_waiting_max = 64 * 1024 * 1024;

// One input on its way: its records, the files that must be durable before them, and whom to tell.
struct Input {
  TenantId tenant;
  std::vector<MessageId> ids;
  std::vector<journal::Entry> entries;
  std::vector<File> files;
  AcceptDone done;
};

std::size_t file_bytes(const Input& input) {
  std::size_t bytes = 0;
  for (const File& file : input.files) bytes += file.bytes.size();
  return bytes;
}

// Appends all; tells `done` after the last, with the first error if there was any.
void append(journal::Journal& journal, Partition partition, Input input) {
  struct Waiting {
    std::mutex mutex;
    std::size_t left = 0;         // Guarded by mutex, like the next.
    std::optional<Error> error;
    std::vector<MessageId> ids;   // Constant.
    AcceptDone done;              // Called by whoever makes `left` zero.
  };
  const auto waiting = std::make_shared<Waiting>();
  waiting->left = input.entries.size();
  waiting->ids = std::move(input.ids);
  waiting->done = std::move(input.done);
  for (journal::Entry& entry : input.entries) {
    journal.append(journal::Stream::inbound, partition, std::move(entry), [waiting](Result<journal::Appended> appended) {
      std::unique_lock lock(waiting->mutex);
      if (!appended && !waiting->error) waiting->error = appended.error();
      if (--waiting->left != 0) return;
      lock.unlock();
      if (waiting->error) waiting->done(*waiting->error);
      else waiting->done(Accepted{std::move(waiting->ids)});
    });
  }
}

}  // namespace

struct Ingress::Desk {
  // Constant after construction.
  journal::Journal& journal;
  const Partition partition;
  BlobStore& blobs;
  const Clock& clock;

  std::mutex mutex;
  // Guarded by mutex.
  std::shared_ptr<const Triage> triage;
  Repeats repeats{contents_max};
  email::SeenTokens tokens{};
  std::deque<Input> waiting{};
  std::size_t waiting_bytes = 0;
  bool stopping = false;
  std::condition_variable changed{};
  std::thread writer{};

  Result<Input> read(const Connector& connector, const Instance& instance, const Raw& raw, const std::optional<MessageId>& token);
  void name_by_content(Message& message, std::string key, const std::optional<MessageId>& token);
  static void name_in_thread(Message& message, const MessageId& token);
  void enqueue(Input input);
  void write_files();
  Result<void> keep(const Input& input);
};

Ingress::Ingress(journal::Journal& journal, Partition partition, BlobStore& blobs, std::shared_ptr<const Triage> triage,
                 const Clock& clock)
    : desk_(new Desk{journal, partition, blobs, clock, {}, std::move(triage)}) {
  desk_->writer = std::thread([desk = desk_.get()] { desk->write_files(); });
}

Ingress::~Ingress() {
  {
    const std::lock_guard lock(desk_->mutex);
    desk_->stopping = true;
  }
  desk_->changed.notify_all();
  desk_->writer.join();
}

void Ingress::use(std::shared_ptr<const Triage> triage) {
  const std::lock_guard lock(desk_->mutex);
  desk_->triage = std::move(triage);
}

void Ingress::accept(const Connector& connector, const Instance& instance, Raw raw, std::optional<MessageId> thread_token,
                     AcceptDone done) {
  raw.in_thread = thread_token.has_value();
  auto input = desk_->read(connector, instance, raw, thread_token);
  if (!input) return done(input.error());
  if (input->entries.empty()) return done(Accepted{});
  input->done = std::move(done);
  if (input->files.empty()) append(desk_->journal, desk_->partition, std::move(*input));
  else desk_->enqueue(std::move(*input));
}

Result<Input> Ingress::Desk::read(const Connector& connector, const Instance& instance, const Raw& raw,
                                  const std::optional<MessageId>& token) {
  auto verified = connector.verify(instance, raw, clock.wall());
  if (!verified) return verified.error();
  auto parsed = connector.parse(instance, raw);
  if (!parsed) return parsed.error();
  expect(parsed->content_key.empty() || parsed->messages.size() == 1, "a content key names one message");
  expect(parsed->token.empty() || parsed->messages.size() == 1, "a token is good for one message");

  std::shared_ptr<const Triage> current;
  {
    const std::lock_guard lock(mutex);
    current = triage;
    if (!parsed->token.empty() && !tokens.take(instance.id.text() + '\n' + parsed->token, parsed->messages.front().id, clock.wall()))
      return fail(Fault::unauthorised, "this proof came with another message before");
  }
  Input input;
  input.tenant = instance.tenant;
  input.files = std::move(parsed->files);
  for (const DeliveryReported& report : parsed->reports) {
    const Record record = report;
    input.entries.push_back({report.reply.text() + "/report", std::string(record_type(record)), encode(record)});
  }
  for (Message& message : parsed->messages) {
    if (!parsed->content_key.empty()) name_by_content(message, std::move(parsed->content_key), token);
    else if (token) name_in_thread(message, *token);
    if (token) message.thread.token = token;
    if (current) current->apply(message);
    input.ids.push_back(message.id);
    const Record record = MessageReceived{std::move(message)};
    journal::Entry entry{input.ids.back().text(), std::string(record_type(record)), encode(record)};
    if (entry.value.size() > limits::record_bytes_max) return fail(Fault::too_large, "the message is too large");
    input.entries.push_back(std::move(entry));
  }
  return input;
}

// The same words at two private links are two answers: the token is part of the content.
void Ingress::Desk::name_by_content(Message& message, std::string key, const std::optional<MessageId>& token) {
  if (token) key = content_key({key, token->text()});
  const std::string scoped = message.tenant.text() + '\n' + message.connector.text() + '\n' + key;
  Instant first;
  {
    const std::lock_guard lock(mutex);
    first = repeats.first_seen(scoped, message.received_at);
  }
  identify(message, content_provider_id(key, first));
}

// One key at two private links names two answers as well: as one, the second would be lost, and its sender be handed the link of
// the first. Of all time: a key counts for longer than a content does.
void Ingress::Desk::name_in_thread(Message& message, const MessageId& token) {
  identify(message, content_provider_id(content_key({message.provider_message_id, token.text()}), Instant{}));
}

void Ingress::Desk::enqueue(Input input) {
  const std::size_t bytes = file_bytes(input);
  std::unique_lock lock(mutex);
  // One alone is always taken, since a mail with its files may be larger than the limit is.
  if (waiting_bytes > 0 && waiting_bytes + bytes > file_bytes_waiting_max) {
    lock.unlock();
    return input.done(fail(Fault::overloaded, "too many files are waiting to be written"));
  }
  waiting_bytes += bytes;
  waiting.push_back(std::move(input));
  lock.unlock();
  changed.notify_one();
}

// Rule J1: the blobs are durable before the record that names them is appended.
Result<void> Ingress::Desk::keep(const Input& input) {
  for (const File& file : input.files) {
    auto kept = blobs.put(input.tenant, file.sha256, file.bytes);
    if (!kept) return kept.error();
  }
  return {};
}

void Ingress::Desk::write_files() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return stopping || !waiting.empty(); });
    if (waiting.empty()) return;
    Input input = std::move(waiting.front());
    waiting.pop_front();
    const std::size_t bytes = file_bytes(input);
    lock.unlock();
    auto kept = keep(input);
    if (!kept) input.done(kept.error());
    else append(journal, partition, std::move(input));
    lock.lock();
    waiting_bytes -= bytes;
  }
}

}  // namespace usher::connectors
