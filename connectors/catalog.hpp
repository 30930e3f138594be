// Catalog: every connector there is, spelled in one place. A row makes the declaration and the line of the table; the
// constant itself, NAME_connector, lives in connectors/FOLDER/NAME_connector.cpp. Constant data: any thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "connectors/connector.hpp"

// One row a connector, in the order in which lists show them.
#define USHER_CONNECTORS(row) \
  row(webform)                \
  row(http)                   \
  row(email)

namespace usher::connectors {

#define USHER_DECLARE_CONNECTOR(name) extern const Connector name##_connector;
USHER_CONNECTORS(USHER_DECLARE_CONNECTOR)
#undef USHER_DECLARE_CONNECTOR

[[nodiscard]] std::span<const Connector* const> catalog();

// nullptr: there is no such type.
[[nodiscard]] const Connector* find_connector(std::string_view type);

}  // namespace usher::connectors
