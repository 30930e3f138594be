// Fuzz target: what an IMAP server says, in pieces of several sizes. Built and run by tests/fuzz/run.
#include <cstdint>

#include "tests/connectors/imap/reply_properties.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  usher::connectors::email::imap::testing::check_replies({reinterpret_cast<const char*>(data), size});
  return 0;
}
