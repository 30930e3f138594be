// Lines of the terminal agent.
#include "daemon/ctl_agent_show.hpp"

#include "daemon/ctl_table.hpp"

namespace usher::daemon {
namespace {

using boost::json::value;

std::string first_address(const value* identities) {
  if (identities == nullptr || !identities->is_array() || identities->get_array().empty()) return {};
  return printable(text_member(identities->get_array().front(), "value"), 120);
}

std::string customer_name(const value& conversation) {
  const auto* customer = member(conversation, "customer");
  if (customer == nullptr) return "a customer";
  std::string name = printable(text_member(*customer, "display_name"), 80);
  const std::string address = first_address(member(*customer, "identities"));
  if (name.empty()) return address.empty() ? "a customer" : address;
  return address.empty() ? name : name + " <" + address + ">";
}

std::string requirements_of(const value& conversation) {
  const auto* list = member(conversation, "requirements");
  std::string out;
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& one : list->get_array()) {
    out += (out.empty() ? "" : ", ") + printable(text_member(one, "skill"), 64);
    if (const auto* level = member(one, "level"); level != nullptr && level->is_int64())
      out += " " + std::to_string(level->get_int64()) + "+";
  }
  return out;
}

std::string since(const value& conversation, std::string_view name, usher::message::Instant now) {
  const auto at = usher::message::parse_rfc3339(text_member(conversation, name));
  return at ? for_people(now - *at) : std::string();
}

std::string number_text(const value& object, std::string_view name) {
  const auto* found = member(object, name);
  return found != nullptr && found->is_number() ? boost::json::serialize(*found) : std::string();
}

// Whether the sender is who the message says; "" when nobody looked.
std::string verification_words(const value& message) {
  const auto* found = member(message, "verification");
  if (found == nullptr || !found->is_object()) return {};
  const auto method = text_member(*found, "method");
  const auto what = printable(method, 16) + (method.empty() ? "" : ", ") + printable(text_member(*found, "domain"), 120);
  const auto result = text_member(*found, "result");
  if (result == "pass") return " (verified: " + what + ")";
  return result == "fail" ? " (UNVERIFIED SENDER: failed " + what + ")" : std::string(" (unverified sender)");
}

// Text of several lines, each indented and safe.
void add_text(Lines& lines, const std::string& text) {
  std::size_t from = 0;
  while (from <= text.size()) {
    auto end = text.find('\n', from);
    if (end == std::string::npos) end = text.size();
    auto line = printable(std::string_view(text).substr(from, end - from), 2000);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    lines.push_back("    | " + line);
    from = end + 1;
  }
}

}  // namespace

std::string conversation_line(const value& conversation, usher::message::Instant now) {
  std::string line = customer_name(conversation);
  // Who passes a mail on passes on the address that answers it: the agent should see that somebody else reads the reply.
  if (const auto* fresh = member(conversation, "new_sender"); fresh != nullptr && fresh->is_bool() && fresh->get_bool())
    line += " (NEW SENDER)";
  line += ", " + cell_of(member(conversation, "connector"));
  line += " (" + cell_of(member(conversation, "channel")) + ")";
  line += ", " + cell_of(member(conversation, "urgency"));
  line += ", queue " + cell_of(member(conversation, "queue"));
  if (const auto waited = since(conversation, "waiting_since", now); !waited.empty()) line += ", waiting " + waited;
  return line;
}

std::string why_line(const value& why) {
  std::string line;
  const auto add = [&line](const std::string& part) { line += (line.empty() ? "" : "; ") + part; };
  const auto* preferred = member(why, "preferred");
  if (preferred != nullptr && preferred->is_bool() && preferred->get_bool())
    add("you had this conversation before");
  if (const auto* winner = member(why, "winner"); winner != nullptr && winner->is_object()) {
    if (const auto load = number_text(*winner, "load_permille"); !load.empty()) add("load " + load + "/1000");
    if (const auto skill = number_text(*winner, "proficiency"); !skill.empty()) add("proficiency " + skill);
    if (const auto idle = number_text(*winner, "idle_ms"); !idle.empty() && idle.size() < 16)
      add("idle " + for_people(usher::message::Milliseconds(std::stoll(idle))));
  }
  if (const auto* others = member(why, "runners_up"); others != nullptr && others->is_array())
    for (const auto& other : others->get_array()) add("before " + cell_of(member(other, "agent")));
  if (const auto* excluded = member(why, "excluded"); excluded != nullptr && excluded->is_object())
    for (const auto& [reason, count] : excluded->get_object())
      add(boost::json::serialize(count) + " not asked: " + printable(std::string_view(reason), 64));
  return line.empty() ? "-" : line;
}

