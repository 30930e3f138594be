// Ledger: collects the changes of one step and keeps the digest of all tracked entities as they change.
//
// Each tracked thing carries a Stored: whether it stands in the store and what it adds to the digest, so that a change
// costs one hash and no look at other entities.
#pragma once

#include <string>
#include <vector>

#include "routing/engine/step.hpp"

namespace usher::engine {

struct Stored {
  bool present = false;
  Hash128 hash;
};

class Ledger {
 public:
  // Writes the entity unless it already stands so.
  void put(Stored& stored, std::string table, std::string key, std::string value);
  void erase(Stored& stored, std::string table, std::string key);
  // Drops a whole table whose entities add `sum` in all.
  void drop(std::string table, const Digest& sum);
  // Takes an entity that stands in the store already (restore).
  void adopt(Stored& stored, std::string_view table, std::string_view key, std::string_view value);

  [[nodiscard]] const Digest& digest() const { return digest_; }
  [[nodiscard]] std::vector<Change> take() { return std::move(changes_); }

 private:
  void add(const Hash128& hash);
  void subtract(const Hash128& hash);
  Digest digest_;
  std::vector<Change> changes_;
};

}  // namespace usher::engine
