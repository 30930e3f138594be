// A parsed JSON document, as the readers of the wire form want it: every value in one row of memory, each container before what
// it holds, texts where they stand in the source. A tree of maps and strings costs twice as much, and is walked once.
// Values only; a document belongs to the thread that made it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "routing/message/result.hpp"

namespace usher::message::wire {

class DocumentBuilder;

class Value {
 public:
  [[nodiscard]] bool is_null() const { return kind_ == Kind::null; }
  [[nodiscard]] bool is_flag() const { return kind_ == Kind::flag; }
  [[nodiscard]] bool is_text() const { return kind_ == Kind::text; }
  [[nodiscard]] bool is_list() const { return kind_ == Kind::list; }
  [[nodiscard]] bool is_object() const { return kind_ == Kind::object; }
  // A number without a fraction or an exponent that fits 64 bits with a sign, …
  [[nodiscard]] bool is_whole() const { return kind_ == Kind::whole; }
  // … or that fits only without one. Other numbers are neither.
  [[nodiscard]] bool is_beyond() const { return kind_ == Kind::beyond; }

  // Requires: it is one.
  [[nodiscard]] bool flag() const { return whole_ != 0; }
  [[nodiscard]] std::int64_t whole() const { return whole_; }
  [[nodiscard]] std::string_view text() const { return {text_, size_}; }

  // Of a member: its name.
  [[nodiscard]] std::string_view key() const { return {key_, key_size_}; }
  // Of a container: how many it holds; of members with one name the last counts.
  [[nodiscard]] std::size_t count() const { return size_; }
  [[nodiscard]] const Value* begin() const { return this + 1; }
  [[nodiscard]] const Value* end() const { return this + rows_; }
  // Of what a container holds: what comes behind it. Members that do not count are stepped over by their null key.
  [[nodiscard]] const Value* next() const { return this + rows_; }
  [[nodiscard]] bool counts() const { return kind_ != Kind::replaced; }

 private:
  friend class DocumentBuilder;
  enum class Kind : std::uint8_t { null, flag, whole, beyond, other_number, text, list, object, replaced };

  const char* key_ = nullptr;
  union {
    const char* text_;
    std::int64_t whole_ = 0;
  };
  std::uint32_t key_size_ = 0;
  std::uint32_t size_ = 0;  // Bytes of a text; members or items of a container.
  std::uint32_t rows_ = 1;  // Itself and what it holds.
  Kind kind_ = Kind::null;
};

class Document {
 public:
  Document() : memory_(buffer_.data(), buffer_.size()), rows_(&memory_) {}
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  // The root. Fails with too_large over limits::record_bytes_max, with malformed when it is no JSON, no UTF-8, or too deep.
  // Requires: `json` outlives what is read of the document.
  [[nodiscard]] Result<const Value*> parse(std::string_view json);

 private:
  // A common message needs no heap: some 80 rows, and the texts with an escape in them.
  alignas(Value) std::array<std::byte, 8 * 1024> buffer_;
  std::pmr::monotonic_buffer_resource memory_;
  std::pmr::vector<Value> rows_;
};

}  // namespace usher::message::wire