Lines offer_lines(int number, const value& offer, usher::message::Instant now) {
  Lines lines;
  const auto* conversation = member(offer, "conversation");
  const value none = boost::json::object{};
  const auto& about = conversation != nullptr ? *conversation : none;
  std::string head = "OFFER #" + std::to_string(number) + "  " + conversation_line(about, now);
  lines.push_back(std::move(head));
  if (const auto subject = text_member(about, "subject"); !subject.empty())
    lines.push_back("    subject: " + printable(subject, 200));
  if (const auto needs = requirements_of(about); !needs.empty()) lines.push_back("    needs: " + needs);
  if (const auto* why = member(offer, "why"); why != nullptr) lines.push_back("    why you: " + why_line(*why));
  if (const auto* messages = member(about, "messages"); messages != nullptr && messages->is_array())
    for (const auto& message : messages->get_array())
      for (auto& line : message_lines(message)) lines.push_back(std::move(line));
  const auto* left = member(offer, "expires_in_ms");
  if (left != nullptr && left->is_int64())
    lines.push_back("    " + for_people(usher::message::Milliseconds(left->get_int64())) + " to decide: accept " +
                    std::to_string(number) + ", or decline " + std::to_string(number) + " REASON");
  return lines;
}

Lines message_lines(const value& message) {
  Lines lines;
  const auto kind = text_member(message, "kind");
  std::string author = printable(text_member(message, "author_name"), 80);
  if (author.empty()) author = printable(text_member(message, "author"), 80);
  std::string head = "  " + printable(text_member(message, "at"), 32) + " ";
  if (kind == "note") head += "note by " + (author.empty() ? "an agent" : author);
  else if (kind == "reply") head += "reply by " + (author.empty() ? "an agent" : author);
  else head += author.empty() ? "customer" : author;
  if (const std::string address = first_address(member(message, "from")); !address.empty()) head += " <" + address + ">";
  if (const auto automated = text_member(message, "automated"); !automated.empty()) head += " (automatic: " + printable(automated, 32) + ")";
  if (kind == "from_customer") head += verification_words(message);
  lines.push_back(std::move(head));
  if (const auto subject = text_member(message, "subject"); !subject.empty())
    lines.push_back("    subject: " + printable(subject, 200));
  add_text(lines, text_member(message, "text"));
  if (const auto* files = member(message, "attachments"); files != nullptr && files->is_array())
    for (const auto& file : files->get_array())
      lines.push_back("    file: " + printable(text_member(file, "name"), 120) + " (" + cell_of(member(file, "type")) +
                      ", " + cell_of(member(file, "size")) + " bytes)");
  return lines;
}

std::string delivery_line(int number, const value& frame) {
  const auto state = text_member(frame, "state");
  std::string mark = "…";
  if (state == "sent") mark = "✓";
  else if (state == "delivered" || state == "read") mark = "✓✓";
  else if (state == "failed") mark = "✗";
  std::string line = "#" + std::to_string(number) + " " + mark + " " + printable(state, 32);
  if (const auto detail = text_member(frame, "detail"); !detail.empty()) line += ": " + printable(detail, 200);
  return line;
}

Lines help_lines() {
  return {
      "available | away [REASON] | offline      say whether work may come",
      "accept [N] | decline [N] [REASON]        answer offer N, or the oldest one",
      "list | use N                             what you have; which one the next commands mean",
      "reply TEXT | note TEXT                   to the customer | for colleagues only (end a line with \\ to go on)",
      "attach FILE | attach | attach -          send a file with the next reply | what is attached | take all off",
      "history                                  older messages",
      "transfer queue NAME | transfer agent NAME",
      "snooze MINUTES | close [DISPOSITION] | done   later | finished | wrap-up finished",
      "help | quit",
  };
}

}  // namespace usher::daemon
