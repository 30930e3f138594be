// Result<T>: what a peer, a customer or an operator can cause is a value. What only we can cause is a crash: expect().
#pragma once

#include <boost/system/result.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <source_location>
#include <string>
#include <string_view>

namespace usher::message {

// Names what the caller can do about it, so it stays short.
enum class Fault {
  malformed,     // Reject: the input is wrong and will stay wrong.
  unauthorised,  // Refuse: the caller may not.
  not_found,     // There is no such thing, or none that the caller may see.
  too_large,     // Reject: over a limit of limits.hpp.
  conflict,      // The world moved on: read again, then decide.
  overloaded,    // Wait, then retry.
  unavailable,   // Nothing durable can be written or read now: retry.
};

[[nodiscard]] std::string_view fault_name(Fault fault);

struct Error {
  Fault fault = Fault::unavailable;
  std::string detail;  // For operators and integrators. Never a customer's text.
};

[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  std::fprintf(stderr, "usher: a result was used without looking: %s\n", error.detail.c_str());
  std::abort();
}

template <class T>
using Result = boost::system::result<T, Error>;

inline Error fail(Fault fault, std::string detail) { return Error{fault, std::move(detail)}; }

// Aborts in every build when `truth` is false: state that only a defect of ours can cause.
inline void expect(bool truth, const char* rule, std::source_location at = std::source_location::current()) {
  if (truth) return;
  std::fprintf(stderr, "usher: broken: %s (%s:%u)\n", rule, at.file_name(), at.line());
  std::abort();
}

}  // namespace usher::message
