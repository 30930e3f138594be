// What every use of libcurl here has in common: handles that free themselves, and options that are known to exist. Errors
// of setting one are ours, so they end the program. Any thread; a handle belongs to one thread at a time.
#pragma once

#include <memory>
#include <string>

#include <curl/curl.h>

#include "routing/message/result.hpp"

namespace usher::connectors {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, FreeEasy>;
using CurlList = std::unique_ptr<curl_slist, FreeList>;

// Starts the library the first time.
void start_libcurl();
// With what holds for every transfer: TLS 1.2 or later, no signals, no proxy of the environment, no redirects.
[[nodiscard]] CurlHandle make_curl_handle();
void append_line(CurlList& list, const std::string& line);

template <class Value>
void set_option(const CurlHandle& easy, CURLoption option, Value value) {
  message::expect(curl_easy_setopt(easy.get(), option, value) == CURLE_OK, "libcurl knows the option");
}

}  // namespace usher::connectors
