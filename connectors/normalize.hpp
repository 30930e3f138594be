// normalize: a connector's raw input as messages, by the code that ingress runs and without touching the journal.
// For `usherctl normalize`. Pure: any thread.
#pragma once

#include <vector>

#include "connectors/connector.hpp"
#include "connectors/triage.hpp"

namespace usher::connectors {

// Parse, then triage when there is one. Signatures are not verified: the bytes are the operator's own.
[[nodiscard]] Result<std::vector<Message>> normalize(const Connector& connector, const Instance& instance, const Raw& raw,
                                                     const Triage* triage = nullptr);

}  // namespace usher::connectors
