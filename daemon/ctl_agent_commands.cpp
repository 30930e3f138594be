// TerminalDesk: what the agent types. One line, one command; a line that ends with a backslash goes on with the next.
#include <charconv>
#include <utility>

#include "daemon/ctl_agent_desk.hpp"
#include "daemon/ctl_table.hpp"
#include "routing/message/limits.hpp"

namespace usher::daemon {
namespace {

constexpr auto wait_for_frames = std::chrono::seconds(3);

// Takes the first word off `text`.
std::string take_word(std::string& text) {
  const auto start = text.find_first_not_of(" \t");
  if (start == std::string::npos) {
    text.clear();
    return {};
  }
  const auto end = std::min(text.find_first_of(" \t\n", start), text.size());
  auto word = text.substr(start, end - start);
  const auto next = text.find_first_not_of(" \t", end);
  text = next == std::string::npos ? std::string() : text.substr(next);
  return word;
}

std::optional<int> number_in(std::string_view word) {
  if (word.starts_with('#')) word.remove_prefix(1);
  int number = 0;
  const auto read = std::from_chars(word.data(), word.data() + word.size(), number);
  if (read.ec != std::errc() || read.ptr != word.data() + word.size() || number < 0) return std::nullopt;
  return number;
}

}  // namespace

DeskOutput TerminalDesk::typed(std::string_view line, Instant now) {
  DeskOutput out;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (!line.empty() && line.back() == '\\') {
    unfinished_.append(line.substr(0, line.size() - 1)).append("\n");
    return out;
  }
  early_.push_back({unfinished_ + std::string(line), now + wait_for_frames});
  unfinished_.clear();
  run_early(out, now);
  return out;
}

void TerminalDesk::run_early(DeskOutput& out, Instant now) {
  while (!early_.empty()) {
    if (!execute(early_.front().line, out, now)) {
      if (early_.front().until > now) return;
      out.lines.push_back(lacking_);
    }
    early_.pop_front();
    // The next line's patience begins when its turn comes.
    if (!early_.empty()) early_.front().until = std::max(early_.front().until, now + wait_for_frames);
  }
}

bool TerminalDesk::execute(const std::string& line, DeskOutput& out, Instant now) {
  lacking_.clear();
  auto rest = line;
  const auto word = take_word(rest);
  if (word.empty()) return true;
  if (word == "quit" || word == "exit") out.quit = true;
  else if (word == "help") out.lines = help_lines();
  else if (word == "available" || word == "away" || word == "offline") do_presence(word, rest, out);
  else if (word == "accept" || word == "decline") do_offer(word, rest, out);
  else if (word == "list") do_list(out, now);
  else if (word == "use") do_use(rest, out);
  else if (word == "reply" || word == "note" || word == "close" || word == "done" || word == "history")
    do_work(word, rest, out);
  else if (word == "attach") do_attach(rest, out);
  else if (word == "transfer") do_transfer(rest, out);
  else if (word == "snooze") do_snooze(rest, out, now);
  else out.lines.push_back("no such command: " + printable(word, 40) + " (help shows them)");
  return lacking_.empty();
}

void TerminalDesk::command(DeskOutput& out, boost::json::object frame, std::string what) {
  const auto number = ++commands_;
  frame["id"] = command_prefix_ + std::to_string(number);
  if (ready_) out.frames.push_back(boost::json::serialize(frame));
  else out.lines.push_back("not connected; it is sent as soon as the line is back");
  pending_[number] = Pending{std::move(frame), std::move(what), std::nullopt};
}

bool TerminalDesk::needs_current() {
  if (!current_.empty()) return true;
  lacking_ = "you hold no conversation";
  return false;
}

void TerminalDesk::do_presence(const std::string& word, const std::string& rest, DeskOutput& out) {
  boost::json::object frame{{"type", "presence"}, {"state", word}};
  if (!rest.empty()) frame["reason"] = rest;
  command(out, std::move(frame), word);
}

void TerminalDesk::do_offer(const std::string& word, std::string rest, DeskOutput& out) {
  auto reason = rest;
  const auto number = number_in(take_word(rest));
  if (number) reason = rest;
  const auto* offer = find_offer(number);
  if (offer == nullptr) {
    lacking_ = number ? "there is no offer #" + std::to_string(*number) : std::string("there is no offer");
    return;
  }
  boost::json::object frame{{"type", word}, {"offer", offer->id}};
  if (word == "decline" && !reason.empty()) frame["reason"] = reason;
  command(out, std::move(frame), word + " " + name_of(offer->conversation));
}

void TerminalDesk::do_use(const std::string& rest, DeskOutput& out) {
  const auto number = number_in(rest);
  for (const auto& [id, conversation] : held_) {
    if (!number || number_of(id) != *number) continue;
    current_ = id;
    out.lines.push_back("now " + name_of(id));
    return;
  }
  out.lines.push_back("you hold no conversation of that number (list shows them)");
}

void TerminalDesk::do_list(DeskOutput& out, Instant now) {
  for (const auto& offer : offers_)
    out.lines.push_back("offer " + name_of(offer.conversation) + ", " + for_people(offer.expires_at - now) + " left");
  for (const auto& [id, conversation] : held_)
    out.lines.push_back((id == current_ ? "* " : "  ") + name_of(id) + "  " + conversation_line(conversation, now));
  if (offers_.empty() && held_.empty()) out.lines.push_back("nothing");
}

void TerminalDesk::do_work(const std::string& word, const std::string& rest, DeskOutput& out) {
  if (!needs_current()) return;
  boost::json::object frame{{"type", word == "done" ? "wrapped_up" : word}, {"conversation", current_}};
  if (word == "reply" || word == "note") {
    if (rest.find_first_not_of(" \t\n") == std::string::npos) {
      out.lines.push_back("say something: " + word + " TEXT");
      return;
    }
    frame["text"] = rest;
  }
  if (const auto files = word == "reply" ? attached_.extract(current_) : decltype(attached_)::node_type(); !files.empty())
    frame["attachments"] = files.mapped();
  if (word == "close" && !rest.empty()) frame["disposition"] = rest;
  if (word == "history") {
    const auto held = held_.find(current_);
    if (held != held_.end()) {
      auto before = text_member(held->second, "history_before");
      const auto* messages = member(held->second, "messages");
      if (before.empty() && messages != nullptr && messages->is_array() && !messages->get_array().empty())
        before = text_member(messages->get_array().front(), "id");
      if (!before.empty()) frame["before"] = before;
    }
  }
  command(out, std::move(frame), word + " " + name_of(current_));
}

// For the next reply in this conversation: another one may be in hand by the time that reply is typed.
void TerminalDesk::do_attach(const std::string& rest, DeskOutput& out) {
  if (!needs_current()) return;
  const auto found = attached_.find(current_);
  const auto already = found == attached_.end() ? 0 : found->second.size();
  if (rest.empty()) {
    if (already == 0) out.lines.push_back("attach FILE: it goes with the next reply (attach - takes all off again)");
    for (std::size_t i = 0; i < already; ++i)
      out.lines.push_back("attached in " + name_of(current_) + ": " + printable(text_member(found->second[i], "name"), 120));
    return;
  }
  if (rest == "-") {
    attached_.erase(current_);
    out.lines.push_back("nothing is attached in " + name_of(current_));
    return;
  }
  if (already >= usher::message::limits::attachments_max) {
    out.lines.push_back("a reply has at most " + std::to_string(usher::message::limits::attachments_max) + " files");
    return;
  }
  auto file = upload_ ? upload_(rest) : usher::message::fail(usher::message::Fault::unavailable, "nothing can be uploaded here");
  if (!file) {
    out.lines.push_back("not attached: " + printable(file.error().detail, 200));
    return;
  }
  out.lines.push_back("attached to the next reply in " + name_of(current_) + ": " + printable(text_member(*file, "name"), 120));
  attached_[current_].push_back(std::move(*file));
}

void TerminalDesk::do_transfer(const std::string& rest, DeskOutput& out) {
  if (!needs_current()) return;
  auto words = rest;
  const auto kind = take_word(words);
  const auto name = take_word(words);
  if ((kind != "queue" && kind != "agent") || name.empty()) {
    out.lines.push_back("transfer queue NAME, or transfer agent NAME");
    return;
  }
  boost::json::object to;
  to[kind] = name;
  boost::json::object frame{{"type", "transfer"}, {"conversation", current_}, {"to", std::move(to)}};
  if (!words.empty()) frame["note"] = words;
  command(out, std::move(frame), "transfer " + name_of(current_) + " to " + kind + " " + printable(name, 64));
}

void TerminalDesk::do_snooze(const std::string& rest, DeskOutput& out, Instant now) {
  if (!needs_current()) return;
  const auto minutes = number_in(rest);
  if (!minutes || *minutes < 1 || *minutes > 7 * 24 * 60) {
    out.lines.push_back("snooze MINUTES, from 1 to 10080");
    return;
  }
  const auto until = usher::message::format_rfc3339(now + std::chrono::minutes(*minutes));
  command(out, {{"type", "snooze"}, {"conversation", current_}, {"until", until}},
          "snooze " + name_of(current_) + " for " + rest + " min");
}

}  // namespace usher::daemon
