// `usherctl dead-letters list|show|requeue`: records that could not be applied, with their bytes and the reason.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "daemon/ctl.hpp"
#include "daemon/ctl_table.hpp"

namespace usher::daemon {
namespace {

using boost::json::value;

std::string show_list(const value& answer) {
  static const boost::json::array none;
  const auto* list = answer.is_array() ? &answer : member(answer, "dead_letters");
  return table_of(list != nullptr && list->is_array() ? list->get_array() : none,
                  {{"OFFSET", "/offset"}, {"AT", "/at"}, {"TYPE", "/type"}, {"REASON", "/reason"}});
}

std::string show_one(const value& answer) {
  return answer.is_object() ? list_of(answer.get_object()) : cell_of(&answer) + "\n";
}

Exit requeue(const CtlContext& context, const std::string& offset) {
  const value nothing = boost::json::object{};
  const auto answer = ask(context, "POST", "/v1/dead-letters/" + percent_encode(offset) + "/requeue", &nothing);
  if (!answer) return complain(answer.error());
  const auto text = context.json ? boost::json::serialize(*answer) : "requeued " + offset;
  std::puts(text.c_str());
  return Exit::ok;
}

}  // namespace

void add_dead_letter_commands(CLI::App& app, CtlContext& context) {
  auto* group = app.add_subcommand("dead-letters", "Records that could not be applied");
  group->require_subcommand(1);

  struct Page {
    long long after = -1;
    int limit = 50;
  };
  auto page = std::make_shared<Page>();
  auto* list = group->add_subcommand("list", "The reasons, oldest first");
  list->add_option("--after", page->after, "Only those after this offset");
  list->add_option("--limit", page->limit, "How many")->check(CLI::Range(1, 1000))->capture_default_str();
  list->callback([&context, page] {
    context.chosen = [&context, page] {
      auto path = "/v1/dead-letters?limit=" + std::to_string(page->limit);
      if (page->after >= 0) path += "&after=" + std::to_string(page->after);
      return show_answer(context, path, &show_list);
    };
  });

  auto offset = std::make_shared<std::string>();
  auto* show = group->add_subcommand("show", "One of them, with its bytes");
  show->add_option("OFFSET", *offset, "As list shows it")->required();
  show->callback([&context, offset] {
    context.chosen = [&context, offset] {
      return show_answer(context, "/v1/dead-letters/" + percent_encode(*offset), &show_one);
    };
  });

  auto* again = group->add_subcommand("requeue", "Put its bytes into the journal once more");
  again->add_option("OFFSET", *offset, "As list shows it")->required();
  again->callback([&context, offset] { context.chosen = [&context, offset] { return requeue(context, *offset); }; });
}

}  // namespace usher::daemon
