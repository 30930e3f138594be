// Catalog: the table made from the rows of catalog.hpp.
#include "connectors/catalog.hpp"

namespace usher::connectors {

namespace {

#define USHER_CATALOG_ROW(name) &name##_connector,
constexpr const Connector* table[] = {USHER_CONNECTORS(USHER_CATALOG_ROW)};
#undef USHER_CATALOG_ROW

}  // namespace

std::span<const Connector* const> catalog() { return table; }

const Connector* find_connector(std::string_view type) {
  for (const Connector* connector : table)
    if (connector->type == type) return connector;
  return nullptr;
}

}  // namespace usher::connectors
