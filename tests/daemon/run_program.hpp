// Runs a program's main function in a child process with given arguments and standard input, as a shell would.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/daemon/scratch_folder.hpp"

struct Ran {
  int code = -1;
  std::string out, err;
};

using MainFunction = int (*)(int, const char* const*);

inline Ran run_program(MainFunction program, std::vector<std::string> words, const std::string& input = "") {
  const ScratchFolder folder;
  folder.write("in", input);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto redirect = [&folder](const char* name, const char* mode, std::FILE* stream) {
      if (std::freopen((folder.path() / name).c_str(), mode, stream) == nullptr) ::_exit(99);
    };
    redirect("in", "rb", stdin);
    redirect("out", "wb", stdout);
    redirect("err", "wb", stderr);
    for (const char* variable : {"USHER_TOKEN", "USHER_URL"}) ::unsetenv(variable);
    std::vector<const char*> arguments{"program"};
    for (const auto& word : words) arguments.push_back(word.c_str());
    const int code = program(static_cast<int>(arguments.size()), arguments.data());
    std::fflush(nullptr);
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, folder.read("out"), folder.read("err")};
}
