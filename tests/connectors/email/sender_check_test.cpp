// Who is believed about a mail's sender, and what follows.
#include <catch2/catch.hpp>

#include "connectors/email/email_message.hpp"
#include "connectors/email/mime_reader.hpp"
#include "connectors/email/sender_check.hpp"

using namespace usher::connectors::email;
using Method = Verification::Method;
using Outcome = Verification::Result;

namespace {

const std::string ours = "mx.ex.com";

Message read(const std::string& mail, const std::string& authserv_id = ours) {
  static const ThreadSecrets none{TenantId("acme"), {}};
  MailDoor door{none.tenant, ConnectorId("support-mail"), none};
  door.authserv_id = authserv_id;
  return to_message(door, mail, from_unix_ms(1795287483120)).messages.at(0);
}

std::optional<Verification> found(const std::string& fields, const std::string& from = "ana@ex.org", const std::string& authserv_id = ours) {
  return read(fields + "From: Ana <" + from + ">\r\nMessage-ID: <a1@ex.org>\r\n\r\nHello\r\n", authserv_id).from.verification;
}

Verification is(Outcome outcome, std::optional<Method> method = {}, std::string domain = "ex.org") { return {outcome, method, std::move(domain)}; }

const std::string received = "Received: from out.ex.org (out.ex.org [192.0.2.1]) by mx.ex.com; Sat, 21 Nov 2026 18:58:01 +0000\r\n";

}  // namespace

TEST_CASE("without a configured server nothing is claimed of a sender", "[sender]") {
  const std::string fields = "Authentication-Results: mx.ex.com; dmarc=pass header.from=ex.org\r\n";
  CHECK_FALSE(found(fields, "ana@ex.org", ""));
  CHECK_FALSE(read(fields + "From: ana@ex.org\r\n\r\nx", "").from.identities.at(0).verified);
}

TEST_CASE("the configured server's results verify the author", "[sender][security-S13]") {
  CHECK(found("Authentication-Results: mx.ex.com; dmarc=pass header.from=ex.org\r\n") == is(Outcome::pass, Method::dmarc));
  CHECK(found("Authentication-Results: MX.ex.com 1; DKIM/1=Pass (2048-bit key; unprotected) header.D = Ex.org header.i=@ex.org\r\n") == is(Outcome::pass, Method::dkim));
  CHECK(found("Authentication-Results: mx.ex.com;\r\n\tdkim=pass header.i=@ex.org header.s=s1 header.b=abc;\r\n\tspf=none\r\n") == is(Outcome::pass, Method::dkim));
  CHECK(found("Authentication-Results: mx.ex.com; spf=pass (mx.ex.com: domain of b@ex.org) smtp.mailfrom=bounces@ex.org\r\n") == is(Outcome::pass, Method::spf));
  // Gmail's, as it writes them.
  CHECK(found("Authentication-Results: mx.google.com;\r\n       dkim=pass header.i=@ex.org header.s=20230601 header.b=Xa;\r\n"
              "       spf=pass (google.com: domain of ana@ex.org designates 209.85.220.41 as permitted sender) smtp.mailfrom=ana@ex.org;\r\n"
              "       dmarc=pass (p=NONE sp=QUARANTINE dis=NONE) header.from=ex.org\r\n", "ana@ex.org", "mx.google.com") == is(Outcome::pass, Method::dmarc));
  CHECK(read("Authentication-Results: mx.ex.com; dmarc=pass header.from=ex.org\r\nFrom: ana@ex.org\r\n\r\nx").from.identities.at(0).verified);
}

