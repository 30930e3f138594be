// SipHash-2-4, 128-bit variant: two rounds per 8-byte block, four to finish each half of the output.
// Pure arithmetic; any thread.
#include "routing/message/siphash.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

namespace usher::message {

namespace {

struct Lanes {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }

  void absorb(std::uint64_t block) {
    v3 ^= block;
    round();
    round();
    v0 ^= block;
  }

  std::uint64_t squeeze() {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

std::uint64_t load_little_endian(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

}  // namespace

Hash128 siphash128(std::string_view bytes, std::uint64_t key0, std::uint64_t key1) {
  Lanes lanes{key0 ^ 0x736f6d6570736575ULL, key1 ^ 0x646f72616e646f6dULL ^ 0xeeU, key0 ^ 0x6c7967656e657261ULL,
              key1 ^ 0x7465646279746573ULL};
  const std::size_t whole = bytes.size() / 8 * 8;
  for (std::size_t at = 0; at < whole; at += 8) lanes.absorb(load_little_endian(bytes.data() + at));

  // The last block: what is left over, and the length modulo 256 on top.
  std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56;
  for (std::size_t i = whole; i < bytes.size(); ++i) {
    last |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * (i - whole));
  }
  lanes.absorb(last);

  lanes.v2 ^= 0xeeU;
  const std::uint64_t first_half = lanes.squeeze();
  lanes.v1 ^= 0xddU;
  const std::uint64_t second_half = lanes.squeeze();
  // The algorithm writes its halves with the low byte first. Swapped here, so that the hexadecimal text of (high, low)
  // is the digest as every other implementation prints it.
  return Hash128{__builtin_bswap64(first_half), __builtin_bswap64(second_half)};
}

}  // namespace usher::message
