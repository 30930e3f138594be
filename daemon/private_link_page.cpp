// What a customer sees at a private link: JSON for a script, or one plain page that needs none. Notes of agents among
// themselves are never part of it. Pure.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "connectors/signature.hpp"
#include "daemon/public_routes_parts.hpp"

namespace usher::daemon {

namespace json = boost::json;

namespace {

constexpr std::string_view style =
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}"
    "article{border:1px solid #bbb;border-radius:.5rem;padding:.5rem 1rem;margin:1rem 0;white-space:pre-wrap;"
    "overflow-wrap:anywhere}article.agent{background:#eef4ff}header{font-weight:600}"
    "textarea{width:100%;box-sizing:border-box;font:inherit}button{font:inherit;padding:.5rem 1rem;margin-top:.5rem}";

struct Line {
  std::string id, from, name, text, at;
  json::array files;
};

std::string text_of(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string{};
}

// A file of an agent can be fetched; one of the customer is only named, since whoever sent it has it.
json::object file_line(const json::object& file, bool of_agent, const std::string& link) {
  json::object out{{"name", text_of(file, "name")}};
  if (!of_agent) return out;
  out["type"] = text_of(file, "type");
  if (const auto* size = file.if_contains("size")) out["size"] = *size;
  out["url"] = link + "/blobs/" + text_of(file, "sha256");
  return out;
}

std::vector<Line> lines_of(const std::vector<state::Body>& bodies, const std::string& link) {
  std::vector<Line> lines;
  for (const auto& body : bodies) {
    boost::system::error_code error;
    const auto value = json::parse(body.json, error);
    if (error || !value.is_object()) continue;
    const auto& read = value.get_object();
    const auto kind = text_of(read, "kind");
    if (!kind.empty() && kind != "reply") continue;
    Line line{body.id.text(),
              kind.empty() ? "you" : "agent",
              text_of(read, "author_name"),
              text_of(read, "text"),
              text_of(read, kind.empty() ? "received_at" : "written_at"),
              {}};
    if (const auto* files = read.if_contains("attachments"); files != nullptr && files->is_array())
      for (const auto& file : files->get_array())
        if (file.is_object()) line.files.push_back(file_line(file.get_object(), !kind.empty(), link));
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string file_words(const json::object& file) {
  const auto name = escaped(text_of(file, "name"));
  const auto url = text_of(file, "url");
  return "\n[file: " + (url.empty() ? name : "<a download href=\"" + escaped(url) + "\">" + name + "</a>") + "]";
}

std::string_view state_sentence(std::string_view state) {
  if (state == "assigned") return "Somebody is working on it.";
  if (state == "wrap_up" || state == "closed") return "This conversation is closed. Writing again opens it anew.";
  return "Your message has arrived. Somebody will answer here.";
}

}  // namespace

std::string private_json(const std::vector<state::Body>& bodies, std::string_view state, const std::string& link) {
  json::array messages;
  for (auto& line : lines_of(bodies, link)) {
    messages.push_back(json::object{{"id", line.id},
                                    {"from", line.from},
                                    {"author_name", line.name},
                                    {"text", line.text},
                                    {"at", line.at},
                                    {"attachments", std::move(line.files)}});
  }
  return json::serialize(json::object{{"messages", std::move(messages)}, {"state", state}});
}

Response private_page(const std::vector<state::Body>& bodies, std::string_view state, const PrivateForm& form) {
  std::string page =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" "
      "content=\"noindex\">"
      "<title>Your conversation</title><style>";
  page += style;
  page += "</style></head><body><main><h1>Your conversation</h1><p role=\"status\">";
  page += state_sentence(state);
  page += "</p>";
  // Seen from this page, so that the page works under whatever address it was opened.
  for (const auto& line : lines_of(bodies, form.link.substr(form.link.rfind('/') + 1))) {
    const std::string who = line.from == "you" ? "You" : line.name.empty() ? "Agent" : escaped(line.name);
    page += "<article class=\"" + line.from + "\"><header>" + who + " <time datetime=\"" + escaped(line.at) + "\">" +
            escaped(line.at) + "</time></header>" + escaped(line.text);
    for (const auto& file : line.files) page += file_words(file.get_object());
    page += "</article>";
  }
  page += "<form method=\"post\" accept-charset=\"utf-8\"><input type=\"hidden\" name=\"" + escaped(form.nonce_field) +
          "\" value=\"" + escaped(form.nonce) + "\"><label for=\"m\">Your answer</label><textarea id=\"m\" name=\"" +
          escaped(form.message_field) +
          "\" rows=\"6\" required></textarea><button>Send</button></form></main></body></html>\n";
  static const std::string style_hash = connectors::base64(connectors::sha256(style));
  Response response;
  response.type = "text/html; charset=utf-8";
  response.body = std::move(page);
  // No script runs here, whatever a customer or an agent wrote.
  response.with("Content-Security-Policy", "default-src 'none'; style-src 'sha256-" + style_hash +
                                               "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
  response.with("X-Frame-Options", "DENY");
  return response;
}

}  // namespace usher::daemon