TEST_CASE("Exchange Online writes its results without a name and the topmost field is its", "[sender][security-S13]") {
  const std::string good = "Authentication-Results: spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=ex.org; dkim=pass (signature was verified)\r\n"
                           " header.d=ex.org;dmarc=pass action=none header.from=ex.org;compauth=pass reason=100\r\n";
  CHECK(found(received + good, "ana@ex.org", "-") == is(Outcome::pass, Method::dmarc));
  CHECK(found(good, "ana@ex.org") == is(Outcome::unknown));
  const std::string none = "Authentication-Results: spf=none smtp.mailfrom=ex.org; dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=ex.org\r\n";
  CHECK(found(received + none + good, "ana@ex.org", "-") == is(Outcome::unknown));
  CHECK(found(received + "Authentication-Results: other.example; none\r\n" + good, "ana@ex.org", "-") == is(Outcome::unknown));
}

TEST_CASE("what proves another domain proves nothing of the author", "[sender][security-S13]") {
  for (const char* results : {"dkim=pass header.d=evil.example", "spf=pass smtp.mailfrom=x@evil.example", "dmarc=pass header.from=evil.example", "spf=pass smtp.helo=ex.org",
                              "dkim=pass", "dkim=pass header.d=org", "dkim=pass header.d=notex.org", "dkim=pass header.d=mail.ex.org", "dkim=none header.d=ex.org",
                              "dkim=neutral header.d=ex.org", "spf=softfail smtp.mailfrom=ex.org", "dmarc=none header.from=ex.org", "none", "",
                              "dkim=pass header.d=evil.example header.d=ex.org", "x-dkim=pass header.d=ex.org", "dmarc=pass header.d=ex.org"}) {
    INFO(results);
    CHECK(found(std::string("Authentication-Results: mx.ex.com; ") + results + "\r\n") == is(Outcome::unknown));
  }
  CHECK(found("") == is(Outcome::unknown));
  // Who has the domain above has this one.
  CHECK(found("Authentication-Results: mx.ex.com; dkim=pass header.d=ex.org\r\n", "ana@shop.ex.org") == is(Outcome::pass, Method::dkim));
}

TEST_CASE("a failure of the author's own domain is said", "[sender]") {
  CHECK(found("Authentication-Results: mx.ex.com; dmarc=fail header.from=ex.org\r\n") == is(Outcome::fail, Method::dmarc));
  CHECK(found("Authentication-Results: mx.ex.com; dkim=fail (bad signature) header.d=ex.org\r\n") == is(Outcome::fail, Method::dkim));
  CHECK(found("Authentication-Results: mx.ex.com; spf=fail smtp.mailfrom=ana@ex.org; dkim=pass header.d=ex.org\r\n") == is(Outcome::pass, Method::dkim));
  // The owner's policy goes first: a signature of the domain that was not enough for it is none.
  CHECK(found("Authentication-Results: mx.ex.com; dkim=pass header.d=ex.org; dmarc=fail header.from=ex.org\r\n") == is(Outcome::fail, Method::dmarc));
}

TEST_CASE("a sender's own fields verify nobody", "[sender][security-S13]") {
  const std::string forged = "Authentication-Results: mx.ex.com; dmarc=pass header.from=ex.org\r\n";
  const std::string checked = "Authentication-Results: mx.ex.com; dkim=none; spf=none smtp.mailfrom=evil.example\r\n";
  // Another name, a name within a comment, a name that only begins alike.
  for (const char* field : {"Authentication-Results: mx.evil.example; dmarc=pass header.from=ex.org\r\n", "Authentication-Results: (mx.ex.com;) evil.example; dmarc=pass header.from=ex.org\r\n",
                            "Authentication-Results: mx.ex.com.evil.example; dmarc=pass header.from=ex.org\r\n", "X-Authentication-Results: mx.ex.com; dmarc=pass header.from=ex.org\r\n",
                            "Authentication-Results: dmarc=pass header.from=ex.org\r\n", "ARC-Authentication-Results: i=1; mx.ex.com; dmarc=pass header.from=ex.org\r\n"})
    CHECK(found(field) == is(Outcome::unknown));
  // Below what the server wrote, whether that stands above its Received field or below it.
  CHECK(found(checked + received + forged) == is(Outcome::unknown));
  CHECK(found(received + checked + forged) == is(Outcome::unknown));
  CHECK(found(received + checked + received + forged) == is(Outcome::unknown));
  // Filters of the server write a field each; those above its Received field are all its own.
  CHECK(found("Authentication-Results: mx.ex.com; spf=none\r\nAuthentication-Results: mx.ex.com; dkim=pass header.d=ex.org\r\n" + received) == is(Outcome::pass, Method::dkim));
  // Addresses are the sender's words, also where the server quotes them.
  for (const char* quoted : {R"(dkim=pass header.i="a header.d=ex.org b"@evil.example)", R"(dkim=pass header.i="a\ header.d\=ex.org\ b"@evil.example)",
                             R"(spf=pass smtp.mailfrom="a\"; dmarc=pass header.from=ex.org"@evil.example)", R"(spf=pass (a \) dmarc=pass; dmarc=pass header.from=ex.org) smtp.mailfrom=evil.example)",
                             R"(spf=pass smtp.mailfrom="ex.org;dkim=pass header.d=ex.org)"}) {
    INFO(quoted);
    CHECK(found(std::string("Authentication-Results: mx.ex.com; ") + quoted + "\r\n") == is(Outcome::unknown));
  }
}

