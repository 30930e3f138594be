// Conversations, offers and reasons as JSON, member by member in the order of the structs.
#include "routing/delivery/frame_wire_views.hpp"

#include <array>

namespace usher::delivery::wire {

using namespace usher::message;

namespace {

// In the order of the enums.
constexpr std::array<std::string_view, 4> urgency_names{"low", "normal", "high", "critical"};
constexpr std::array<std::string_view, 6> state_names{"waiting", "offered", "assigned", "snoozed", "wrap_up", "closed"};

constexpr std::array<std::string_view, 3> flood_names{"none", "conversation", "sender"};

void write(Writer& out, const engine::Candidate& candidate) {
  out.name("agent", candidate.agent);
  out.number("load_permille", candidate.load_permille);
  out.number("proficiency", candidate.proficiency);
  out.number("idle_ms", candidate.idle_ms);
}

void read(Reader& in, engine::Candidate& candidate) {
  in.name("agent", candidate.agent, any_name);
  in.integer("load_permille", candidate.load_permille, least, most);
  in.integer("proficiency", candidate.proficiency, least, most);
  in.integer("idle_ms", candidate.idle_ms, least, most);
}

void write(Writer& out, const engine::Why& why) {
  out.text("policy", why.policy);
  out.number("waited_ms", why.waited_ms);
  out.number("order_key", why.order_key);
  out.flag("preferred", why.preferred);
  out.key("winner");
  out.begin_object();
  write(out, why.winner);
  out.end_object();
  out.list("runners_up", why.runners_up, [&](const engine::Candidate& candidate) {
    out.begin_object();
    write(out, candidate);
    out.end_object();
  });
  // A list of pairs: reasons are counted in 64 bits, which an object read by Reader::numbers would not hold.
  out.list("excluded", why.excluded, [&](const auto& one) {
    out.begin_object();
    out.text("reason", one.first);
    out.number("agents", one.second);
    out.end_object();
  });
}

void read(Reader& in, engine::Why& why) {
  in.text("policy", why.policy);
  in.integer("waited_ms", why.waited_ms, least, most);
  in.integer("order_key", why.order_key, least, most);
  in.flag_if_any("preferred", why.preferred);
  in.nested("winner", Need::required, [&](Reader& winner) { read(winner, why.winner); });
  in.objects("runners_up", Need::required, limits::runners_up_max,
             [&](Reader& one) { read(one, why.runners_up.emplace_back()); });
  in.objects("excluded", Need::required, limits::list_items_max, [&](Reader& one) {
    std::string reason;
    std::int64_t agents = 0;
    one.text("reason", reason);
    one.integer("agents", agents, least, most);
    if (!why.excluded.emplace(std::move(reason), agents).second) one.refuse("reason", "must not come twice");
  });
}

template <std::size_t Size>
std::size_t chosen(Reader& in, std::string_view name, const std::array<std::string_view, Size>& names) {
  return in.choice(name, names, Need::required).value_or(0);
}

}  // namespace

void write_time(Writer& out, std::string_view name, std::optional<Instant> at) {
  if (at) out.time(name, *at);
}

void write(Writer& out, const engine::ConversationView& view) {
  out.id("id", view.id);
  out.name("connector", view.connector);
  out.text("channel", view.channel);
  out.name("queue", view.queue);
  out.text("urgency", urgency_names.at(static_cast<std::size_t>(view.urgency)));
  out.list("requirements", view.requirements, [&](const Requirement& one) {
    out.begin_object();
    out.name("skill", one.skill);
    out.number("level", one.level_min);
    out.end_object();
  });
  out.text("state", state_names.at(static_cast<std::size_t>(view.state)));
  if (view.agent) out.name("agent", *view.agent);
  if (view.offer) out.id("offer", *view.offer);
  out.time("opened_at", view.opened_at);
  out.time("waiting_since", view.waiting_since);
  write_time(out, "answer_due", view.answer_due);
  write_time(out, "state_until", view.state_until);
  out.number("messages", view.messages);
  out.id("last_from_customer", view.last_from_customer);
  if (view.flood != engine::Flood::none) out.text("flood", flood_names.at(static_cast<std::size_t>(view.flood)));
}

void read(Reader& in, engine::ConversationView& view) {
  in.id("id", view.id);
  in.name("connector", view.connector, any_name);
  in.text("channel", view.channel);
  in.name("queue", view.queue, any_name);
  view.urgency = static_cast<Urgency>(chosen(in, "urgency", urgency_names));
  in.objects("requirements", Need::required, items_max, [&](Reader& one) {
    auto& requirement = view.requirements.emplace_back();
    one.name("skill", requirement.skill, any_name);
    one.small_integer("level", requirement.level_min, std::numeric_limits<int>::min());
  });
  view.state = static_cast<engine::ConversationState>(chosen(in, "state", state_names));
  in.optional_name("agent", view.agent);
  in.optional_id("offer", view.offer);
  in.time("opened_at", view.opened_at);
  in.time("waiting_since", view.waiting_since);
  in.optional_time("answer_due", view.answer_due);
  in.optional_time("state_until", view.state_until);
  std::int64_t messages = 0;
  in.integer("messages", messages, 0, std::numeric_limits<std::uint32_t>::max());
  in.id("last_from_customer", view.last_from_customer);
  view.messages = static_cast<std::uint32_t>(messages);
  view.flood = static_cast<engine::Flood>(in.choice("flood", flood_names, Need::optional).value_or(0));
}

void write(Writer& out, const engine::OfferView& offer) {
  out.id("offer", offer.offer);
  out.number("expires_in_ms", offer.expires_in.count());
  out.key("conversation");
  out.begin_object();
  write(out, offer.conversation);
  out.end_object();
  out.key("why");
  out.begin_object();
  write(out, offer.why);
  out.end_object();
}

void read(Reader& in, engine::OfferView& offer) {
  in.id("offer", offer.offer);
  std::int64_t expires_in = 0;
  in.integer("expires_in_ms", expires_in, least, most);
  offer.expires_in = Milliseconds(expires_in);
  in.nested("conversation", Need::required, [&](Reader& view) { read(view, offer.conversation); });
  in.nested("why", Need::required, [&](Reader& why) { read(why, offer.why); });
}

}  // namespace usher::delivery::wire
