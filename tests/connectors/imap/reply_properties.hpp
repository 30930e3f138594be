// What holds for every server, whatever it says: the one function that the mutation test and the fuzz target run.
#pragma once

#include <string_view>

namespace usher::connectors::email::imap::testing {

// Reads the bytes in pieces of several sizes; aborts when the pieces matter, or when more is kept than was fed.
void check_replies(std::string_view bytes);

}  // namespace usher::connectors::email::imap::testing
