// Markdown by cmark; no other file knows it. The tree is changed before it is written, since cmark would leave raw HTML out
// and an agent's "<b>" would be lost.
#include "connectors/email/markdown.hpp"

#include <cmark.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "connectors/email/email_limits.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/charset.hpp"

namespace usher::connectors::email {

namespace {

struct FreeNode {
  void operator()(cmark_node* node) const { cmark_node_free(node); }
};
struct FreeIterator {
  void operator()(cmark_iter* iterator) const { cmark_iter_free(iterator); }
};
struct FreeText {
  void operator()(char* text) const { std::free(text); }
};

bool leads_somewhere_safe(const char* url) {
  const std::string_view text = url == nullptr ? "" : url;
  return starts_with_nocase(text, "https://") || starts_with_nocase(text, "http://") || starts_with_nocase(text, "mailto:");
}

// Text in place of `node`, in a paragraph where a block stood.
void replace_by_text(cmark_node* node, bool block) {
  cmark_node* text = cmark_node_new(CMARK_NODE_TEXT);
  cmark_node_set_literal(text, cmark_node_get_literal(node));
  cmark_node* instead = text;
  if (block) {
    instead = cmark_node_new(CMARK_NODE_PARAGRAPH);
    cmark_node_append_child(instead, text);
  }
  cmark_node_replace(node, instead);
  cmark_node_free(node);
}

// Its children in place of `node`.
void unwrap(cmark_node* node) {
  while (cmark_node* child = cmark_node_first_child(node)) {
    cmark_node_unlink(child);
    cmark_node_insert_before(node, child);
  }
  cmark_node_free(node);
}

void make_harmless(cmark_node* document) {
  std::vector<cmark_node*> raw_blocks, raw_words, unwanted;
  const std::unique_ptr<cmark_iter, FreeIterator> iterator(cmark_iter_new(document));
  for (cmark_event_type event = cmark_iter_next(iterator.get()); event != CMARK_EVENT_DONE; event = cmark_iter_next(iterator.get())) {
    if (event != CMARK_EVENT_ENTER) continue;
    cmark_node* node = cmark_iter_get_node(iterator.get());
    const cmark_node_type type = cmark_node_get_type(node);
    if (type == CMARK_NODE_HTML_BLOCK) raw_blocks.push_back(node);
    else if (type == CMARK_NODE_HTML_INLINE) raw_words.push_back(node);
    else if (type == CMARK_NODE_IMAGE || (type == CMARK_NODE_LINK && !leads_somewhere_safe(cmark_node_get_url(node)))) unwanted.push_back(node);
  }
  for (cmark_node* node : raw_blocks) replace_by_text(node, true);
  for (cmark_node* node : raw_words) replace_by_text(node, false);
  for (cmark_node* node : unwanted) unwrap(node);
}

}  // namespace

std::string markdown_to_html(std::string_view text) {
  const std::string valid = to_utf8(cut_utf8(text, limits::text_bytes_max), "utf-8");
  const std::unique_ptr<cmark_node, FreeNode> document(cmark_parse_document(valid.data(), valid.size(), CMARK_OPT_DEFAULT));
  if (document == nullptr) return "<p>" + escape_html(valid) + "</p>\n";
  make_harmless(document.get());
  const std::unique_ptr<char, FreeText> html(cmark_render_html(document.get(), CMARK_OPT_HARDBREAKS));
  return html == nullptr ? std::string() : std::string(html.get());
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (c == '\'') out += "&#39;";
    else out += c;
  }
  return out;
}

}  // namespace usher::connectors::email
