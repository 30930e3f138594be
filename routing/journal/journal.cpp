// Names of the journal's streams: the middle part of topic names, table names and metrics labels.
#include "routing/journal/journal.hpp"

namespace usher::journal {

std::string_view stream_name(Stream stream) {
  switch (stream) {
    case Stream::inbound:
      return "inbound";
    case Stream::outbound:
      return "outbound";
    case Stream::events:
      return "events";
    case Stream::dead_letters:
      return "dead_letters";
    case Stream::control:
      return "control";
    case Stream::snapshots:
      return "snapshots";
  }
  expect(false, "a stream has a name");
  return {};
}

}  // namespace usher::journal
