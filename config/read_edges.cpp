// The edges of the daemon: tenant and folder, listeners, log, connectors and labels.
#include <algorithm>
#include <set>
#include <sstream>

#include "config/draft.hpp"
#include "config/value_forms.hpp"
#include "config/wording.hpp"

namespace usher::config {
namespace {

Listen listen_of(const Options& options) { return parse_listen(options.text("listen")).value_or(Listen{}); }

void read_listeners(Draft& draft) {
  auto& settings = draft.settings;
  const auto http = read_section(draft, "http");
  settings.http = listen_of(http);
  settings.ops = listen_of(read_section(draft, "ops"));
  if (settings.http.port != 0 && settings.http.port == settings.ops.port && settings.http.host == settings.ops.host) {
    const bool written = draft.root.find("ops") != nullptr;
    draft.problems.add(place_in(draft, written ? "ops" : "http", "listen"), "ops.listen", "is the same as http.listen");
  }
  settings.public_url = http.text("public_url");
  while (settings.public_url.ends_with('/')) settings.public_url.pop_back();
  if (settings.public_url.find_first_of("?#") != std::string::npos) {
    draft.problems.add(place_in(draft, "http", "public_url"), "http.public_url",
                       "must end with its host, port or path");
  }
  if (!settings.public_url.empty()) return;
  settings.public_url = "http://" + listen_text(settings.http);
  const auto* section = draft.root.find("http");
  const bool written = section != nullptr && section->value.find("public_url") != nullptr;
  if (!written && is_wildcard(settings.http)) {
    draft.problems.add(place_in(draft, "http", "listen"), "http.public_url",
                       "missing; with a wildcard in http.listen, customers' links need an address of their own");
  }
}

// The key with which a connector's sentence begins leads to the place.
void add_finding(Draft& draft, const Entry& entry, const std::string& line) {
  const auto colon = std::min(line.find(": "), line.size());
  const auto key = line.substr(0, colon);
  const auto first = key.substr(0, key.find('.'));
  const auto* written = entry.value.find(first);
  if (written == nullptr) written = entry.value.find(first + std::string(secret_suffix));
  draft.problems.add(written != nullptr ? written->value.place : entry.place, join_path(join_path("connectors", entry.key), key),
                     line.substr(std::min(colon + 2, line.size())));
}

// The keys of `connector` that are not read as they were meant: of a wrong form, or perhaps mistyped.
std::set<std::string> keys_in_doubt(const Draft& draft, std::size_t problems_before, const std::string& connector, std::span<const Key> keys) {
  std::vector<std::string_view> names;
  for (const auto& key : keys) names.push_back(key.name);
  std::set<std::string> doubtful;
  for (const auto& path : draft.problems.paths_since(problems_before)) {
    auto key = path.substr(std::min(connector.size() + 1, path.size()));
    key = key.substr(0, key.find_first_of(".["));
    if (key.ends_with(secret_suffix)) key.resize(key.size() - secret_suffix.size());
    // One that is known was not meant for another.
    if (std::find(names.begin(), names.end(), key) == names.end())
      for (const auto name : suggestions(key, names)) doubtful.emplace(name);
    doubtful.insert(std::move(key));
  }
  return doubtful;
}

// A finding is about the keys with which it begins, and about those that its sentence puts behind one of these words
// (connectors/findings.hpp). Any other word of it may be called like a key by chance, or be what somebody wrote.
bool is_about_one_of(const std::string& line, const std::set<std::string>& keys) {
  static const std::set<std::string> before_a_key = {"with", "without", "for", "needs", "than", "or"};
  const auto colon = std::min(line.find(": "), line.size());
  std::istringstream begins(line.substr(0, colon));
  for (std::string key; begins >> key;)
    if (keys.contains(key.substr(0, key.find_first_of(".[")))) return true;
  std::istringstream sentence(line.substr(colon));
  std::string before;
  for (std::string word; sentence >> word; before = word) {
    const auto name = word.substr(0, word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"));
    if (before_a_key.contains(before) && keys.contains(name)) return true;
  }
  return false;
}

// A connector knows combinations, the loader knows places: one finding a line. A finding about a key in doubt may come from
// that alone, so it waits until that one is mended.
void check_connector(Draft& draft, const Types& types, const Entry& entry, const std::set<std::string>& in_doubt) {
  if (!types.check) return;
  const auto checked = types.check(draft.settings.tenant, draft.settings.connectors.back());
  if (checked) return;
  std::istringstream lines(checked.error().detail);
  for (std::string line; std::getline(lines, line);)
    if (!is_about_one_of(line, in_doubt)) add_finding(draft, entry, line);
}

void read_connector(Draft& draft, const Types& types, const Entry& entry) {
  const auto path = join_path("connectors", entry.key);
  if (entry.value.type != Node::Type::null && !draft.reader.is_map(entry.value, path)) return;
  // The other keys can be judged only when the type is known.
  Node type_only;
  type_only.type = Node::Type::map;
  if (const auto* type = entry.value.find("type")) type_only.entries.push_back(*type);
  const auto type = draft.reader.read(type_only, entry.place, path, std::span(&connector_type_field, 1)).text("type");
  if (type.empty()) return;
  const auto keys = types.keys(type);
  if (!keys) {
    draft.problems.add(entry.value.find("type")->value.place, join_path(path, "type"),
                       "no connector type is called " + shown(type) + did_you_mean(type, types.names));
    return;
  }
  static constexpr std::string_view others[] = {"type"};
  const auto before = draft.problems.size();
  auto options = draft.reader.read(entry.value, entry.place, path, fields_of(*keys), others);
  draft.settings.connectors.push_back({ConnectorId(entry.key), type, std::move(options)});
  check_connector(draft, types, entry, keys_in_doubt(draft, before, path, *keys));
}

}  // namespace

void read_top(Draft& draft) {
  const auto top = draft.reader.read(draft.root, Place{}, "", top_section.fields, holder_names());
  auto& settings = draft.settings;
  settings.tenant = TenantId(top.text("tenant"));
  settings.data_folder = (draft.folder / top.text("data")).lexically_normal().string();
  const auto folder_of = [&](const char* key) {
    return top.text(key).empty() ? "" : (draft.folder / top.text(key)).lexically_normal().string();
  };
  settings.blobs_folder = folder_of("blobs");
  settings.secrets_folder = folder_of("secrets");
  settings.trusted_proxies = top.list("trusted_proxies");
  read_listeners(draft);
  const auto log = read_section(draft, "log");
  settings.log_level = log.text("level");
  settings.log_format = log.text("format");
  settings.agent_origins = read_section(draft, "desk").list("origins");

  auto& policy = settings.policy;
  policy.tenant = settings.tenant;
  policy.default_queue = QueueId(top.text("default_queue"));
  if (!policy.default_queue.empty()) {
    check_reference(draft, draft.root, "default_queue", "", "queues", policy.default_queue.text());
  }
  policy.urgency_step = Milliseconds(top.number("urgency_step"));
  policy.missed_offers_max = static_cast<int>(top.number("missed_offers_max"));
  policy.send_attempts_max = static_cast<int>(top.number("send_attempts_max"));
  const auto times = read_section(draft, "times");
  policy.times.offer_timeout = Milliseconds(times.number("offer_timeout"));
  policy.times.session_grace = Milliseconds(times.number("session_grace"));
  policy.times.wrap_up = Milliseconds(times.number("wrap_up"));
  policy.times.decline_memory = Milliseconds(times.number("decline_memory"));
  policy.times.reopen_within = Milliseconds(times.number("reopen_within"));
  policy.times.dedupe_window = Milliseconds(times.number("dedupe_window"));
}

void read_connectors(Draft& draft, const Types& types) {
  for (const auto* entry : named_entries(draft, "connectors")) read_connector(draft, types, *entry);
}

void read_labels(Draft& draft) {
  for (const auto* entry : named_entries(draft, "labels")) {
    const Field words{{entry->key, Kind::list, true, "", ""}};
    Node holder;
    holder.type = Node::Type::map;
    holder.entries.push_back(*entry);
    auto options = draft.reader.read(holder, entry->place, "labels", std::span(&words, 1));
    draft.settings.labels.push_back({entry->key, options.list(entry->key)});
  }
}

}  // namespace usher::config
