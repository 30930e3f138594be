// Triage: labels by whole words.
#include "connectors/triage.hpp"

#include <algorithm>

#include "connectors/folded_text.hpp"

namespace usher::connectors {

Triage::Triage(std::vector<config::LabelRule> rules) {
  for (const auto& rule : rules)
    for (const auto& word : rule.words)
      if (auto folded = fold(word); !folded.empty()) words_.push_back(Word{rule.label, std::move(folded)});
  // One label's words stand together, so that the first found spares the rest.
  std::stable_sort(words_.begin(), words_.end(), [](const Word& a, const Word& b) { return a.label < b.label; });
}

void Triage::apply(Message& message) const {
  if (words_.empty()) return;
  // Between the two stands what belongs to no word.
  const std::string text = fold(message.subject) + '\n' + fold(message.text_new);
  for (const Word& word : words_) {
    if (!message.labels.empty() && message.labels.back() == word.label) continue;
    if (holds_word(text, word.folded)) message.labels.push_back(word.label);
  }
  std::sort(message.labels.begin(), message.labels.end());
  message.labels.erase(std::unique(message.labels.begin(), message.labels.end()), message.labels.end());
}

}  // namespace usher::connectors
