// Fuzz target: a mail, from its bytes to the record and to our answer. Built and run by ./run.
#include <cstdint>

#include "tests/connectors/email/mail_properties.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  usher::connectors::email::testing::check_mail({reinterpret_cast<const char*>(data), size});
  return 0;
}
