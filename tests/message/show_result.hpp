// How a Result shows in a failed check: what is wrong, or that there is a value. Include after catch.hpp.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "routing/message/result.hpp"

template <class T>
struct Catch::StringMaker<boost::system::result<T, usher::message::Error>> {
  static std::string convert(const usher::message::Result<T>& result) {
    return result ? "a value" : "error: " + result.error().detail;
  }
};
