// Words for the values of the vocabulary that appear in logs, metrics and problem documents.
#include "routing/message/result.hpp"

namespace usher::message {

std::string_view fault_name(Fault fault) {
  switch (fault) {
    case Fault::malformed:
      return "malformed";
    case Fault::unauthorised:
      return "unauthorised";
    case Fault::not_found:
      return "not_found";
    case Fault::too_large:
      return "too_large";
    case Fault::conflict:
      return "conflict";
    case Fault::overloaded:
      return "overloaded";
    case Fault::unavailable:
      return "unavailable";
  }
  expect(false, "a fault has a name");
  return {};
}

}  // namespace usher::message
