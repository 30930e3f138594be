// How Catch2 prints a Result: Boost's own operator<< wants every value to be printable.
#pragma once

#include <catch2/catch.hpp>

#include "routing/message/result.hpp"

namespace Catch {

template <class T>
struct StringMaker<usher::message::Result<T>> {
  static std::string convert(const usher::message::Result<T>& result) {
    return result ? "a value"
                  : std::string(usher::message::fault_name(result.error().fault)) + ": " + result.error().detail;
  }
};

}  // namespace Catch
