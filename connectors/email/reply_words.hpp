// The words by which mail programs of the world introduce what they quote, forward or sign. Compared in lower case as
// fold() gives it. Constant data and pure functions: any thread.
#pragma once

#include <string_view>

namespace usher::connectors::email {

// "On", "Am", "Le", "tirsdag 24.": what a line of attribution may begin with. Requires: folded.
[[nodiscard]] bool begins_attribution(std::string_view line);
// "tirsdag 24.", "Dienstag, 24.": one of these openers that sentences have as well. Requires: folded.
[[nodiscard]] bool begins_with_weekday(std::string_view line);
// "Missatge de": who wrote it stands behind, and no verb. Requires: folded.
[[nodiscard]] bool begins_message_of(std::string_view line);
// Where `said` ends with a verb that has the name behind it: whether `after` begins with one, and not with "ich". Requires: folded.
[[nodiscard]] bool begins_with_name(std::string_view said, std::string_view after);
// Where "wrote", "schrieb", "a écrit" ends in `line`, npos when there is none. Requires: folded.
[[nodiscard]] std::size_t attribution_verb_end(std::string_view line);
// "From:", "Gesendet:", "Objet:": a field of a header repeated in the text. Requires: folded.
[[nodiscard]] bool is_repeated_header(std::string_view line);
// "No:", which is "from" in Latvian and an answer in English; a field that only Latvian programs write. Requires: folded.
[[nodiscard]] bool is_doubtful_header(std::string_view line);
[[nodiscard]] bool is_latvian_header(std::string_view line);
// One of them that names the subject. Requires: folded.
[[nodiscard]] bool is_repeated_subject(std::string_view line);
// "Sent from my iPhone" and the like, whole lines. Requires: folded.
[[nodiscard]] bool is_device_signature(std::string_view line);
// "Begin forwarded message:" and the like. Requires: folded.
[[nodiscard]] bool begins_forward(std::string_view line);
// "##- Please type your reply above this line -##": the mark of a help desk. Requires: folded.
[[nodiscard]] bool is_reply_mark(std::string_view line);

}  // namespace usher::connectors::email
