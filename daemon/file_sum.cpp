// RunningSum: OpenSSL's SHA-256, fed piece by piece.
#include "daemon/file_sum.hpp"

#include <array>

#include "connectors/signature.hpp"
#include "routing/message/result.hpp"

namespace usher::daemon {

using message::expect;

RunningSum::RunningSum() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  expect(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1, "OpenSSL has SHA-256");
}

void RunningSum::add(std::string_view bytes) {
  expect(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1, "SHA-256 takes bytes");
  size_ += bytes.size();
}

FileSum RunningSum::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  expect(EVP_DigestFinal_ex(context_.get(), digest.data(), &length) == 1, "SHA-256 ends once");
  return {size_, connectors::hex({reinterpret_cast<const char*>(digest.data()), length})};
}

}  // namespace usher::daemon
