// What the configuration loader has to know about connectors: their types and keys, from the catalog. The programs load
// their file through this, so that check-config, run and reload cannot disagree.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "connectors/connector.hpp"

namespace usher::daemon {

using namespace usher::message;

// config::load with each connector's own check(): all problems of both.
[[nodiscard]] config::LoadedSettings load_settings(const std::filesystem::path& file);
[[nodiscard]] std::string settings_schema();

// The connectors of the settings. Requires: loaded without a problem.
[[nodiscard]] std::vector<connectors::Instance> instances_of(const config::Settings& settings);

}  // namespace usher::daemon
