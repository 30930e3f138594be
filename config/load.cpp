// load: the file, then the environment over it, then every part read; settings only when nothing is wrong anywhere.
#include "config/draft.hpp"
#include "config/environment.hpp"
#include "config/secret_file.hpp"

namespace usher::config {
namespace {

LoadedSettings read_settings(const Node& root, ProblemList& problems, const std::string& name,
                             const std::filesystem::path& folder, const Types& types) {
  FieldReader reader(problems, folder);
  Draft draft{root, problems, reader, folder};
  read_top(draft);
  read_servers(draft);
  read_connectors(draft, types);
  read_labels(draft);
  read_queues(draft);
  read_rules(draft);
  read_agents(draft);
  if (problems.empty()) return {std::move(draft.settings), {}};
  return {std::nullopt, {problems.lines(name)}};
}

LoadedSettings load_with(const std::string& yaml, const std::string& name, const Variables& variables,
                         const Types& types) {
  ProblemList problems;
  auto root = parse_yaml(yaml, problems);
  if (!root) return {std::nullopt, {problems.lines(name)}};
  apply_environment(*root, variables, problems);
  return read_settings(*root, problems, name, std::filesystem::path(name).parent_path(), types);
}

}  // namespace

LoadedSettings load(const std::filesystem::path& file, const ConnectorKeys& connector_keys,
                    const std::vector<std::string>& connector_types, const ConnectorCheck& check) {
  const auto text = read_bytes(file, file_bytes_max);
  if (!text) {
    ProblemList problems;
    problems.add(Place{}, "(file)",
                 text.error().fault == Fault::too_large ? "is larger than 1 MiB" : text.error().detail);
    return {std::nullopt, {problems.lines(file.string())}};
  }
  return load_with(*text, file.string(), usher_variables(),
                   {connector_keys, {connector_types.begin(), connector_types.end()}, check});
}

LoadedSettings load_text(const std::string& yaml, const std::string& name, const ConnectorKeys& connector_keys,
                         const std::vector<std::string>& connector_types, const ConnectorCheck& check) {
  return load_with(yaml, name, {}, {connector_keys, {connector_types.begin(), connector_types.end()}, check});
}

}  // namespace usher::config
