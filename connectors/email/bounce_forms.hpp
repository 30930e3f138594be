// Bounces in words: servers that tell a person, not a program, that a mail was not delivered. Taken for one only when the
// sender is a machine and its words say so, since an ordinary mail taken for a bounce would not reach an agent as what it
// is: a customer who forwards a bounce and asks what it means is a customer. Pure: any thread.
#pragma once

#include <vector>

#include "connectors/email/mail.hpp"
#include "connectors/email/mail_kind.hpp"

namespace usher::connectors::email {

// The mail asks for no answer on its way back: `Return-Path: <>`.
[[nodiscard]] bool has_null_path(const Mail& mail);
// By the names that only mail servers have.
[[nodiscard]] bool is_from_server(const Mail& mail);
[[nodiscard]] bool is_bounce_in_words(const Mail& mail);
// Those to whom it was not delivered, by the places where servers name them; empty when no address can be told.
[[nodiscard]] std::vector<ReportedRecipient> recipients_in_words(const Mail& mail);

}  // namespace usher::connectors::email
