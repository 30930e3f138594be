// Triage: what text says before any agent reads it. Labels by whole words, at the edge and in parallel (rule I4); the
// record carries them, so the engine sees labels and never text. Immutable: any thread.
#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"
#include "routing/message/message.hpp"

namespace usher::connectors {

using namespace usher::message;

class Triage {
 public:
  explicit Triage(std::vector<config::LabelRule> rules);

  // Adds the label of each rule of which a word stands in subject or text_new, whatever the case. Labels come out
  // sorted and unique; the language stays as the connector found it.
  void apply(Message& message) const;

 private:
  struct Word {
    std::string label;
    std::string folded;
  };
  std::vector<Word> words_;
};

}  // namespace usher::connectors
