// Desk and MemoryPlace.
#include "tests/connectors/imap/reader_fixture.hpp"

namespace usher::connectors::email::imap::testing {

Result<std::optional<Position>> MemoryPlace::load() { return kept(); }

void MemoryPlace::save(const Position& position) {
  const std::lock_guard lock(mutex_);
  kept_ = position;
  ++saves_;
}

Result<bool> MemoryPlace::outlives_a_crash() {
  const std::lock_guard lock(mutex_);
  return kept_ && durable_;
}

void MemoryPlace::durable(bool at_once) {
  const std::lock_guard lock(mutex_);
  durable_ = at_once;
}

int MemoryPlace::saves() const {
  const std::lock_guard lock(mutex_);
  return saves_;
}

void MemoryPlace::put(const Position& position) {
  const std::lock_guard lock(mutex_);
  kept_ = position;
}

std::optional<Position> MemoryPlace::kept() const {
  const std::lock_guard lock(mutex_);
  return kept_;
}

MailboxReader::Ports Desk::ports(TokenSource token) {
  return {[this](std::string bytes, Instant at, bool cut, TakenDone done) { accept(std::move(bytes), at, cut, std::move(done)); }, place, clock_,
          std::move(token), [this](const std::string& words) {
            const std::lock_guard lock(mutex_);
            reports_.push_back(words);
            changed_.notify_all();
          }};
}

void Desk::accept(std::string bytes, Instant arrived_at, bool cut, TakenDone done) {
  std::unique_lock lock(mutex_);
  if (holding_) {
    taken_.push_back({std::move(bytes), arrived_at, cut});
    owed_.push_back(std::move(done));
    changed_.notify_all();
    return;
  }
  Result<void> answer;
  if (!answers_.empty()) {
    answer = std::move(answers_.front());
    answers_.pop_front();
  }
  if (answer) taken_.push_back({std::move(bytes), arrived_at, cut});
  changed_.notify_all();
  lock.unlock();
  done(answer);
}

void Desk::answer(std::deque<Result<void>> answers) {
  const std::lock_guard lock(mutex_);
  answers_ = std::move(answers);
}

void Desk::hold() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

void Desk::release() {
  std::vector<TakenDone> owed;
  {
    const std::lock_guard lock(mutex_);
    holding_ = false;
    owed.swap(owed_);
  }
  for (auto& done : owed) done({});
}

std::vector<Taken> Desk::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

std::vector<std::string> Desk::reports() const {
  const std::lock_guard lock(mutex_);
  return reports_;
}

std::vector<std::string> Desk::subjects() const {
  std::vector<std::string> out;
  for (const Taken& one : taken()) {
    const std::size_t at = one.bytes.find("Subject: ");
    out.push_back(at == std::string::npos ? "" : one.bytes.substr(at + 9, one.bytes.find("\r\n", at) - at - 9));
  }
  return out;
}

bool Desk::wait(const std::function<bool()>& done) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::unique_lock lock(mutex_);
  for (;;) {
    lock.unlock();
    const bool there = done();
    lock.lock();
    if (there || std::chrono::steady_clock::now() > deadline) return there;
    // What is waited for may be the server's, which tells nobody.
    changed_.wait_for(lock, std::chrono::milliseconds(10));
  }
}

bool Desk::wait_for_mails(std::size_t count) const {
  return wait([&] { return taken().size() >= count; });
}

Pace quick() {
  using std::chrono::milliseconds;
  return {std::chrono::minutes(9), std::chrono::minutes(9), milliseconds(5), milliseconds(50), milliseconds(5), milliseconds(50), milliseconds(5), milliseconds(20),
          milliseconds(0), milliseconds(0), milliseconds(0), milliseconds(50), Silence{}};
}

std::string mail(const std::string& subject) {
  return "From: ana@example.org\r\nSubject: " + subject + "\r\nMessage-ID: <" + subject + "@example.org>\r\n\r\nHello " + subject + "\r\n";
}

}  // namespace usher::connectors::email::imap::testing
