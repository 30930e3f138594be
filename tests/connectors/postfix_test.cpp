// Mails handed to a real Postfix, and what it put into the recipient's folder. Label `server`: starts one for each test.
#include <catch2/catch.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "connectors/smtp_check.hpp"
#include "connectors/smtp_session.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors;
namespace fs = std::filesystem;

namespace {

std::string output_of(const std::string& command) {
  FILE* const pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  for (int c = ::fgetc(pipe); c != EOF; c = ::fgetc(pipe)) text += static_cast<char>(c);
  REQUIRE(::pclose(pipe) == 0);
  return text;
}

class Postfix {
 public:
  Postfix() {
    std::string name = fs::temp_directory_path() / "usher-postfix-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    const std::string address = output_of(script_ + " start --folder " + name + " --mailbox ana@example.org");
    port_ = std::stoi(address.substr(address.rfind(':') + 1));
  }
  ~Postfix() {
    std::system((script_ + " stop --folder " + folder_.string()).c_str());
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  [[nodiscard]] email::SmtpAccount account() const {
    email::SmtpAccount account;
    account.server = {"localhost", port_, email::Protection::starttls, (folder_ / "server.pem").string()};
    account.credentials.login = email::Login::none;
    return account;
  }
  // The mails in that folder, once there are so many.
  [[nodiscard]] std::vector<std::string> mails_of(const std::string& box_name, std::size_t count) const {
    const fs::path box = folder_ / "mail" / box_name / "new";
    const auto there = [&] { return fs::exists(box) && static_cast<std::size_t>(std::distance(fs::directory_iterator(box), {})) >= count; };
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!there() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    REQUIRE(there());
    std::vector<std::string> mails;
    for (const auto& entry : fs::directory_iterator(box)) {
      std::stringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      mails.push_back(text.str());
    }
    return mails;
  }

 private:
  const std::string script_ = std::string(USHER_SOURCE_DIR) + "/deploy/mail/postfix";
  fs::path folder_;
  int port_ = 0;
};

MailPost mail_for(const Postfix& postfix, const std::string& text) {
  MailPost post;
  post.account = postfix.account();
  post.message_id = "u1.a@example.com";
  post.envelope_from = "support@example.com";
  post.recipient = "ana@example.org";
  post.bytes = "From: support@example.com\r\nTo: ana@example.org\r\nSubject: Hello\r\nMessage-ID: <u1.a@example.com>\r\n\r\n" + text;
  return post;
}

SmtpOutcome send(const MailPost& post) {
  SmtpWatch watch;
  return send_mail(post, {}, {}, watch);
}

std::string body_of(const std::string& mail) { return mail.substr(mail.find("\n\n") + 2); }

}  // namespace

TEST_CASE("Postfix takes a mail inside TLS and delivers what was written", "[postfix]") {
  const Postfix postfix;
  const std::string text = "one\r\n.\r\n..two\r\n.three\r\n\r\nfour\r\n";
  const auto verdict = judge(send(mail_for(postfix, text)));
  CHECK(verdict.state == DeliveryState::sent);
  CHECK_THAT(verdict.detail, Catch::Matchers::StartsWith("250 2.0.0 Ok: queued as "));
  const auto mails = postfix.mails_of("ana@example.org", 1);
  CHECK(body_of(mails[0]) == "one\n.\n..two\n.three\n\nfour\n");
  CHECK(mails[0].find("Return-Path: <support@example.com>") != std::string::npos);
  CHECK(mails[0].find("TLSv1.3") != std::string::npos);
}

TEST_CASE("Postfix finds one mail where somebody tried to smuggle in another", "[postfix]") {
  const Postfix postfix;
  const std::string other = "MAIL FROM:<eve@example.com>\r\nRCPT TO:<ana@example.org>\r\nDATA\r\nSubject: evil\r\n\r\nx\r\n.\r\n";
  for (const char* end : {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r\n"}) REQUIRE(judge(send(mail_for(postfix, "text" + std::string(end) + other))).state == DeliveryState::sent);
  const auto mails = postfix.mails_of("ana@example.org", 5);
  CHECK(mails.size() == 5);
  for (const auto& mail : mails) CHECK(mail.find("Return-Path: <support@example.com>") != std::string::npos);
}

TEST_CASE("Postfix says why it takes a mail for no one or one that is too large", "[postfix]") {
  const Postfix postfix;
  auto post = mail_for(postfix, "text\r\n");
  post.recipient = "ben@elsewhere.example.net";
  auto verdict = judge(send(post));
  CHECK(verdict.state == DeliveryState::failed);
  CHECK_THAT(verdict.detail, Catch::Matchers::StartsWith("554 5.7.1 "));
  std::string much;
  for (int i = 0; i < 400'000; ++i) much += "fifty characters and two for the end of each line.\r\n";
  verdict = judge(send(mail_for(postfix, much)));
  CHECK(verdict.state == DeliveryState::failed);
  // Postfix names its limit, so the mail is not sent at all.
  CHECK(verdict.detail.starts_with("the mail is larger than the mail server takes: it has 2"));
  CHECK(verdict.detail.ends_with(" bytes, and 20000000 are taken; send fewer or smaller files"));
}

TEST_CASE("Postfix takes an address outside ASCII and the null path", "[postfix]") {
  const Postfix postfix;
  auto post = mail_for(postfix, "text\r\n");
  post.recipient = "ren\xc3\xa9@example.org";
  post.needs_smtputf8 = true;
  CHECK(judge(send(post)).state == DeliveryState::sent);
  CHECK(postfix.mails_of("others", 1).size() == 1);
  post = mail_for(postfix, "text\r\n");
  post.envelope_from.clear();
  CHECK(judge(send(post)).state == DeliveryState::sent);
  CHECK(postfix.mails_of("ana@example.org", 1)[0].find("Return-Path: <>") != std::string::npos);
}

TEST_CASE("the check of an account says what works without sending anything", "[postfix]") {
  const Postfix postfix;
  auto account = postfix.account();
  const std::string where = "localhost:" + std::to_string(account.server.port);
  CHECK(check_smtp(account, "support@example.com", {}).value() == where + " takes mail from support@example.com, inside TLS and without a login");
  account.credentials = {email::Login::plain, "ana", "secret", {}};
  CHECK(check_smtp(account, "support@example.com", {}).error().detail == "the mail server offers no login");
  account.server.ca_file.clear();
  CHECK(check_smtp(account, "support@example.com", {}).error().detail == "the certificate of " + where + " is self-signed; name it as ca_file to believe it");
}
