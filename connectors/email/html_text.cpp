// HTML to text: a tokenizer that forgives what browsers forgive, and a writer of lines.
#include "connectors/email/html_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "connectors/email/email_limits.hpp"
#include "connectors/email/charset.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/html_quotes.hpp"
#include "connectors/email/unicode.hpp"

namespace usher::connectors::email {

namespace {

constexpr std::size_t quote_depth_max = 20;
constexpr std::size_t link_bytes_max = 500;
constexpr std::size_t entity_bytes_max = 12;
constexpr int marks_max = 2'000;  // Elements that are looked at for a mark of quotes; each costs a look at what follows.

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

// `text` with its character references resolved; an ampersand that begins none stays.
std::string resolved(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '&') {
      out += text[at++];
      continue;
    }
    const std::string_view rest = text.substr(at + 1, entity_bytes_max);
    const std::size_t end = rest.find(';');
    const std::string_view name = rest.substr(0, std::min(end, rest.size()));
    std::string character;
    if (end != std::string_view::npos && name.starts_with('#')) {
      const bool hexadecimal = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
      const std::string_view digits = name.substr(hexadecimal ? 2 : 1);
      unsigned long code = 0;
      const auto done = std::from_chars(digits.data(), digits.data() + digits.size(), code, hexadecimal ? 16 : 10);
      if (!digits.empty() && done.ptr == digits.data() + digits.size())
        put_utf8(character, done.ec == std::errc() && code <= 0x10ffff ? static_cast<char32_t>(code) : 0xfffd);
    } else if (end != std::string_view::npos) {
      character = named_character(name);
    }
    out += character.empty() ? "&" : character;
    at += character.empty() ? 1 : end + 2;
  }
  return out;
}

// Lines of text with quote marks in front; asks for line ends and blank lines are merged.
class Lines {
 public:
  void words(std::string_view text, bool as_it_stands) {
    for (std::size_t at = 0; at < text.size(); ++at) {
      const bool no_break_space = text.substr(at, 2) == "\xc2\xa0";
      if (as_it_stands && text[at] == '\n') {
        line_end();
        started_ = true;
      } else if (no_break_space || (!as_it_stands && is_space(text[at]))) {
        blank_ = true;
        if (no_break_space) ++at;
      } else if (text[at] != '\r') {
        put(text[at]);
      }
    }
  }
  // A new line, also when the present one is empty.
  void line_end() {
    begin();
    close();
  }
  // The next word begins a line, after `blank_lines` empty ones at least.
  void block(std::size_t blank_lines) {
    if (!line_.empty()) close();
    wanted_ = std::max(wanted_, blank_lines);
    blank_ = false;
    started_ = false;
  }
  void quote(int step) {
    block(0);
    if (step > 0) ++depth_;
    else if (depth_ > 0) --depth_;
  }
  std::string take() {
    block(0);
    while (out_.ends_with('\n')) out_.pop_back();
    return std::move(out_);
  }
  [[nodiscard]] std::size_t depth() const { return depth_; }
  // A place in the present line; what was written behind it, as far as it stands in the line that is present then.
  struct Place {
    std::size_t line = 0, byte = 0;
  };
  [[nodiscard]] Place place() const { return {closed_, line_.size()}; }
  [[nodiscard]] std::string_view since(Place place) const {
    return std::string_view(line_).substr(place.line == closed_ ? std::min(place.byte, line_.size()) : 0);
  }

 private:
  void put(char c) {
    begin();
    if (blank_ && !line_.empty()) line_ += ' ';
    blank_ = false;
    line_ += c;
  }
  void begin() {
    if (started_) return;
    started_ = true;
    if (out_.empty()) wanted_ = 0;
    while (wanted_ > empty_lines_) {
      mark();
      out_ += '\n';
      ++empty_lines_;
    }
    wanted_ = 0;
  }
  void close() {
    mark();
    if (depth_ > 0 && !line_.empty()) out_ += ' ';
    out_ += line_;
    out_ += '\n';
    empty_lines_ = line_.empty() ? empty_lines_ + 1 : 0;
    line_.clear();
    ++closed_;
    blank_ = false;
    started_ = false;
  }
  void mark() { out_.append(std::min(depth_, quote_depth_max), '>'); }

  std::string out_, line_;
  std::size_t depth_ = 0, wanted_ = 0, empty_lines_ = 0, closed_ = 0;
  bool blank_ = false;    // A blank stands before the next word.
  bool started_ = false;  // The present line has its place.
};

