// New text: every line gets a kind, attributions that run over several lines are found, then what the order of kinds says
// is cut. The order of the cuts matters: a signature may stand above the quote, a repeated header below.
#include "connectors/email/reply_text.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "connectors/email/attribution.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/reply_words.hpp"
#include "connectors/folded_text.hpp"

namespace usher::connectors::email {

namespace {

constexpr std::size_t attribution_lines_max = 6;
constexpr std::size_t signature_lines_max = 8;
constexpr std::size_t signature_line_bytes_max = 80;
constexpr std::size_t header_fields_min = 3;
constexpr std::size_t header_lines_max = 64;
constexpr std::size_t lines_max = 20'000;  // Longer texts are taken as they are.

enum class Kind { empty, text, quote, attribution, delimiter, device, header };

struct Line {
  std::string_view text;
  std::string folded;
  Kind kind = Kind::text;
};

// "> so", "C> so": a quote, marked with the initials or the name of the quoted.
bool is_quote(std::string_view line) {
  line = trimmed(line);
  std::size_t at = 0;
  while (at < line.size() && at < 16 && is_word_byte(line[at]) && !is_digit(line[at])) ++at;
  if (at >= line.size() || line[at] != '>') return false;
  return at == 0 || at + 1 == line.size() || line[at + 1] == ' ' || line[at + 1] == '>';
}

// Dashes and lines of other lengths are strokes as well; marks that only say which way a text runs are nothing.
std::string with_plain_strokes(std::string_view text) {
  static constexpr auto strokes = std::to_array<std::string_view>({"\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2015", "\u2212", "\u2500", "\u2501", "\u2550"});
  static constexpr auto marks = std::to_array<std::string_view>({"\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u2066", "\u2067", "\u2068", "\u2069", "\ufeff"});
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view one = text.substr(at, 3);
    const bool wide = static_cast<unsigned char>(text[at]) >= 0xe2;
    const bool stroke = wide && std::find(strokes.begin(), strokes.end(), one) != strokes.end();
    const bool mark = wide && !stroke && std::find(marks.begin(), marks.end(), one) != marks.end();
    if (stroke) out += '-';
    else if (!mark) out += text[at];
    at += stroke || mark ? 3 : 1;
  }
  return out;
}

// A line of nothing but strokes, two at least; or the mark that one mail program hides.
bool is_stroke(std::string_view whole) {
  if (trimmed(whole) == "\xe1\x90\xa7" || trimmed(whole) == "\xe2\x80\x94") return true;
  if (whole.size() > attribution_bytes_max) return false;
  const std::string plain = with_plain_strokes(whole);
  const std::string_view line = trimmed(plain);
  constexpr std::string_view strokes = "-_=+~#*,";
  return line.size() >= 2 && std::all_of(line.begin(), line.end(), [&](char c) { return strokes.find(c) != std::string_view::npos; });
}

// "-----Original Message-----" in any language: words between strokes. `folded` ends with a stroke then, too.
bool is_titled_stroke(std::string_view folded) {
  if (!folded.starts_with("--") || !folded.ends_with("--") || folded.size() > 120) return false;
  while (folded.starts_with('-')) folded.remove_prefix(1);
  while (folded.ends_with('-')) folded.remove_suffix(1);
  return std::count_if(folded.begin(), folded.end(), is_word_byte) >= 3;
}

// "--- On 3 March Ana wrote: ---" is an attribution, "----- Original Message -----" in any language none.
bool is_title(std::string_view folded) {
  const bool wrote = attribution_verb_end(folded) != std::string_view::npos || begins_message_of(folded);
  return is_titled_stroke(folded) && (!wrote || (!has_date(folded) && !has_address(folded)));
}

Kind kind_of(const Line& line) {
  if (trimmed(line.text).empty()) return Kind::empty;
  if (is_quote(line.text)) return Kind::quote;
  if (is_stroke(line.text)) return Kind::delimiter;
  if (is_title(line.folded) || begins_forward(line.folded) || is_reply_mark(line.folded)) return Kind::delimiter;
  if (is_device_signature(line.folded)) return Kind::device;
  if (is_repeated_header(line.folded)) return Kind::header;
  return Kind::text;
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  bool fenced = false;
  for (std::size_t at = 0; at <= text.size() && lines.size() < lines_max;) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    Line line{text.substr(at, end - at), {}, Kind::text};
    at = end + 1;
    const bool fence = trimmed(line.text).starts_with("```");
    if (line.text.size() < attribution_bytes_max * 2) line.folded = fold(with_plain_strokes(line.text));
    // In a block of code nothing is a signature.
    if (!fenced && !fence) line.kind = kind_of(line);
    if (fence) fenced = !fenced;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string_view unquoted(std::string_view line) {
  while (line.starts_with('>') || line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

// The lines first..last as one folded text; what is quoted as a whole is unquoted first.
std::string joined(const std::vector<Line>& lines, std::size_t first, std::size_t last) {
  const bool quoted = lines[first].text.starts_with('>');
  std::string out;
  for (std::size_t i = first; i <= last; ++i) {
    if (!out.empty()) out += ' ';
    out += quoted ? unquoted(lines[i].text) : lines[i].text;
    if (out.size() > attribution_bytes_max * 2) break;
  }
  return fold(with_plain_strokes(out));
}

bool may_end_attribution(const Line& line) {
  if (line.kind == Kind::empty || line.text.size() > attribution_bytes_max) return false;
  const std::string_view text = line.folded;
  return ends_with_colon(text) || text.ends_with("--") || text.ends_with('>') || is_quoting(text) ||
         (is_digit(unquoted(text).empty() ? ' ' : unquoted(text).front()) && line.folded.find(" gmt") != std::string::npos);
}

// Where the attribution that ends in line `last` begins; `last + 1` when it is none. One that opens with "On" wins over
// its own last line, which often looks like one by itself.
std::size_t attribution_begin(const std::vector<Line>& lines, std::size_t last) {
  for (const bool must_open : {true, false}) {
    std::size_t blanks = 0;
    for (std::size_t first = last + 1; first-- > 0 && last - first < attribution_lines_max;) {
      if (lines[first].kind == Kind::attribution) break;
      if (lines[first].kind == Kind::empty && ++blanks > 1) break;
      if (lines[first].kind == Kind::empty) continue;
      if (is_attribution(joined(lines, first, last), must_open)) return first;
    }
  }
  return last + 1;
}

void mark_attributions(std::vector<Line>& lines) {
  for (std::size_t last = 0; last < lines.size(); ++last) {
    if (!may_end_attribution(lines[last])) continue;
    if (is_stamped_sender(joined(lines, last, last))) {
      lines[last].kind = Kind::attribution;
      continue;
    }
    const std::size_t begin = attribution_begin(lines, last);
    if (begin > last) continue;
    // "The courier called on 3 March and said:" is the customer's own sentence unless a quote follows.
    std::size_t behind = last + 1;
    while (behind < lines.size() && lines[behind].kind == Kind::empty) ++behind;
    const bool quotes = behind < lines.size() && lines[behind].kind == Kind::quote;
    if (!quotes && !is_sure_attribution(joined(lines, begin, last), last - begin + 1, lines[last].text)) continue;
    for (std::size_t i = begin; i <= last; ++i) lines[i].kind = Kind::attribution;
  }
}

bool any(const std::vector<Line>& lines, std::size_t first, std::size_t last, Kind kind) {
  for (std::size_t i = first; i < std::min(last, lines.size()); ++i)
    if (lines[i].kind == kind) return true;
  return false;
}

std::size_t find(const std::vector<Line>& lines, Kind kind, std::size_t from = 0) {
  while (from < lines.size() && lines[from].kind != kind) ++from;
  return from;
}

// A line of strokes that only divides the customer's text has more behind it than a signature, and no old mail.
bool ends_text(const std::vector<Line>& lines, std::size_t at) {
  const std::string_view stroke = trimmed(lines[at].text);
  const bool mark = stroke == "--" || stroke == "\xe1\x90\xa7" || stroke == "\xe2\x80\x94" || !is_stroke(stroke);
  if (mark) return true;
  std::size_t count = 0;
  for (std::size_t i = at + 1; i < lines.size(); ++i) {
    const Kind kind = lines[i].kind;
    if (kind == Kind::quote || kind == Kind::attribution || kind == Kind::header || (kind == Kind::delimiter && !is_stroke(lines[i].text))) return true;
    // Nobody asks in a signature.
    if (kind != Kind::empty && (++count > signature_lines_max || lines[i].text.size() > signature_line_bytes_max || lines[i].folded.ends_with('?'))) return false;
  }
  return true;
}

// Everything below the first stroke, when something of the customer stands above it.
void cut_signature(std::vector<Line>& lines) {
  for (std::size_t at = find(lines, Kind::delimiter); at < lines.size(); at = find(lines, Kind::delimiter, at + 1)) {
    if (!any(lines, 0, at, Kind::text) || !ends_text(lines, at)) continue;
    lines.resize(at);
    return;
  }
}

struct Fields {
  std::size_t count = 0, end = 0;
  bool of_mail = false;  // Among them a subject or an address.
};

// The fields that stand together from `at` on; long ones wrap. "No:" is one in Latvian alone.
Fields fields_from(const std::vector<Line>& lines, std::size_t at) {
  Fields out{0, at, false};
  std::size_t wrapped = 0, doubtful = 0;
  bool latvian = false;
  for (std::size_t i = at; i < std::min(lines.size(), at + header_lines_max) && wrapped < 3; ++i) {
    const bool header = lines[i].kind == Kind::header;
    if (!header && lines[i].kind != Kind::text) break;
    wrapped = header ? 0 : wrapped + 1;
    if (header) {
      ++(is_doubtful_header(lines[i].folded) ? doubtful : out.count);
      latvian = latvian || is_latvian_header(lines[i].folded);
      out.end = i + 1;
    }
    out.of_mail = out.of_mail || has_address(lines[i].text) || (header && is_repeated_subject(lines[i].folded));
  }
  if (latvian) out.count += doubtful;
  return out;
}

// "No: it did not arrive.": fewer than three are what the customer says.
void keep_fields(std::vector<Line>& lines, std::size_t end) {
  for (std::size_t at = find(lines, Kind::header); at < end; at = find(lines, Kind::header, at)) {
    const Fields fields = fields_from(lines, at);
    for (; at < fields.end; ++at)
      if (fields.count < header_fields_min && lines[at].kind == Kind::header) lines[at].kind = Kind::text;
  }
}

// From three repeated fields on, when something of the customer stands above them. A subject or an
// address is among those of a mail; "From: Berlin, To: Paris, Date: 3 May" is what a customer wants.
void cut_repeated_header(std::vector<Line>& lines) {
  for (std::size_t at = find(lines, Kind::header); at < lines.size(); at = find(lines, Kind::header, at + 1)) {
    const Fields fields = fields_from(lines, at);
    if (fields.count < header_fields_min || !fields.of_mail || !any(lines, 0, at, Kind::text)) continue;
    lines.resize(at);
    return;
  }
}

// "Sent by courier on 3 March, nothing arrived." with more text behind it is a sentence.
void keep_sentences(std::vector<Line>& lines) {
  Kind next = Kind::empty;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (line->kind == Kind::device && next == Kind::text) line->kind = Kind::text;
    if (line->kind != Kind::empty) next = line->kind;
  }
}

void erase(std::vector<Line>& lines, Kind kind) {
  std::erase_if(lines, [&](const Line& line) { return line.kind == kind; });
}

// Quotes with answers below them, more than one: the customer answers point by point.
std::size_t answered_quotes(const std::vector<Line>& lines, std::size_t from) {
  std::size_t count = 0;
  bool quoted = false;
  for (std::size_t i = from; i < lines.size(); ++i) {
    if (lines[i].kind == Kind::quote) quoted = true;
    else if (lines[i].kind == Kind::text && quoted) ++count, quoted = false;
  }
  return count;
}

void cut_attributed(std::vector<Line>& lines) {
  const std::size_t at = find(lines, Kind::attribution);
  if (at == lines.size()) return;
  std::size_t behind = at;
  while (behind < lines.size() && lines[behind].kind == Kind::attribution) ++behind;
  const std::size_t answers = answered_quotes(lines, behind);
  const bool quoted_at_once = behind < lines.size() && lines[behind].kind == Kind::quote;
  if (any(lines, 0, at, Kind::text)) {
    if (answers < 2 && (!quoted_at_once || answers == 0)) lines.resize(at);
  } else if (!any(lines, behind, lines.size(), Kind::text)) {
    lines.clear();
  } else {
    // The answer below one quote: what was quoted goes with its attribution.
    std::size_t first = behind;
    while (first < lines.size() && lines[first].kind == Kind::empty) ++first;
    const bool below = first < lines.size() && lines[first].kind == Kind::quote && answers == 1;
    if (below) lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(find(lines, Kind::text)));
  }
  erase(lines, Kind::attribution);
}

void cut_ends(std::vector<Line>& lines) {
  const bool said = any(lines, 0, lines.size(), Kind::text) || any(lines, 0, lines.size(), Kind::header);
  while (!lines.empty() && (lines.back().kind == Kind::empty || (said && lines.back().kind == Kind::quote))) lines.pop_back();
  const auto first = std::find_if(lines.begin(), lines.end(), [](const Line& line) { return line.kind != Kind::empty; });
  lines.erase(lines.begin(), first);
}

}  // namespace

std::string new_text(std::string_view text) {
  if (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) >= lines_max) return std::string(text);
  std::vector<Line> lines = lines_of(text);
  mark_attributions(lines);
  keep_sentences(lines);
  // Below a stroke two fields are still those of an old mail.
  keep_fields(lines, find(lines, Kind::delimiter));
  cut_signature(lines);
  cut_repeated_header(lines);
  keep_fields(lines, lines.size());
  if (any(lines, 0, lines.size(), Kind::text)) erase(lines, Kind::device);
  cut_attributed(lines);
  cut_ends(lines);
  std::string out;
  for (const Line& line : lines) {
    if (!out.empty()) out += '\n';
    out += line.text;
  }
  return out;
}

}  // namespace usher::connectors::email
