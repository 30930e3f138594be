// Plants: faults put in on purpose, to prove that the simulation finds them (tests/simulation/run --plant NAME). Only the
// simulation's own build (USHER_PLANTS) can switch one on; everywhere else planted() is a constant false and costs nothing.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace usher::message {

enum class Plant {
  none,
  repeats_counted,        // Engine: a message delivered again is taken for a new one (rule I1).
  capacity_ignored,       // Engine: an agent is offered work beyond capacity.
  stale_offer_accepted,   // Engine: an accept of somebody else's offer succeeds.
  age_lost,               // Engine: a declined or expired offer begins to wait anew.
  offer_from_memory,      // Engine: offer ids depend on what the process did before (rule X3).
  offer_never_expires,    // Engine: an unanswered offer stays for ever.
  wake_lost,              // Engine: what a cap on mail put off is never work again.
  frames_before_commit,   // Loop: agents see what may still be lost.
  lost_answer_believed,   // Loop: a commit without an answer is taken for done (rule S1).
  outbox_dropped,         // Loop: effects that were not out before a crash are forgotten (rule E3).
  early_loss_ignored,     // Loop: records that were read early and then lost count as applied (rule J6).
  refusal_ignored,        // Loop: a commit that the store refused is taken for done (rules O1, S1).
};

inline constexpr std::array<std::pair<Plant, std::string_view>, 12> plants{{
    {Plant::repeats_counted, "repeats_counted"},
    {Plant::capacity_ignored, "capacity_ignored"},
    {Plant::stale_offer_accepted, "stale_offer_accepted"},
    {Plant::age_lost, "age_lost"},
    {Plant::offer_from_memory, "offer_from_memory"},
    {Plant::offer_never_expires, "offer_never_expires"},
    {Plant::wake_lost, "wake_lost"},
    {Plant::frames_before_commit, "frames_before_commit"},
    {Plant::lost_answer_believed, "lost_answer_believed"},
    {Plant::outbox_dropped, "outbox_dropped"},
    {Plant::early_loss_ignored, "early_loss_ignored"},
    {Plant::refusal_ignored, "refusal_ignored"},
}};

#ifdef USHER_PLANTS
inline Plant planted_now = Plant::none;
[[nodiscard]] inline bool planted(Plant plant) { return planted_now == plant; }
#else
[[nodiscard]] constexpr bool planted(Plant) { return false; }
#endif

}  // namespace usher::message
