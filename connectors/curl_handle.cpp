// libcurl, started once for the whole process.
#include "connectors/curl_handle.hpp"

namespace usher::connectors {

void start_libcurl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  message::expect(done == CURLE_OK, "libcurl starts");
}

CurlHandle make_curl_handle() {
  start_libcurl();
  CurlHandle easy(curl_easy_init());
  message::expect(easy != nullptr, "libcurl makes a transfer");
  set_option(easy, CURLOPT_NOSIGNAL, 1L);
  set_option(easy, CURLOPT_FOLLOWLOCATION, 0L);
  // A name server that is silent holds the resolver's thread for half a minute, and the end of a transfer would wait for it.
  set_option(easy, CURLOPT_QUICK_EXIT, 1L);
  // A proxy would be connected to instead, unseen by any guard on addresses.
  set_option(easy, CURLOPT_PROXY, "");
  set_option(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  return easy;
}

void append_line(CurlList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  message::expect(longer != nullptr, "there is memory for a line");
  static_cast<void>(list.release());
  list.reset(longer);
}

}  // namespace usher::connectors
