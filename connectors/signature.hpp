// Signatures and their spellings: SHA-256, HMAC, hexadecimal, base64, comparison that takes the same time wherever two
// texts differ. Over OpenSSL's EVP. Pure: any thread.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace usher::connectors {

// Raw bytes: 32, 32 and 20.
[[nodiscard]] std::string sha256(std::string_view bytes);
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view bytes);
[[nodiscard]] std::string hmac_sha1(std::string_view key, std::string_view bytes);

// Lower case.
[[nodiscard]] std::string hex(std::string_view bytes);
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

[[nodiscard]] std::string base64(std::string_view bytes);
// RFC 4648 section 4, strictly: padded, no white space, unused bits zero; otherwise none.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

// ECDSA over SHA-256: `public_key` is a SubjectPublicKeyInfo, `signature` an ECDSA-Sig-Value, both DER. The signed text is the
// pieces one after the other, so that a large body need not be copied. False also when the key is none.
[[nodiscard]] bool fits_ecdsa(std::string_view public_key, std::string_view signature, std::initializer_list<std::string_view> pieces);
[[nodiscard]] bool is_ecdsa_key(std::string_view public_key);

// True when equal. The time depends on the lengths only.
[[nodiscard]] bool equal_secrets(std::string_view left, std::string_view right);

}  // namespace usher::connectors
