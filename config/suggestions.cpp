// "Did you mean": the known words nearest to a mistyped one, by letters added, dropped, changed or swapped.
#include <algorithm>
#include <utility>

#include "config/settings.hpp"
#include "config/wording.hpp"

namespace usher::config {
namespace {

constexpr std::size_t word_bytes_max = 64;
constexpr std::size_t suggestions_max = 3;

// Optimal string alignment: Levenshtein plus the swap of two neighbours, the commonest slip of all.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

std::string lower(std::string_view text) {
  auto out = std::string(text);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return out;
}

}  // namespace

std::vector<std::string_view> suggestions(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > word_bytes_max) return {};
  // One slip in three letters is a slip; more is another word.
  const auto slips_max = std::max<std::size_t>(1, word.size() / 3);
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const auto candidate : known) {
    if (candidate.size() > word_bytes_max) continue;
    const auto slips = distance(lower(word), lower(candidate));
    if (slips <= slips_max) near.emplace_back(slips, candidate);
  }
  std::sort(near.begin(), near.end());
  std::vector<std::string_view> out;
  for (const auto& [slips, candidate] : near) {
    if (out.size() < suggestions_max) out.push_back(candidate);
  }
  return out;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const auto near = suggestions(word, known);
  if (!near.empty()) return "; did you mean " + std::string(near.front()) + "?";
  if (known.empty()) return "";
  return "; known: " + listed(known);
}

std::string listed(std::span<const std::string_view> words) {
  std::string out;
  for (const auto word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

}  // namespace usher::config
