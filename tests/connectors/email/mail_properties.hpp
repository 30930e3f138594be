// What holds for every mail, whatever its bytes: the one function that the mutation test and the fuzz target run.
#pragma once

#include <string_view>

#include "connectors/email/mail.hpp"

namespace usher::connectors::email::testing {

// Reads, classifies, maps, carries over the wire and answers the mail; aborts when something that must hold does not.
// `twice`: also that it reads the same a second time, which costs as much again.
void check_mail(std::string_view bytes, const MailArrival& arrival = {}, bool twice = true);

}  // namespace usher::connectors::email::testing
