// `usherctl conversations [ID]` and `explain ID`: one conversation, all of them, and why one waits or who has it.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "daemon/ctl.hpp"
#include "daemon/ctl_agent_show.hpp"
#include "daemon/ctl_table.hpp"

namespace usher::daemon {
namespace {

using boost::json::value;

std::string show_conversations(const value& answer) {
  static const boost::json::array none;
  const auto* list = answer.is_array() ? &answer : member(answer, "conversations");
  return table_of(list != nullptr && list->is_array() ? list->get_array() : none, {{"CONVERSATION", "/id"},
                                                                                   {"STATE", "/state"},
                                                                                   {"QUEUE", "/queue"},
                                                                                   {"URGENCY", "/urgency"},
                                                                                   {"AGENT", "/agent"},
                                                                                   {"CONNECTOR", "/connector"},
                                                                                   {"WAITING SINCE", "/waiting_since"},
                                                                                   {"MESSAGES", "/messages"}});
}

std::string show_conversation(const value& answer) {
  const auto* found = member(answer, "conversation");
  const auto& conversation = found != nullptr && found->is_object() ? *found : answer;
  if (!conversation.is_object()) return cell_of(&answer) + "\n";
  auto plain = conversation.get_object();
  const auto* messages = member(answer, "messages");
  if (messages == nullptr || !messages->is_array()) messages = member(conversation, "messages");
  std::string out;
  if (messages != nullptr && messages->is_array())
    for (const auto& message : messages->get_array())
      for (const auto& line : message_lines(message)) out += line + "\n";
  if (const auto* own = plain.if_contains("messages"); own != nullptr && own->is_array()) plain.erase("messages");
  return list_of(plain) + out;
}

std::string show_explanation(const value& answer) {
  if (!answer.is_object()) return cell_of(&answer) + "\n";
  std::string out;
  auto rest = answer.get_object();
  if (const auto* conversation = rest.if_contains("conversation"); conversation != nullptr && conversation->is_object()) {
    out += list_of(conversation->get_object());
    rest.erase("conversation");
  }
  return out + list_of(rest);
}

}  // namespace

void add_conversation_commands(CLI::App& app, CtlContext& context) {
  struct Choice {
    std::string id;
    int limit = 50;
  };
  auto choice = std::make_shared<Choice>();
  auto* conversations =
      app.add_subcommand("conversations", "Conversations, newest activity first; or one with its messages");
  conversations->add_option("ID", choice->id, "One conversation");
  conversations->add_option("--limit", choice->limit, "How many")->check(CLI::Range(1, 1000))->capture_default_str();
  conversations->callback([&context, choice] {
    context.chosen = [&context, choice] {
      if (!choice->id.empty())
        return show_answer(context, "/v1/conversations/" + percent_encode(choice->id), &show_conversation);
      return show_answer(context, "/v1/conversations?limit=" + std::to_string(choice->limit), &show_conversations);
    };
  });

  auto explained = std::make_shared<std::string>();
  auto* explain = app.add_subcommand("explain", "Why a conversation waits, or why this agent has it");
  explain->add_option("ID", *explained, "The conversation")->required();
  explain->callback([&context, explained] {
    context.chosen = [&context, explained] {
      return show_answer(context, "/v1/explain/" + percent_encode(*explained), &show_explanation);
    };
  });
}

}  // namespace usher::daemon
