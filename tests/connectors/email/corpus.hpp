// The corpora of real mail beside the repository (USHER_CORPORA, default ../shared/corpora), and how what we make of them is
// compared with what others expect. Data for tests only: without the folder the lists are empty.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "connectors/email/email_message.hpp"

namespace usher::connectors::email::testing {

struct Sample {
  std::string file;
  std::string bytes;
  boost::json::value expected;
};

// `folder`/expected.jsonl and the files it names.
std::vector<Sample> samples(std::string_view folder);

struct Reply {
  std::string file;
  std::string text;
  std::string kept;
};
std::vector<Reply> replies();

// As a mail server would hand it to us, for tenant acme; without secrets.
Message message_of(std::string_view bytes);

// White space of any kind as single blanks.
std::string folded(std::string_view text);

struct Score {
  std::size_t agreed = 0, asked = 0;
  std::vector<std::string> differences;
  void ask(bool same, const std::string& what);
  [[nodiscard]] double share() const { return asked == 0 ? 1.0 : static_cast<double>(agreed) / static_cast<double>(asked); }
  // The figures, and with USHER_CORPORA_SHOW set each difference.
  void show(std::string_view name) const;
};

}  // namespace usher::connectors::email::testing
