// Network addresses: the special-purpose registries of RFC 6890, as tables.
#include "connectors/private_address.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include <netinet/in.h>

namespace usher::connectors {

namespace {

struct Block4 {
  std::uint32_t first;
  unsigned bits;
};

constexpr std::uint32_t dotted(unsigned a, unsigned b, unsigned c, unsigned d) { return (a << 24) | (b << 16) | (c << 8) | d; }

constexpr Block4 special4[] = {
    {dotted(0, 0, 0, 0), 8},       {dotted(10, 0, 0, 0), 8},      {dotted(100, 64, 0, 0), 10}, {dotted(127, 0, 0, 0), 8},
    {dotted(169, 254, 0, 0), 16},  {dotted(172, 16, 0, 0), 12},   {dotted(192, 0, 0, 0), 24},  {dotted(192, 0, 2, 0), 24},
    {dotted(192, 88, 99, 0), 24},  {dotted(192, 168, 0, 0), 16},  {dotted(198, 18, 0, 0), 15}, {dotted(198, 51, 100, 0), 24},
    {dotted(203, 0, 113, 0), 24},  {dotted(224, 0, 0, 0), 3},
};

bool is_public4(std::uint32_t address) {
  return std::none_of(std::begin(special4), std::end(special4), [address](const Block4& block) {
    return ((address ^ block.first) >> (32 - block.bits)) == 0;
  });
}

std::uint32_t read32(std::span<const std::uint8_t> bytes) { return dotted(bytes[0], bytes[1], bytes[2], bytes[3]); }

bool begins(std::span<const std::uint8_t, 16> bytes, std::span<const std::uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

bool is_public6(std::span<const std::uint8_t, 16> bytes) {
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  constexpr std::array<std::uint8_t, 12> translated{0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};
  // These hold an IPv4 address, and lead to it.
  if (begins(bytes, mapped) || begins(bytes, translated)) return is_public4(read32(bytes.subspan(12)));
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return is_public4(read32(bytes.subspan(2)));
  // 2001::/23 is for protocols (Teredo among them), 2001:db8::/32 and 3fff::/20 for books.
  if (bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] < 0x02) return false;
  if (bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0d && bytes[3] == 0xb8) return false;
  if (bytes[0] == 0x3f && bytes[1] == 0xff && bytes[2] < 0x10) return false;
  return (bytes[0] & 0xe0) == 0x20;  // 2000::/3: all that is given out so far.
}

}  // namespace

bool is_public_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &address, sizeof four);
    return is_public4(ntohl(four.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, &address, sizeof six);
    return is_public6(std::span<const std::uint8_t, 16>(six.sin6_addr.s6_addr));
  }
  return false;
}

bool is_loopback_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &address, sizeof four);
    return (ntohl(four.sin_addr.s_addr) >> 24) == 127;
  }
  if (address.sa_family != AF_INET6) return false;
  sockaddr_in6 six{};
  std::memcpy(&six, &address, sizeof six);
  return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
}

}  // namespace usher::connectors