struct Tag {
  std::string name;  // Lower case.
  bool closing = false;
  std::string_view attributes;
};

// The value of an attribute, resolved; "" when absent.
std::string attribute(const Tag& tag, std::string_view wanted) {
  const std::string_view text = tag.attributes;
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && (is_space(text[at]) || text[at] == '/')) ++at;
    const std::size_t name_end = std::min(text.find_first_of(" \t\r\n\f=/", at), text.size());
    const std::string name = ascii_lower(text.substr(at, name_end - at));
    at = name_end;
    while (at < text.size() && is_space(text[at])) ++at;
    std::string_view value;
    if (at < text.size() && text[at] == '=') {
      ++at;
      while (at < text.size() && is_space(text[at])) ++at;
      const char open = at < text.size() ? text[at] : '\0';
      const bool quoted = open == '"' || open == '\'';
      if (quoted) ++at;
      const std::size_t end = std::min(quoted ? text.find(open, at) : text.find_first_of(" \t\r\n\f", at), text.size());
      value = text.substr(at, end - at);
      at = std::min(end + (quoted ? 1 : 0), text.size());
    } else if (name.empty()) {
      ++at;
    }
    if (name == wanted) return resolved(value);
  }
  return {};
}

template <std::size_t size>
bool one_of(const std::array<std::string_view, size>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 5> silent{"script", "style", "title", "template", "textarea"};
constexpr std::array<std::string_view, 11> spaced{"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "dl"};
constexpr std::array<std::string_view, 19> blocks{"div", "tr", "li", "pre", "section", "article", "header", "footer", "form", "center",
                                                  "dt", "dd", "address", "fieldset", "body", "html", "caption", "main", "nav"};

class HtmlReader {
 public:
  explicit HtmlReader(std::string_view html) : html_(html) {}

  std::string read() {
    while (at_ < html_.size()) {
      const std::size_t open = std::min(html_.find('<', at_), html_.size());
      if (open > at_) words(html_.substr(at_, open - at_));
      at_ = open;
      if (at_ < html_.size()) markup();
    }
    end_link();
    return lines_.take();
  }

 private:
  void words(std::string_view text) {
    const std::string said = resolved(text);
    lines_.words(said, preformatted_ > 0);
    // Only what is more than blanks, a blank that does not break included.
    if (lines_.depth() == 0) written_ = written_ || std::any_of(said.begin(), said.end(), [](char c) { return !is_space(c) && c != '\xc2' && c != '\xa0'; });
  }

  void markup() {
    const std::string_view rest = html_.substr(at_);
    if (rest.starts_with("<!--")) {
      skip_behind("-->", at_ + 4);
    } else if (rest.starts_with("<!") || rest.starts_with("<?")) {
      skip_behind(">", at_ + 2);
    } else if (const std::size_t skip = rest.starts_with("</") ? 2 : 1; rest.size() > skip && is_letter(rest[skip])) {
      const bool closing = skip == 2;
      const std::size_t name_at = at_ + skip;
      const std::size_t name_end = std::min(html_.find_first_of(" \t\r\n\f/>", name_at), html_.size());
      const std::size_t end = tag_end(name_end);
      const Tag tag{ascii_lower(html_.substr(name_at, name_end - name_at)), closing, html_.substr(name_end, end - name_end)};
      at_ = std::min(end + 1, html_.size());
      if (!closing && one_of(silent, tag.name)) skip_element(tag.name);
      else apply(tag);
    } else {
      lines_.words("<", preformatted_ > 0);
      ++at_;
    }
  }

  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

  void skip_behind(std::string_view end, std::size_t from) {
    const std::size_t found = html_.find(end, std::min(from, html_.size()));
    at_ = found == std::string_view::npos ? html_.size() : found + end.size();
  }

  // Up to the closing tag; what is never closed is silent to the end, as in a browser.
  void skip_element(const std::string& name) {
    while (true) {
      const std::size_t found = html_.find("</", at_);
      if (found == std::string_view::npos) {
        at_ = html_.size();
        return;
      }
      at_ = found + 2;
      if (starts_with_nocase(html_.substr(at_), name)) return skip_behind(">", at_);
    }
  }

  // Where the tag's `>` is, outside of quotes; a quote that is never closed is none. Once a kind of quote is known not to
  // come again it is not looked for again, or many open ones would take time without bound.
  std::size_t tag_end(std::size_t from) {
    for (std::size_t at = from; at < html_.size(); ++at) {
      const char c = html_[at];
      if (c == '>') return at;
      if ((c != '"' && c != '\'') || html_[at - 1] != '=') continue;
      bool& gone = c == '"' ? double_quotes_gone_ : single_quotes_gone_;
      const std::size_t end = gone ? std::string_view::npos : html_.find(c, at + 1);
      if (end == std::string_view::npos) gone = true;
      else at = end;
    }
    return html_.size();
  }

  void apply(const Tag& tag) {
    follow_quote(tag);
    if (tag.name == "br") lines_.line_end();
    else if (tag.name == "blockquote") lines_.quote(tag.closing ? -1 : 1);
    else if (tag.name == "a") tag.closing ? end_link() : begin_link(tag);
    else if (tag.name == "img") lines_.words(attribute(tag, "alt"), false);
    else if (tag.name == "hr") rule();
    else if (tag.name == "td" || tag.name == "th") lines_.words(" ", false);
    else if (one_of(spaced, tag.name)) lines_.block(1);
    else if (one_of(blocks, tag.name)) block(tag);
  }

  // What is marked as quoted gets quote marks, as if it stood in a blockquote.
  void follow_quote(const Tag& tag) {
    if (quoting_ == Quoting::none) {
      if (tag.closing || lines_.depth() > 0 || !may_be_marked(tag.name) || marks_looked_at_ == marks_max) return;
      if (tag.attributes.find('=') == std::string_view::npos) return;
      ++marks_looked_at_;
      const std::string id = attribute(tag, "id"), classes = attribute(tag, "class"), style = attribute(tag, "style");
      quoting_ = quoting_of({tag.name, id, classes, style, html_.substr(at_), written_});
      if (quoting_ == Quoting::none) return;
      quoting_tag_ = tag.name;
      quoting_depth_ = 1;
      lines_.quote(1);
      return;
    }
    if (quoting_ == Quoting::rest) return;
    if (quoting_ == Quoting::attribution && !tag.closing && is_marked_quote(tag.name, attribute(tag, "class"))) return end_quoting();
    if (tag.name != quoting_tag_) return;
    quoting_depth_ += tag.closing ? -1 : 1;
    if (quoting_depth_ == 0) end_quoting();
  }

  void end_quoting() {
    lines_.quote(-1);
    quoting_ = Quoting::none;
  }

  static bool may_be_marked(std::string_view name) { return name == "div" || name == "span" || name == "blockquote" || name == "section" || name == "td"; }

  void block(const Tag& tag) {
    lines_.block(0);
    if (tag.name == "li" && !tag.closing) lines_.words("- ", false);
    if (tag.name == "pre") preformatted_ += tag.closing ? (preformatted_ > 0 ? -1 : 0) : 1;
  }

  void rule() {
    lines_.block(0);
    lines_.words("________________________________", false);
    lines_.block(0);
  }

  void begin_link(const Tag& tag) {
    end_link();
    link_ = attribute(tag, "href");
    link_at_ = lines_.place();
    const bool web = starts_with_nocase(link_, "http://") || starts_with_nocase(link_, "https://");
    if (!web || link_.size() > link_bytes_max) link_.clear();
  }

  // The address behind the words, unless the words are the address. Only the link's own words are looked through: a line
  // of many links would take time without bound.
  void end_link() {
    if (!link_.empty() && lines_.since(link_at_).find(bare(link_)) == std::string_view::npos) lines_.words(" <" + link_ + ">", false);
    link_.clear();
  }

  static std::string bare(std::string_view link) {
    link.remove_prefix(link.find("//") + 2);
    if (link.ends_with('/')) link.remove_suffix(1);
    return std::string(link);
  }

  std::string_view html_;
  std::size_t at_ = 0;
  Lines lines_;
  std::string link_;
  Lines::Place link_at_;
  int preformatted_ = 0;
  bool written_ = false;  // The customer's words have begun.
  Quoting quoting_ = Quoting::none;
  std::string quoting_tag_;  // The element's name, to find its end.
  int quoting_depth_ = 0;    // Elements of that name that are open since.
  int marks_looked_at_ = 0;
  bool double_quotes_gone_ = false, single_quotes_gone_ = false;
};

}  // namespace

std::string html_to_text(std::string_view html) {
  return HtmlReader(cut_utf8(html, limits::html_bytes_max)).read();
}

}  // namespace usher::connectors::email
