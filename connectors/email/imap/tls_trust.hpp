// TlsTrust: whom a mailbox believes. TLS 1.2 or newer, a certificate of the named authorities (else the system's) and for
// the very host that was dialled; there is no way to go on without. Says in words why a server was not believed.
#pragma once

#include <memory>
#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "connectors/email/mail_account.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors::email::imap {

struct FreeSsl {
  void operator()(SSL* ssl) const { ::SSL_free(ssl); }
};
struct FreeSslContext {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};
using OwnedSsl = std::unique_ptr<SSL, FreeSsl>;

class TlsTrust {
 public:
  // A client over two memory buffers, ready for its handshake. Must not outlive this.
  Result<OwnedSsl> make(const MailServer& server);
  // Why the handshake failed.
  [[nodiscard]] std::string trouble(const MailServer& server) const;

 private:
  static int judge(int believed, X509_STORE_CTX* chain);

  std::unique_ptr<SSL_CTX, FreeSslContext> context_;
  long refused_ = 0;       // The verifier's error, the first one.
  std::string names_;      // For whom the certificate is, when it is for somebody else.
};

}  // namespace usher::connectors::email::imap
