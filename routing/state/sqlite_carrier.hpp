// Carrier: brings one stretch of the change log into the tables, as many rows at a time as asked for, in the order of their
// keys. Inside somebody's transaction; the writer's thread only.
#pragma once

#include "routing/state/sqlite_connection.hpp"
#include "routing/state/sqlite_pending.hpp"

namespace usher::state {

class Carrier {
 public:
  // The changes outlive it and stay as they are.
  explicit Carrier(const PendingChanges& changes);

  // About `rows` more. True: nothing is left.
  [[nodiscard]] Result<bool> carry(SqliteConnection& connection, std::size_t rows);

 private:
  [[nodiscard]] Result<void> drop_some(SqliteConnection& connection, std::size_t& rows);
  template <class Place, class End, class Write>
  [[nodiscard]] static Result<void> each(Place& place, End end, std::size_t& rows, const Write& write);

  const PendingChanges& changes_;
  decltype(PendingChanges::dropped)::const_iterator dropped_;
  decltype(PendingChanges::gone)::const_iterator gone_;
  decltype(PendingChanges::entities)::const_iterator entity_;
  decltype(PendingChanges::bodies)::const_iterator body_;
  decltype(PendingChanges::places)::const_iterator place_;
};

}  // namespace usher::state
