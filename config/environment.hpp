// The environment over the file: USHER_HTTP__LISTEN is `http.listen`, USHER_CONNECTORS__SHOP__TOKEN_FILE is
// `connectors.shop.token_file`, USHER_DATA is `data`. Values are put into the tree, so that they are checked like the
// file's own.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/problem_list.hpp"
#include "config/yaml_tree.hpp"

namespace usher::config {

using Variables = std::vector<std::pair<std::string, std::string>>;

// This process's variables whose names begin with USHER_.
[[nodiscard]] Variables usher_variables();

// Requires: `root` is a map. A variable with `__` always names a key. Without, only one that is or nearly is a key at
// the top counts: Kubernetes, for one, gives every container USHER_SERVICE_HOST when a service is called usher.
void apply_environment(Node& root, const Variables& variables, ProblemList& problems);

}  // namespace usher::config
