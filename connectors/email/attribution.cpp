// What a line of attribution has besides its words: the date, the time of day, the sender.
#include "connectors/email/attribution.hpp"

#include <algorithm>

#include "connectors/email/reply_words.hpp"

namespace usher::connectors::email {

namespace {

// Customers tell of a day, or of a message, in more lines than programs do.
constexpr std::size_t told_lines_max = 2;

// "2016-03-03 17:21 GMT+01:00 Some One", "2013/7/20 sam <a@b.c>": year, month, day, and a time zone or an address.
bool is_dated_sender(std::string_view text) {
  if (text.size() < 12 || !std::all_of(text.begin(), text.begin() + 4, is_digit)) return false;
  const std::string_view rest = text.substr(4);
  if (rest.starts_with("年") || rest.starts_with("년")) return (text.ends_with(':') || text.ends_with("：")) && has_address(text);
  if ((rest[0] != '-' && rest[0] != '/') || !is_digit(rest[1])) return false;
  const bool zone = text.find(" gmt") != std::string_view::npos;
  const bool closed = text.ends_with('>') || text.ends_with(">:") || text.ends_with("> :");
  return closed ? has_address(text) : zone && text.size() < 120 && text.find('<') == std::string_view::npos;
}

// "10:00": where the time of day stands, npos without one.
bool has_clock(std::string_view text) {
  for (std::size_t at = text.find(':'); at != std::string_view::npos; at = text.find(':', at + 1))
    if (at > 0 && at + 2 < text.size() && is_digit(text[at - 1]) && is_digit(text[at + 1]) && is_digit(text[at + 2])) return true;
  return false;
}

bool has_year(std::string_view text) {
  for (std::size_t at = 0; at + 4 <= text.size(); ++at) {
    const bool digits = is_digit(text[at]) && is_digit(text[at + 3]) && (at == 0 || !is_digit(text[at - 1]));
    if (digits && is_digit(text[at + 1]) && is_digit(text[at + 2]) && (at + 4 == text.size() || !is_digit(text[at + 4]))) return true;
  }
  return false;
}

// A year or a time of day: what programs write and people seldom do.
bool has_exact_date(std::string_view text) { return has_year(text) || has_clock(text); }

// "kl. 18.57", "klo 18.57": the time of day in Danish and Finnish.
bool has_dotted_clock(std::string_view text) {
  for (const std::string_view word : {" kl. ", " kl ", " klo "}) {
    const std::size_t at = text.find(word);
    if (at == std::string_view::npos) continue;
    const std::string_view clock = text.substr(at + word.size());
    const std::size_t dot = clock.find('.');
    if ((dot == 1 || dot == 2) && dot + 2 < clock.size() && is_digit(clock[0]) && is_digit(clock[dot - 1]) && is_digit(clock[dot + 1]) && is_digit(clock[dot + 2])) return true;
  }
  return false;
}

// A whole date with the time of day, in figures: seven at least ("3 Feb 2025", "10:00" makes nine).
bool is_stamped(std::string_view text) { return (has_clock(text) || has_dotted_clock(text)) && std::count_if(text.begin(), text.end(), is_digit) >= 7; }

// "Missatge de Support del dia 21 de nov. 2026 a les 18:57:"; customers also say what a message is about, and when it came.
bool is_message_of(std::string_view text) { return begins_message_of(text) && (has_address(text) || (has_year(text) && has_clock(text))); }

// In the languages where the name comes after the word: "Am 03.02.25 um 10:00 schrieb Support:". A sentence goes on behind a
// comma.
bool is_named_behind(std::string_view text, std::size_t verb) {
  const std::string_view said = text.substr(0, verb), after = text.substr(verb);
  return begins_with_name(said, after) && is_stamped(said) && after.size() <= 80 && after.find(',') == std::string_view::npos;
}

// "maanantai 24. marraskuuta 2026 Support kirjoitti:": a program puts a name there, a sentence the driver. Not folded.
bool is_named_before(std::string_view line) {
  const std::size_t verb = line.rfind(" kirjoitti");
  if (verb == std::string_view::npos || verb == 0) return false;
  const std::string_view name = line.substr(line.rfind(' ', verb - 1) + 1);
  return name.front() >= 'A' && name.front() <= 'Z';
}

}  // namespace

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_word_byte(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool has_date(std::string_view text) { return std::any_of(text.begin(), text.end(), is_digit); }

bool has_address(std::string_view text) { return text.find('@') != std::string_view::npos; }

bool ends_with_colon(std::string_view text) { return text.ends_with(':') || text.ends_with("："); }

bool is_quoting(std::string_view text) { return text.starts_with("quoting ") && text.ends_with(')') && is_stamped(text); }

bool is_stamped_sender(std::string_view text) {
  if (!ends_with_colon(text) || text.size() > attribution_bytes_max || !is_stamped(text)) return false;
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return false;
  const std::size_t open = text.find_last_of("<(", at), close = text.find_first_of(">)", at);
  return open != std::string_view::npos && close != std::string_view::npos && close - open < 260 && text.substr(open, close - open).find(' ') == std::string_view::npos;
}

bool is_attribution(std::string_view text, bool must_open) {
  if (text.empty() || text.size() > attribution_bytes_max) return false;
  if (std::count(text.begin(), text.end(), '<') != std::count(text.begin(), text.end(), '>')) return false;
  if (is_dated_sender(text) || is_quoting(text)) return true;
  const bool ends = ends_with_colon(text) || text.ends_with("--");
  if (ends && is_message_of(text)) return true;
  const std::size_t verb = ends ? attribution_verb_end(text) : std::string_view::npos;
  if (verb == std::string_view::npos) return false;
  const std::string_view after = text.substr(verb);
  const bool closes = std::none_of(after.begin(), after.end(), is_word_byte) || after.starts_with("(") || has_date(after) || has_address(after) ||
                      after.find('"') != std::string_view::npos || is_named_behind(text, verb) || verb == text.size() || static_cast<unsigned char>(after.front()) >= 0x80;
  if (!closes) return false;
  const bool opens = (begins_attribution(text) && has_date(text)) || (is_digit(text.front()) && is_stamped(text));
  return opens || (!must_open && (has_address(text) || (has_date(text) && !text.starts_with("http"))));
}

bool is_sure_attribution(std::string_view text, std::size_t lines, std::string_view last) {
  if (is_dated_sender(text) || is_quoting(text) || has_address(text) || (is_digit(text.front()) && is_stamped(text))) return true;
  if (begins_message_of(text)) return lines <= told_lines_max && is_message_of(text);
  if (!begins_with_weekday(text)) return begins_attribution(text) && has_exact_date(text);
  return lines <= told_lines_max && (is_stamped(text) || (lines == 1 && is_named_before(last) && has_exact_date(text)));
}

}  // namespace usher::connectors::email
