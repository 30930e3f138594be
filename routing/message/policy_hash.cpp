// The name of a policy: a hash over every field, each preceded by its length or count so that no two policies share
// their bytes. The structured bindings name every member on purpose: a new field does not compile until it is hashed.
#include <cstdint>
#include <string>

#include "routing/message/policy.hpp"
#include "routing/message/siphash.hpp"

namespace usher::message {

namespace {

// ASCII of "usher.po" and "licy.v1.". A change of what is hashed needs another key.
constexpr std::uint64_t key0 = 0x75736865722e706fULL;
constexpr std::uint64_t key1 = 0x6c6963792e76312eULL;

class Bytes {
 public:
  void put(std::int64_t number) {
    const auto value = static_cast<std::uint64_t>(number);
    for (unsigned shift = 0; shift < 64; shift += 8) out_.push_back(static_cast<char>((value >> shift) & 0xff));
  }
  void put(int number) { put(static_cast<std::int64_t>(number)); }
  void put(Urgency urgency) { put(static_cast<int>(urgency)); }
  void put(Milliseconds time) { put(static_cast<std::int64_t>(time.count())); }
  void put(const std::string& text) {
    put(static_cast<std::int64_t>(text.size()));
    out_ += text;
  }
  template <class Tag>
  void put(const Name<Tag>& name) {
    put(name.text());
  }
  template <class T>
  void put(const std::optional<T>& value) {
    out_.push_back(value ? '\1' : '\0');
    if (value) put(*value);
  }
  template <class T>
  void put(const std::vector<T>& list) {
    put(static_cast<std::int64_t>(list.size()));
    for (const T& item : list) put(item);
  }
  void put(const std::map<std::string, int>& numbers) {
    put(static_cast<std::int64_t>(numbers.size()));
    for (const auto& [name, number] : numbers) put_all(name, number);
  }

  void put(const Requirement& requirement) {
    const auto& [skill, level_min] = requirement;
    put_all(skill, level_min);
  }
  void put(const Proficiency& proficiency) {
    const auto& [skill, level] = proficiency;
    put_all(skill, level);
  }
  void put(const QueuePolicy& queue) {
    const auto& [id, requirements, urgency, answer_within] = queue;
    put_all(id, requirements, urgency, answer_within);
  }
  void put(const RoutingRule& rule) {
    const auto& [name, connector, channel, label, language, queue, urgency, requirements] = rule;
    put_all(name, connector, channel, label, language, queue, urgency, requirements);
  }
  void put(const AgentPolicy& agent) {
    const auto& [id, display_name, skills, capacity, capacity_other, capacity_total] = agent;
    put_all(id, display_name, skills, capacity, capacity_other, capacity_total);
  }
  void put(const PolicyTimes& times) {
    const auto& [offer_timeout, session_grace, wrap_up, decline_memory, reopen_within, dedupe_window] = times;
    put_all(offer_timeout, session_grace, wrap_up, decline_memory, reopen_within, dedupe_window);
  }
  void put(const Policy& policy) {
    const auto& [tenant, queues, default_queue, rules, agents, times, urgency_step, missed_offers_max,
                 send_attempts_max] = policy;
    put_all(tenant, queues, default_queue, rules, agents, times, urgency_step, missed_offers_max, send_attempts_max);
  }

  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  template <class... Fields>
  void put_all(const Fields&... fields) {
    (put(fields), ...);
  }

  std::string out_;
};

}  // namespace

std::string policy_hash(const Policy& policy) {
  Bytes bytes;
  bytes.put(policy);
  const Hash128 hash = siphash128(bytes.text(), key0, key1);
  return Id128<struct PolicyTag>{hash.high, hash.low}.text();
}

}  // namespace usher::message
