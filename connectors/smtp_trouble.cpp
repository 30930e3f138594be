// From CURLcode, errno and OpenSSL's verdict on a certificate to sentences.
#include "connectors/smtp_trouble.hpp"

#include <cerrno>

#include <openssl/x509_vfy.h>

namespace usher::connectors {

namespace {

std::string name_of(const email::MailServer& server) { return server.host + ":" + std::to_string(server.port); }

bool is_connected(const CurlHandle& easy) {
  curl_off_t connected = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_CONNECT_TIME_T, &connected);
  return connected > 0;
}

std::string certificate_words(const CurlHandle& easy, const email::MailServer& server) {
  long result = X509_V_OK;
  curl_easy_getinfo(easy.get(), CURLINFO_SSL_VERIFYRESULT, &result);
  const std::string whose = "the certificate of " + name_of(server);
  switch (result) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED: return whose + " is for another name";  // libcurl's own check, before it asks OpenSSL's.
    case X509_V_ERR_CERT_HAS_EXPIRED: return whose + " has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID: return whose + " is not valid yet; is this machine's clock right?";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return whose + " is self-signed; name it as ca_file to believe it";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return whose + " is by an authority that is not believed here" + (server.ca_file.empty() ? "; name it as ca_file to believe it" : ": ca_file has another");
    default: return whose + " is not good: " + X509_verify_cert_error_string(result);
  }
}

std::string connect_words(const CurlHandle& easy, const email::MailServer& server) {
  long system_error = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_OS_ERRNO, &system_error);
  if (system_error == ECONNREFUSED) return name_of(server) + " refuses connections: nothing listens there";
  return name_of(server) + " cannot be reached";
}

std::string tls_words(const email::MailServer& server) {
  return "no TLS with " + name_of(server) +
         (server.protection == email::Protection::tls ? ": it speaks no TLS from the first byte (STARTTLS, perhaps?), or none that is new enough"
                                                      : ": it speaks none that is new enough");
}

std::string cut_words(const email::MailServer& server, SmtpStage stage) {
  const std::string who = name_of(server);
  switch (stage) {
    case SmtpStage::connect: return who + " closed the connection without a greeting";
    case SmtpStage::login: return who + " closed the connection during the login";
    case SmtpStage::dot: return who + " closed the connection after the text";
    default: return who + " closed the connection";
  }
}

}  // namespace

std::string slow_words(const CurlHandle& easy, const email::MailServer& server, SmtpStage stage) {
  if (stage != SmtpStage::connect) return name_of(server) + " took too long to answer";
  if (!is_connected(easy)) return "no connection to " + name_of(server) + " within the time";
  return name_of(server) + " was connected and said nothing" +
         (server.protection == email::Protection::tls ? "" : "; does it want TLS from the first byte?");
}

void explain(const CurlHandle& easy, CURLcode code, const email::MailServer& server, SmtpOutcome& outcome) {
  const auto is = [&](SmtpTrouble trouble, std::string words) {
    outcome.trouble = trouble;
    outcome.words = std::move(words);
  };
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return is(SmtpTrouble::cut, "the name " + server.host + " does not resolve");
    case CURLE_COULDNT_CONNECT: return is(SmtpTrouble::cut, connect_words(easy, server));
    case CURLE_OPERATION_TIMEDOUT: return is(SmtpTrouble::slow, slow_words(easy, server, outcome.stage));
    case CURLE_PEER_FAILED_VERIFICATION: return is(SmtpTrouble::tls, certificate_words(easy, server));
    case CURLE_SSL_CACERT_BADFILE: return is(SmtpTrouble::tls, "ca_file cannot be read, or holds no certificate");
    case CURLE_SSL_CONNECT_ERROR: return is(SmtpTrouble::tls, tls_words(server));
    default: break;
  }
  if (outcome.code / 100 == 4 || outcome.code / 100 == 5) return;  // The server said why.
  if (code == CURLE_USE_SSL_FAILED) return is(SmtpTrouble::tls, name_of(server) + " offers no STARTTLS, so nothing was said to it");
  if (outcome.stage == SmtpStage::starttls)
    return is(SmtpTrouble::tls, name_of(server) + " broke off as TLS was to begin, or somebody spoke in its place");
  // RFC 7628 3.2.3: a token is refused by a question, which libcurl leaves unanswered.
  if (code == CURLE_LOGIN_DENIED && outcome.stage == SmtpStage::login) return is(SmtpTrouble::login, "the mail server refused the login");
  if (code == CURLE_LOGIN_DENIED) return is(SmtpTrouble::login, name_of(server) + " offers no way to log in that is configured");
  // Some say 251 to the dot, which libcurl calls weird.
  if (outcome.stage == SmtpStage::dot && outcome.code / 100 == 2) return;
  if (code == CURLE_WEIRD_SERVER_REPLY && outcome.code != 0) return;
  is(SmtpTrouble::cut, cut_words(server, outcome.stage));
}

}  // namespace usher::connectors
