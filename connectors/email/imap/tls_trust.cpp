// TlsTrust over OpenSSL 3.
#include "connectors/email/imap/tls_trust.hpp"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <algorithm>

namespace usher::connectors::email::imap {

namespace {

constexpr std::size_t names_shown_max = 5;

bool is_address(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// A name from a stranger's certificate, for a log.
std::string printable(const unsigned char* text, int size) {
  std::string out;
  for (int i = 0; i < std::min(size, 100); ++i) out += text[i] > 0x20 && text[i] < 0x7f ? static_cast<char>(text[i]) : '?';
  return out;
}

std::string names_of(X509* certificate) {
  std::string out;
  auto* names = static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::size_t shown = 0;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && shown < names_shown_max; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    out += (shown++ == 0 ? "" : ", ") + printable(::ASN1_STRING_get0_data(name->d.dNSName), ::ASN1_STRING_length(name->d.dNSName));
  }
  ::GENERAL_NAMES_free(names);
  return out.empty() ? "nobody by name" : out;
}

}  // namespace

int TlsTrust::judge(int believed, X509_STORE_CTX* chain) {
  if (believed == 1) return 1;
  auto* ssl = static_cast<SSL*>(::X509_STORE_CTX_get_ex_data(chain, ::SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* self = static_cast<TlsTrust*>(SSL_get_app_data(ssl));
  if (self->refused_ == 0) {
    self->refused_ = ::X509_STORE_CTX_get_error(chain);
    if (auto* certificate = ::X509_STORE_CTX_get0_cert(chain)) self->names_ = names_of(certificate);
  }
  return 0;
}

Result<OwnedSsl> TlsTrust::make(const MailServer& server) {
  refused_ = 0;
  context_.reset(::SSL_CTX_new(::TLS_client_method()));
  if (!context_) return fail(Fault::unavailable, "OpenSSL does not start");
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, &judge);
  // Instead of the system's: who names a file means these and no others.
  const int trusted = server.ca_file.empty() ? ::SSL_CTX_set_default_verify_paths(context_.get())
                                             : ::SSL_CTX_load_verify_file(context_.get(), server.ca_file.c_str());
  if (trusted != 1) return fail(Fault::unavailable, "no certificates of authorities can be read from " + server.ca_file);
  OwnedSsl ssl(::SSL_new(context_.get()));
  if (!ssl) return fail(Fault::unavailable, "OpenSSL does not start");
  SSL_set_app_data(ssl.get(), this);
  if (is_address(server.host)) {
    ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl.get()), server.host.c_str());
  } else {
    ::SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (::SSL_set1_host(ssl.get(), server.host.c_str()) != 1) return fail(Fault::malformed, server.host + " is no name");
    SSL_set_tlsext_host_name(ssl.get(), server.host.c_str());
  }
  ::SSL_set_bio(ssl.get(), ::BIO_new(::BIO_s_mem()), ::BIO_new(::BIO_s_mem()));
  ::SSL_set_connect_state(ssl.get());
  ::ERR_clear_error();
  return ssl;
}

std::string TlsTrust::trouble(const MailServer& server) const {
  const std::string whose = "the certificate of " + server.host;
  switch (refused_) {
    case 0: break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return "its certificate is for " + names_ + ", not for " + server.host;
    case X509_V_ERR_CERT_HAS_EXPIRED: return whose + " has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID: return whose + " is not valid yet; is the clock right?";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return whose + " is signed by itself; name it as ca_file if that is right";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return whose + " is from an authority that is not trusted here" + (server.ca_file.empty() ? "" : " (ca_file names others)");
    default: return whose + " is not believed: " + ::X509_verify_cert_error_string(refused_);
  }
  const unsigned long error = ::ERR_peek_last_error();
  const int number = ERR_GET_REASON(error);
  if (number == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION || number == SSL_R_UNSUPPORTED_PROTOCOL)
    return "no TLS with " + server.host + ": it speaks none that is new enough, and 1.2 is the oldest that is spoken here";
  const char* reason = ::ERR_reason_error_string(error);
  return "no TLS with " + server.host + ": " + (reason != nullptr ? reason : "the handshake failed") +
         ". Is this the port for TLS from the first byte, or the one for STARTTLS?";
}

}  // namespace usher::connectors::email::imap
