// normalize: ingress without its doors.
#include "connectors/normalize.hpp"

namespace usher::connectors {

Result<std::vector<Message>> normalize(const Connector& connector, const Instance& instance, const Raw& raw,
                                       const Triage* triage) {
  auto parsed = connector.parse(instance, raw);
  if (!parsed) return parsed.error();
  if (triage != nullptr)
    for (Message& message : parsed->messages) triage->apply(message);
  return std::move(parsed->messages);
}

}  // namespace usher::connectors
