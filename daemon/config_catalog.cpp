// The catalog's side of the configuration.
#include "daemon/config_catalog.hpp"

#include <optional>
#include <span>

#include "connectors/catalog.hpp"

namespace usher::daemon {
namespace {

std::optional<std::span<const config::Key>> keys_of(std::string_view type) {
  const auto* connector = connectors::find_connector(type);
  if (connector == nullptr) return std::nullopt;
  return connector->keys;
}

std::vector<std::string> types() {
  std::vector<std::string> names;
  for (const auto* connector : connectors::catalog()) names.emplace_back(connector->type);
  return names;
}

}  // namespace

config::LoadedSettings load_settings(const std::filesystem::path& file) {
  auto loaded = config::load(file, keys_of, types());
  if (!loaded.settings) return loaded;
  for (const auto& instance : instances_of(*loaded.settings)) {
    const auto* connector = connectors::find_connector(instance.type);
    expect(connector != nullptr, "a loaded connector is in the catalog");
    const auto checked = connector->check(instance);
    // The loader knows lines, a connector knows combinations: the key leads to the place.
    if (!checked)
      loaded.problems.lines.push_back(file.string() + ":1:1 connectors." + instance.id.text() + ": " +
                                      checked.error().detail);
  }
  if (!loaded.problems.lines.empty()) loaded.settings.reset();
  return loaded;
}

std::string settings_schema() { return config::json_schema(keys_of, types()); }

std::vector<connectors::Instance> instances_of(const config::Settings& settings) {
  std::vector<connectors::Instance> instances;
  for (const auto& connector : settings.connectors)
    instances.push_back({connector.id, settings.tenant, connector.type, connector.options});
  return instances;
}

}  // namespace usher::daemon
