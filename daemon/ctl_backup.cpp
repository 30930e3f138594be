// `usherctl backup FILE` (by the running daemon) and `restore FILE --data DIR` (while it is stopped).
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <filesystem>

#include "daemon/backup_archive.hpp"
#include "daemon/ctl.hpp"

namespace usher::daemon {
namespace {

// The daemon writes the file, on its own machine and as its own user: a relative path means this shell's folder.
Exit backup(const CtlContext& context, const std::string& file) {
  std::error_code wrong;
  const auto absolute = std::filesystem::absolute(file, wrong).lexically_normal();
  const boost::json::value body = boost::json::object{{"path", absolute.string()}};
  const auto answer = ask(context, "POST", "/v1/backup", &body);
  if (!answer) return complain(answer.error());
  const auto text = context.json ? boost::json::serialize(*answer) : "written: " + absolute.string();
  std::puts(text.c_str());
  return Exit::ok;
}

Exit restore(const CtlContext& context, const std::string& file, const std::string& data) {
  const auto restored = restore_backup(file, data);
  if (!restored) return complain(restored.error());
  if (!restored->verified)
    std::fprintf(stderr, "usherctl: warning: %s is of an earlier build and has no list of its files: only the database was checked, "
                 "damage in the other files is not known\n", file.c_str());
  if (context.json) {
    const boost::json::object answer{{"files", restored->files}, {"moved_to", restored->moved_to}, {"verified", restored->verified}};
    std::puts(boost::json::serialize(answer).c_str());
    return Exit::ok;
  }
  std::printf("restored %zu files into %s\n", restored->files, data.c_str());
  if (!restored->moved_to.empty()) std::printf("what was there before: %s\n", restored->moved_to.c_str());
  return Exit::ok;
}

}  // namespace

void add_backup_commands(CLI::App& app, CtlContext& context) {
  auto target = std::make_shared<std::string>();
  auto* backup_command = app.add_subcommand("backup", "Have the daemon write a backup, while it serves");
  backup_command->add_option("FILE", *target, "A tar file that does not exist yet, on the daemon's machine")->required();
  backup_command->callback([&context, target] { context.chosen = [&context, target] { return backup(context, *target); }; });

  struct Choice {
    std::string file, data;
  };
  auto choice = std::make_shared<Choice>();
  auto* restore_command = app.add_subcommand("restore", "Put a backup into a data folder; the daemon must be stopped");
  restore_command->add_option("FILE", choice->file, "The backup")->required();
  restore_command->add_option("--data", choice->data, "The data folder")->required();
  restore_command->callback([&context, choice] {
    context.chosen = [&context, choice] { return restore(context, choice->file, choice->data); };
  });
}

}  // namespace usher::daemon
