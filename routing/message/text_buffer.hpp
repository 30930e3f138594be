// Text that is written piece by piece, most of them short: less for each than an append to a string. Any thread, one at a time.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace usher::message {

class TextBuffer {
 public:
  explicit TextBuffer(std::size_t bytes_expected) : text_(bytes_expected, '\0') {}

  [[nodiscard]] bool empty() const { return size_ == 0; }
  void add(char c) { *room(1) = c, ++size_; }
  void add(std::string_view text) {
    copy(room(text.size()), text);
    size_ += text.size();
  }
  // `before`, if it is any character, `text`, and `behind`.
  void add(char before, std::string_view text, std::string_view behind) {
    char* at = room(text.size() + behind.size() + 1);
    if (before != '\0') *at++ = before, ++size_;
    copy(at, text);
    copy(at + text.size(), behind);
    size_ += text.size() + behind.size();
  }
  void add(std::int64_t number) {
    char* at = room(20);
    size_ += static_cast<std::size_t>(std::to_chars(at, at + 20, number).ptr - at);
  }
  // What was written, once. Without the room that was not needed, where it is as much: many of them may be kept.
  [[nodiscard]] std::string take() {
    if (text_.capacity() > 2 * size_) return {text_.data(), std::exchange(size_, 0)};
    text_.resize(size_);
    size_ = 0;
    return std::move(text_);
  }

 private:
  static void copy(char* at, std::string_view text) { std::char_traits<char>::copy(at, text.data(), text.size()); }

  char* room(std::size_t bytes) {
    if (text_.size() - size_ < bytes) text_.resize(2 * text_.size() + bytes);
    return text_.data() + size_;
  }

  std::string text_;  // Its first size_ bytes.
  std::size_t size_ = 0;
};

}  // namespace usher::message
