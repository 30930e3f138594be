// TerminalDesk: what arrives from the daemon.
#include "daemon/ctl_agent_desk.hpp"

#include <algorithm>
#include <charconv>

#include "daemon/ctl_table.hpp"
#include "routing/message/limits.hpp"

namespace usher::daemon {
namespace {

using boost::json::value;

constexpr auto warn_before_expiry = std::chrono::seconds(10);
constexpr auto degraded_pause = std::chrono::seconds(2);

void add(Lines& lines, Lines more) {
  for (auto& line : more) lines.push_back(std::move(line));
}

const boost::json::array& items(const value& frame, std::string_view name) {
  static const boost::json::array none;
  const auto* found = member(frame, name);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

std::string id_of_conversation(const value& frame) {
  const auto* conversation = member(frame, "conversation");
  if (conversation == nullptr) return {};
  return conversation->is_string() ? std::string(conversation->get_string()) : text_member(*conversation, "id");
}

}  // namespace

TerminalDesk::TerminalDesk(std::string token, std::string command_prefix, Upload upload, std::string tenant)
    : token_(std::move(token)), command_prefix_(std::move(command_prefix)), upload_(std::move(upload)), tenant_(std::move(tenant)) {}

DeskOutput TerminalDesk::opened() {
  ready_ = false;
  next_sequence_ = 0;
  DeskOutput out;
  boost::json::object hello{{"type", "hello"}, {"v", 1}, {"token", token_}};
  if (!tenant_.empty()) hello["tenant"] = tenant_;
  out.frames.push_back(boost::json::serialize(hello));
  return out;
}

void TerminalDesk::lost() { ready_ = false; }

DeskOutput TerminalDesk::received(std::string_view json, Instant now) {
  DeskOutput out;
  boost::json::error_code wrong;
  const auto frame = boost::json::parse({json.data(), json.size()}, wrong);
  const auto type = wrong ? std::string() : text_member(frame, "type");
  if (type.empty()) {
    out.lines.push_back("the daemon said something that is no frame of the protocol");
    return out;
  }
  if (const auto* sequence = member(frame, "seq"); sequence != nullptr && sequence->is_int64()) {
    if (type != "welcome" && sequence->get_int64() != next_sequence_) {
      out.lines.push_back("a frame was lost; asking for the whole truth again");
      auto again = opened();
      out.frames = std::move(again.frames);
      return out;
    }
    next_sequence_ = sequence->get_int64() + 1;
  }
  if (type == "welcome") on_welcome(frame, out, now);
  else if (type == "offer") on_offer(frame, out, now);
  else if (type == "offer_revoked") on_offer_revoked(frame, out);
  else if (type == "assigned") on_assigned(frame, out, now);
  else if (type == "message") on_message(frame, out);
  else if (type == "delivery") out.lines.push_back(delivery_line(number_of(id_of_conversation(frame)), frame));
  else if (type == "ok" || type == "error") on_outcome(frame, out, now);
  else if (type == "history") on_history(frame, out);
  else if (type == "service")
    out.lines.push_back(text_member(frame, "state") == "normal" ? "the service is back to normal"
                                                                : "the service is degraded: answers will take longer");
  else if (type == "presence") out.lines.push_back("you are " + printable(text_member(frame, "state"), 32));
  else if (type == "closed" || type == "released") on_released(frame, out);
  // Unknown types are for newer clients: ignored.
  if (ready_) run_early(out, now);
  return out;
}

DeskOutput TerminalDesk::tick(Instant now) {
  DeskOutput out;
  for (auto& offer : offers_) {
    const auto left = offer.expires_at - now;
    if (offer.warned || left > warn_before_expiry || left <= Milliseconds(0)) continue;
    offer.warned = true;
    out.lines.push_back("offer " + name_of(offer.conversation) + " goes to somebody else in " + for_people(left));
  }
  if (!ready_) return out;
  for (auto& [number, pending] : pending_) {
    if (!pending.again_at || *pending.again_at > now) continue;
    pending.again_at.reset();
    out.frames.push_back(boost::json::serialize(pending.frame));
  }
  run_early(out, now);
  return out;
}

int TerminalDesk::number_of(const std::string& conversation) {
  const auto next = static_cast<int>(numbers_.size()) + 1;
  return numbers_.emplace(conversation, next).first->second;
}

std::string TerminalDesk::name_of(const std::string& conversation) { return "#" + std::to_string(number_of(conversation)); }

TerminalDesk::Offer* TerminalDesk::find_offer(std::optional<int> number) {
  if (!number) return offers_.empty() ? nullptr : &offers_.front();
  for (auto& offer : offers_)
    if (number_of(offer.conversation) == *number) return &offer;
  return nullptr;
}

void TerminalDesk::drop_offer(const std::string& id) {
  std::erase_if(offers_, [&](const Offer& offer) { return offer.id == id; });
}

void TerminalDesk::keep_conversation(const value& conversation) {
  const auto id = text_member(conversation, "id");
  if (id.empty()) return;
  std::erase_if(offers_, [&](const Offer& offer) { return offer.conversation == id; });
  held_[id] = conversation;
  if (current_.empty()) current_ = id;
}

void TerminalDesk::release(const std::string& conversation) {
  held_.erase(conversation);
  attached_.erase(conversation);
  if (current_ == conversation) current_ = held_.empty() ? std::string() : held_.begin()->first;
}

void TerminalDesk::on_welcome(const value& frame, DeskOutput& out, Instant now) {
  // One of an earlier version heeds no tenant in a hello, or does not even say whom it serves, and may serve anybody.
  if (const auto served = text_member(frame, "tenant"); !tenant_.empty() && served != tenant_) {
    out.lines.push_back(served.empty() ? "this daemon does not say which tenant it serves"
                                       : "this daemon serves the tenant " + printable(served, 64) + ", not " + printable(tenant_, 64));
    out.wrong_tenant = true;
    return;
  }
  ready_ = true;
  next_sequence_ = 1;
  offers_.clear();
  held_.clear();
  out.lines.push_back("signed in as " + printable(text_member(frame, "agent"), 64) + ", " +
                      printable(text_member(frame, "presence"), 32));
  for (const auto& conversation : items(frame, "conversations")) {
    keep_conversation(conversation);
    out.lines.push_back("you have " + name_of(text_member(conversation, "id")) + "  " +
                        conversation_line(conversation, now));
    for (const auto& message : items(conversation, "messages")) add(out.lines, message_lines(message));
  }
  std::erase_if(attached_, [this](const auto& files) { return !held_.contains(files.first); });
  if (!held_.contains(current_)) current_ = held_.empty() ? std::string() : held_.begin()->first;
  for (const auto& offer : items(frame, "offers")) on_offer(offer, out, now);
  for (auto& [number, pending] : pending_) {
    pending.again_at.reset();
    out.frames.push_back(boost::json::serialize(pending.frame));
  }
}

void TerminalDesk::on_offer(const value& frame, DeskOutput& out, Instant now) {
  Offer offer{text_member(frame, "offer"), id_of_conversation(frame), now, false};
  if (offer.id.empty() || offer.conversation.empty()) return;
  if (const auto* left = member(frame, "expires_in_ms"); left != nullptr && left->is_int64())
    offer.expires_at = now + Milliseconds(left->get_int64());
  add(out.lines, offer_lines(number_of(offer.conversation), frame, now));
  drop_offer(offer.id);
  offers_.push_back(std::move(offer));
}

void TerminalDesk::on_offer_revoked(const value& frame, DeskOutput& out) {
  const auto id = text_member(frame, "offer");
  const auto found = std::find_if(offers_.begin(), offers_.end(), [&](const Offer& offer) { return offer.id == id; });
  if (found == offers_.end()) return;
  const auto reason = text_member(frame, "reason");
  // One's own accept and decline take the offer away as well; they have lines of their own.
  if (reason != "accepted" && reason != "declined")
    out.lines.push_back("offer " + name_of(found->conversation) + " is gone: " + printable(reason, 64));
  offers_.erase(found);
}

void TerminalDesk::on_assigned(const value& frame, DeskOutput& out, Instant now) {
  const auto* conversation = member(frame, "conversation");
  if (conversation == nullptr || !conversation->is_object()) return;
  keep_conversation(*conversation);
  const auto id = text_member(*conversation, "id");
  current_ = id;
  out.lines.push_back("YOURS " + name_of(id) + "  " + conversation_line(*conversation, now));
  for (const auto& message : items(*conversation, "messages")) add(out.lines, message_lines(message));
}

void TerminalDesk::on_message(const value& frame, DeskOutput& out) {
  const auto* message = member(frame, "message");
  if (message == nullptr) return;
  out.lines.push_back("in " + name_of(id_of_conversation(frame)) + ":");
  add(out.lines, message_lines(*message));
}

void TerminalDesk::on_released(const value& frame, DeskOutput& out) {
  const auto id = id_of_conversation(frame);
  if (id.empty()) return;
  auto reason = printable(text_member(frame, "reason"), 64);
  if (reason.empty()) reason = "closed";
  const auto until = text_member(frame, "wrap_up_until");
  if (!until.empty()) {
    current_ = id;
    out.lines.push_back(name_of(id) + " " + reason + "; wrap up, then: done (by itself at " + printable(until, 32) + ")");
    return;
  }
  release(id);
  out.lines.push_back(name_of(id) + " left you: " + reason);
}

void TerminalDesk::on_outcome(const value& frame, DeskOutput& out, Instant now) {
  const auto id = text_member(frame, "id");
  std::uint64_t number = 0;
  const bool ours = id.size() > command_prefix_.size() && id.starts_with(command_prefix_);
  if (ours) std::from_chars(id.data() + command_prefix_.size(), id.data() + id.size(), number);
  const auto found = pending_.find(number);
  const auto code = text_member(frame, "code");
  if (found == pending_.end()) {
    out.wrong_tenant = code == "wrong_tenant";
    if (out.wrong_tenant)
      out.lines.push_back(printable(text_member(frame, "message"), 200));
    else if (text_member(frame, "type") == "error")
      out.lines.push_back("refused: " + printable(code, 64) + " " + printable(text_member(frame, "message"), 200));
    return;
  }
  if (code == "degraded") {
    found->second.again_at = now + degraded_pause;
    out.lines.push_back("the service cannot take that now; trying again: " + found->second.what);
    return;
  }
  if (text_member(frame, "type") == "error") {
    out.lines.push_back("refused (" + printable(code, 64) + "): " + found->second.what + ". " +
                        printable(text_member(frame, "message"), 200));
    attach_again(found->second.frame, out);
  }
  pending_.erase(found);
}

// A reply that was refused did not take its files along: the next one is not to go without them unnoticed.
void TerminalDesk::attach_again(const boost::json::object& refused, DeskOutput& out) {
  const auto* files = refused.if_contains("attachments");
  const auto conversation = id_of_conversation(refused);
  if (files == nullptr || !held_.contains(conversation)) return;
  auto again = files->as_array();
  auto& now = attached_[conversation];
  for (auto& file : now)
    if (again.size() < usher::message::limits::attachments_max) again.push_back(std::move(file));
  now = std::move(again);
  out.lines.push_back("its files are attached to the next reply in " + name_of(conversation) + " again (attach - takes all off)");
}

void TerminalDesk::on_history(const value& frame, DeskOutput& out) {
  const auto id = text_member(frame, "id");
  std::uint64_t number = 0;
  if (id.starts_with(command_prefix_))
    std::from_chars(id.data() + command_prefix_.size(), id.data() + id.size(), number);
  pending_.erase(number);
  const auto& messages = items(frame, "messages");
  out.lines.push_back("history of " + name_of(id_of_conversation(frame)) + (messages.empty() ? ": nothing older" : ":"));
  for (const auto& message : messages) add(out.lines, message_lines(message));
  // The next `history` goes on before the oldest of these.
  const auto held = held_.find(id_of_conversation(frame));
  if (held == held_.end() || messages.empty() || !held->second.is_object()) return;
  held->second.get_object()["history_before"] = text_member(messages.front(), "id");
}

}  // namespace usher::daemon
