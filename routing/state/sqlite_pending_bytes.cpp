// A commit as bytes, in a row of the change log. Numbers are 8 bytes, least first; texts are counted:
//
//   commit = *( "=" table key value | "-" table key | "+" conversation sequence id offset json | "x" conversation )
//   table, key, value, json = count *byte         conversation, id = high low
#include "routing/state/sqlite_pending.hpp"

namespace usher::state {

namespace {

class Bytes {
 public:
  explicit Bytes(std::size_t expected) { out_.reserve(expected); }

  Bytes& kind(char what) { return out_ += what, *this; }
  Bytes& number(std::uint64_t value) {
    char bytes[8];
    for (char& byte : bytes) {
      byte = static_cast<char>(value & 0xff);
      value >>= 8;
    }
    out_.append(bytes, sizeof bytes);
    return *this;
  }
  Bytes& text(std::string_view value) {
    number(value.size());
    out_ += value;
    return *this;
  }
  template <class Tag>
  Bytes& id(const Id128<Tag>& value) {
    return number(value.high).number(value.low);
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool at_end() const { return rest_.empty() || !good_; }
  [[nodiscard]] bool good() const { return good_; }
  char kind() { return take(1)[0]; }
  std::uint64_t number() {
    const auto bytes = take(8);
    std::uint64_t value = 0;
    for (std::size_t i = 8; i-- > 0;) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
    return value;
  }
  std::string text() {
    const auto count = number();
    if (count > rest_.size()) good_ = false;
    return good_ ? std::string(take(count)) : std::string();
  }
  template <class Id>
  Id id() {
    const auto high = number();
    return Id{high, number()};
  }

 private:
  // Zeros once there is not enough.
  std::string_view take(std::size_t count) {
    static constexpr char zeros[8] = {};
    if (count > rest_.size()) good_ = false;
    if (!good_) return {zeros, sizeof zeros};
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::string_view rest_;
  bool good_ = true;
};

std::size_t size_of(const LoggedCommit& commit) {
  std::size_t size = commit.bodies_gone.size() * 17;
  for (const auto& change : commit.changes)
    size += 25 + change.table.size() + change.key.size() + (change.value ? change.value->size() : 0);
  for (const auto& body : commit.bodies) size += 57 + body.json.size();
  return size;
}

}  // namespace

std::string log_bytes(const LoggedCommit& commit) {
  Bytes out(size_of(commit));
  for (const auto& change : commit.changes) {
    out.kind(change.value ? '=' : '-').text(change.table).text(change.key);
    if (change.value) out.text(*change.value);
  }
  for (const auto& body : commit.bodies)
    out.kind('+').id(body.conversation).number(body.sequence).id(body.id).number(static_cast<std::uint64_t>(body.offset)).text(body.json);
  for (const auto gone : commit.bodies_gone) out.kind('x').id(gone);
  return out.take();
}

Result<LoggedCommit> read_log_bytes(std::string_view bytes) {
  LoggedCommit commit;
  Reader in(bytes);
  bool known = true;
  while (!in.at_end() && known) {
    const char kind = in.kind();
    if (kind == '=' || kind == '-') {
      auto& change = commit.changes.emplace_back();
      change.table = in.text();
      change.key = in.text();
      if (kind == '=') change.value = in.text();
    } else if (kind == '+') {
      auto& body = commit.bodies.emplace_back();
      body.conversation = in.id<ConversationId>();
      body.sequence = static_cast<std::uint32_t>(in.number());
      body.id = in.id<MessageId>();
      body.offset = static_cast<Offset>(in.number());
      body.json = in.text();
    } else if (kind == 'x') {
      commit.bodies_gone.push_back(in.id<ConversationId>());
    } else {
      known = false;
    }
  }
  if (!known || !in.good()) return fail(Fault::malformed, "usher.db: a row of the change log cannot be read");
  return commit;
}

}  // namespace usher::state