TEST_CASE("a bracket or quote in what a sender chose hides nothing of a result", "[sender][security-S13]") {
  for (const char* results : {"dkim=pass header.d=ex.org(.evil.example; spf=none; dmarc=fail header.from=ex.org", "dkim=pass header.d=ex.org(x).evil.example", "dkim=pass header.i=@ex.org(.evil.example",
                              "spf=pass smtp.mailfrom=a@ex.org(.evil.example", "dkim=pass header.d=ex.org (never closed; dmarc=fail header.from=ex.org",
                              "dkim=pass header.d=\"ex.org; dmarc=fail header.from=ex.org", "dkim=pass header.d=evil.example header.i=@ex.org header.d=x"}) {
    INFO(results);
    CHECK(found(std::string("Authentication-Results: mx.ex.com; ") + results + "\r\n")->result != Outcome::pass);
  }
  CHECK(found("Authentication-Results: mx.ex.com; dkim=pass (1024-bit key; (nested)) header.d=ex.org\r\n") == is(Outcome::pass, Method::dkim));
}

TEST_CASE("an author beyond the limits of a header verifies nobody", "[sender][security-S13]") {
  std::string fields = "Authentication-Results: mx.ex.com; dmarc=pass header.from=ex.org\r\nFrom: ana@ex.org\r\n";
  CHECK(read(fields + "\r\nx").from.verification->result == Outcome::pass);
  for (int i = 0; i < 5000; ++i) fields += "X-Padding: x\r\n";
  const auto padded = read(fields + "From: eve@ex.org\r\n\r\nx");
  CHECK(padded.from.verification->result == Outcome::unknown);
  CHECK_FALSE(padded.from.identities.at(0).verified);
}

TEST_CASE("a mail of two authors or of none has no verified one", "[sender][security-S13]") {
  const std::string good = "Authentication-Results: mx.ex.com; dmarc=pass header.from=ex.org; dkim=pass header.d=ex.org\r\n";
  for (const char* from : {"From: ana@ex.org, ben@ex.org\r\n", "From: eve@evil.example\r\nFrom: ana@ex.org\r\n", "From: ana@ex.org\r\nFrom: eve@evil.example\r\n", "From: nobody\r\n", ""}) {
    INFO(from);
    const Message message = read(good + from + "Subject: x\r\n\r\nHello");
    REQUIRE(message.from.verification);
    CHECK(message.from.verification->result == Outcome::unknown);
    CHECK_FALSE(message.from.identities.at(0).verified);
  }
}

