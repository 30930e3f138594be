// Certificates by OpenSSL.
#include "tests/connectors/test_certificates.hpp"

#include <catch2/catch.hpp>

#include <memory>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace usher::connectors::testing {

namespace {

struct Free {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(BIO* x) const { BIO_free(x); }
  void operator()(X509_EXTENSION* x) const { X509_EXTENSION_free(x); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

constexpr long day = 86'400;

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return std::string(bytes, static_cast<std::size_t>(size));
}

TestCertificate pem_of(X509* certificate, EVP_PKEY* key) {
  const Owned<BIO> first(BIO_new(BIO_s_mem())), second(BIO_new(BIO_s_mem()));
  REQUIRE(PEM_write_bio_X509(first.get(), certificate) == 1);
  REQUIRE(PEM_write_bio_PrivateKey(second.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return {text_of(first.get()), text_of(second.get())};
}

void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str()));
  REQUIRE(extension);
  REQUIRE(X509_add_ext(certificate, extension.get(), -1) == 1);
}

Owned<X509> bare(const std::string& name, EVP_PKEY* key, Validity validity) {
  Owned<X509> certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  std::int64_t serial = 0;
  REQUIRE(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), 7) == 1);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate.get()), serial);
  const long from = validity == Validity::over ? -10 * day : validity == Validity::not_yet ? 5 * day : -day;
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), from + (validity == Validity::over ? 5 * day : 30 * day));
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

}  // namespace

TestCertificate make_authority(const std::string& name) {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const auto certificate = bare(name, key.get(), Validity::now);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  extend(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
  REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  return pem_of(certificate.get(), key.get());
}

TestCertificate make_certificate(const TestCertificate& authority, const std::string& host, Validity validity) {
  const Owned<BIO> first(BIO_new_mem_buf(authority.certificate.data(), static_cast<int>(authority.certificate.size())));
  const Owned<BIO> second(BIO_new_mem_buf(authority.key.data(), static_cast<int>(authority.key.size())));
  const Owned<X509> issuer(PEM_read_bio_X509(first.get(), nullptr, nullptr, nullptr));
  const Owned<EVP_PKEY> issuer_key(PEM_read_bio_PrivateKey(second.get(), nullptr, nullptr, nullptr));
  REQUIRE(issuer);
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const auto certificate = bare(host, key.get(), validity);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
  const bool is_address = host.find_first_not_of("0123456789.") == std::string::npos;
  extend(certificate.get(), issuer.get(), NID_subject_alt_name, (is_address ? "IP:" : "DNS:") + host);
  REQUIRE(X509_sign(certificate.get(), issuer_key.get(), EVP_sha256()) > 0);
  return pem_of(certificate.get(), key.get());
}

}  // namespace usher::connectors::testing
