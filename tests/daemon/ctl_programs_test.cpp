// The programs' command lines, run as a shell runs them: output, exit codes, nothing that needs a daemon.
#include <catch2/catch.hpp>

#include "daemon/ctl_main.hpp"
#include "daemon/daemon_main.hpp"
#include "tests/daemon/run_program.hpp"

using usher::daemon::run_usherctl;
using usher::daemon::run_usherd;

TEST_CASE("normalize prints one message a line and refuses rubbish with 65 and a reason", "[ctl][programs]") {
  const auto good = run_program(run_usherctl, {"normalize", "webform", "--content-type", "application/x-www-form-urlencoded"},
                                "name=Zoe&email=zoe%40Example.org&message=Hello%0Athere");
  INFO(good.err);
  CHECK(good.code == 0);
  CHECK(good.out.find(R"("text":"Hello\nthere")") != std::string::npos);
  CHECK(good.out.find(R"("channel":"webform")") != std::string::npos);
  CHECK(good.out.back() == '\n');
  const auto bad = run_program(run_usherctl, {"normalize", "http", "--content-type", "application/json"}, "{");
  CHECK(bad.code == 65);
  CHECK(bad.out.empty());
  CHECK(bad.err.find("usherctl: ") == 0);
  CHECK(run_program(run_usherctl, {"normalize", "pigeon"}, "x").code == 64);
}

TEST_CASE("normalize takes labels and names from a configuration", "[ctl][programs]") {
  const ScratchFolder folder;
  const auto config = folder.write("usher.yaml",
                                   "tenant: acme\nconnectors: {desk: {type: webform}}\nlabels: {order: [parcel]}\n"
                                   "queues: {support: {}}\ndefault_queue: support\n"
                                   "agents: {ana: {name: Ana, capacity: {total: 1}}}\n").string();
  const auto good = run_program(run_usherctl, {"normalize", "webform", "--connector", "desk", "--config", config},
                                "email=a%40b.example&message=my+parcel");
  INFO(good.err);
  CHECK(good.code == 0);
  CHECK(good.out.find(R"("labels":["order"])") != std::string::npos);
  CHECK(good.out.find(R"("connector":"desk")") != std::string::npos);
  CHECK(run_program(run_usherctl, {"normalize", "webform", "--connector", "no", "--config", config}, "message=x").code == 65);
  const auto broken = folder.write("broken.yaml", "tenat: acme\n").string();
  CHECK(run_program(run_usherctl, {"normalize", "webform", "--config", broken}, "message=x").code == 78);
}

TEST_CASE("verify tells a right signature from a wrong one, a late one and a wrong scheme", "[ctl][programs]") {
  // The example of the Standard Webhooks specification's own libraries.
  const std::vector<std::string> words{
      "verify", "standard-webhooks", "--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "--header",
      "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek", "--header", "Webhook-Timestamp: 1614265330", "--header",
      "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "--now"};
  const auto verify = [&](std::vector<std::string> more, const std::string& body) {
    auto all = words;
    all.insert(all.end(), more.begin(), more.end());
    return run_program(run_usherctl, all, body);
  };
  const std::string body = R"({"test": 2432232314})";
  CHECK(verify({"1614265330"}, body).code == 0);
  CHECK(verify({"1614265330"}, body).out == "valid\n");
  CHECK(verify({"1614265330", "--json"}, body).out == "{\"valid\":true}\n");
  CHECK(verify({"1614265330"}, body + " ").code == 77);
  CHECK(verify({"1614269330"}, body).code == 77);
  auto other = words;
  other[3] = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  other.push_back("1614265330");
  CHECK(run_program(run_usherctl, other, body).code == 77);
  const std::vector<std::string> mailgun{"verify", "mailgun", "--secret", "signing-key-of-the-tests", "--now", "1795287483", "--header",
                                         "Content-Type: application/x-www-form-urlencoded"};
  const std::string posted = "timestamp=1795287483&token=0123456789abcdef0123456789abcdef0123456789abcdef01&signature=";
  CHECK(run_program(run_usherctl, mailgun, posted + "db9da1b3c16d2ba8aacc4a5e63b76f455ea734b7884369bdbb68b2588d4d6acb").code == 0);
  CHECK(run_program(run_usherctl, mailgun, posted + "00").code == 77);
  CHECK(run_program(run_usherctl, {"verify", "postmark", "--secret", "no-colon"}, "{}").code == 64);
  CHECK(run_program(run_usherctl, {"verify", "carrier-pigeon", "--secret", "s"}, body).code == 64);
  CHECK(run_program(run_usherctl, {"verify", "slack"}, body).code == 64);
  CHECK(run_program(run_usherctl, {"verify", "slack", "--secret", "s", "--header", "nonsense"}, body).code == 64);
}

TEST_CASE("a wrong command line is 64, a daemon that is not there 69, and help is 0", "[ctl][programs]") {
  CHECK(run_program(run_usherctl, {}).code == 64);
  CHECK(run_program(run_usherctl, {"dance"}).code == 64);
  CHECK(run_program(run_usherctl, {"token"}).code == 64);
  CHECK(run_program(run_usherctl, {"agent"}).code == 64);
  CHECK(run_program(run_usherctl, {"agent", "--token", "x", "--url", "ftp://x"}).code == 64);
  CHECK(run_program(run_usherctl, {"--help"}).code == 0);
  // Port 0 is nobody's.
  const auto gone = run_program(run_usherctl, {"--url", "http://127.0.0.1:0", "status"});
  CHECK(gone.code == 69);
  CHECK(gone.err.find("cannot reach the daemon") != std::string::npos);
}

TEST_CASE("check-config prints every problem with its place and exits 78, or says ok", "[programs]") {
  const ScratchFolder folder;
  const auto bad = folder.write("bad.yaml", "tenant: acme\nhttp: {listne: x}\ndefault_queue: nowhere\n").string();
  const auto checked = run_program(run_usherd, {"check-config", bad});
  CHECK(checked.code == 78);
  CHECK(checked.out.empty());
  CHECK(checked.err.find("bad.yaml:2:") != std::string::npos);
  CHECK(checked.err.find("bad.yaml:3:") != std::string::npos);
  CHECK(run_program(run_usherd, {"run", "--config", bad}).code == 78);
  const auto good = run_program(run_usherd, {"check-config", USHER_SOURCE_DIR "/config/usher.yaml"});
  INFO(good.err);
  CHECK(good.code == 0);
  CHECK(good.out == "ok\n");
}

TEST_CASE("usherd names its version, its schema and its roles", "[programs]") {
  CHECK(run_program(run_usherd, {"version"}).out.find("usherd ") == 0);
  CHECK(run_program(run_usherd, {"version", "--json"}).out.find("\"version\":") != std::string::npos);
  CHECK(run_program(run_usherd, {"config", "schema"}).out.find("\"$schema\"") != std::string::npos);
  const std::string config = USHER_SOURCE_DIR "/config/usher.yaml";
  CHECK(run_program(run_usherd, {"run", "--config", config, "--roles", "edge,cook"}).code == 64);
  CHECK(run_program(run_usherd, {"run", "--config", config, "--roles", "edge"}).code == 78);
  CHECK(run_program(run_usherd, {"run"}).code == 64);
}