TEST_CASE("fields without an end or with too many results are read in bounded time", "[sender]") {
  std::string many = "Authentication-Results: mx.ex.com";
  for (int i = 0; i < 5'000; ++i) many += "; spf=none";
  CHECK(found(many + "; dmarc=pass header.from=ex.org\r\n") == is(Outcome::unknown));
  CHECK(found("Authentication-Results: mx.ex.com; dmarc=pass (((((" + std::string(60'000, '(') + " header.from=ex.org\r\n") == is(Outcome::unknown));
}

TEST_CASE("SendGrid names each signature's domain", "[sender][inbound]") {
  const std::vector<SenderCheck> wanted{{Method::spf, "pass", "ex.org"}, {Method::dkim, "pass", "ex.org"}, {Method::dkim, "fail", "mail.example"}};
  CHECK(sendgrid_checks("pass", "{@ex.org : pass, @mail.example : fail}", "Bounces@Ex.org") == wanted);
  CHECK(sendgrid_checks("pass", "none", std::nullopt).empty());
  CHECK(sendgrid_checks("softfail", "", "").empty());
}

TEST_CASE("Mailgun says whether the one signature fits and does not say which of several", "[sender][inbound]") {
  const HeaderList one{{{"X-Mailgun-Spf", "Pass"}, {"X-Mailgun-Dkim-Check-Result", "Pass"}, {"DKIM-Signature", "v=1; a=rsa-sha256; d=ex.org; s=s1; b=x"}}};
  CHECK(mailgun_checks(one, "b@ex.org") == std::vector<SenderCheck>{{Method::spf, "pass", "ex.org"}, {Method::dkim, "pass", "ex.org"}});
  HeaderList two = one;
  two.fields.push_back({"DKIM-Signature", "v=1; d=evil.example"});
  CHECK(mailgun_checks(two, std::nullopt).empty());
  // The sender's field beside Mailgun's.
  HeaderList forged = one;
  forged.fields.insert(forged.fields.begin(), {"X-Mailgun-Dkim-Check-Result", "Fail"});
  CHECK(mailgun_checks(forged, std::nullopt) == std::vector<SenderCheck>{{Method::dkim, "", "ex.org"}});
}

TEST_CASE("of a signature that Mailgun looked at only the tag of the domain names it", "[sender][inbound][security-S13]") {
  const auto domain = [](const std::string& signature) {
    HeaderList headers;
    headers.fields = {{"dkim-signature", signature}, {"x-mailgun-dkim-check-result", "Pass"}};
    const auto checks = mailgun_checks(headers, std::nullopt);
    return checks.empty() ? std::string("none") : checks.front().domain;
  };
  CHECK(domain("v=1; a=rsa-sha256; d = Ex.org; s=s1") == "ex.org");
  for (const char* forged : {"v=1; D=bank.com; d=evil.com; s=s1", "v=1; x=(; d=evil.com; y=); s=s1"}) CHECK(domain(forged) == "evil.com");
  for (const char* unclear : {"v=1; d=bank.com; d=evil.com", "v=1; d=bank.com(.evil.com", "v=1; d=\"bank.com\"", "v=1; s=s1"}) CHECK(domain(unclear).empty());
}

TEST_CASE("Postmark names its tests and the envelope that SPF was asked for", "[sender][inbound]") {
  const HeaderField spf{"Received-SPF", "Pass (sender SPF authorized) identity=mailfrom; client-ip=192.0.2.1; helo=out.ex.org; envelope-from=ana@ex.org; receiver=x@inbound.postmarkapp.com"};
  const HeaderField tests{"X-Spam-Tests", "DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU,SPF_PASS"};
  CHECK(postmark_checks({{tests, spf}}, "ana@ex.org") == std::vector<SenderCheck>{{Method::spf, "pass", "ex.org"}, {Method::dkim, "pass", "ex.org"}});
  // A good signature of another domain, and a field of the sender's beside Postmark's.
  CHECK(postmark_checks({{{"X-Spam-Tests", "DKIM_SIGNED,DKIM_VALID"}}}, "ana@ex.org").empty());
  CHECK(postmark_checks({{{"X-Spam-Tests", "DKIM_SIGNED"}, tests}}, "ana@ex.org").empty());
  CHECK(postmark_checks({{}}, "ana@ex.org").empty());
}
