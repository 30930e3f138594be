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

connectors::Instance instance_of(const TenantId& tenant, const config::ConnectorSettings& connector) {
  return {connector.id, tenant, connector.type, connector.options};
}

Result<void> check_of(const TenantId& tenant, const config::ConnectorSettings& settings) {
  const auto* connector = connectors::find_connector(settings.type);
  expect(connector != nullptr, "a loaded connector is in the catalog");
  return connector->check(instance_of(tenant, settings));
}

}  // namespace

config::LoadedSettings load_settings(const std::filesystem::path& file) {
  return config::load(file, keys_of, types(), check_of);
}

std::string settings_schema() { return config::json_schema(keys_of, types()); }

std::vector<connectors::Instance> instances_of(const config::Settings& settings) {
  std::vector<connectors::Instance> instances;
  for (const auto& connector : settings.connectors)
    instances.push_back(instance_of(settings.tenant, connector));
  return instances;
}

}  // namespace usher::daemon
