// Fuzz target: a mail, from its bytes to the record and to our answer. Built and run by ./run.
#include <cstdint>

#include "tests/connectors/email/mail_properties.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One in four is read twice, by its size, so that what is found is found again.
  usher::connectors::email::testing::check_mail({reinterpret_cast<const char*>(data), size}, {}, size % 4 == 0);
  return 0;
}
