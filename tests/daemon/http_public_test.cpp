// The public routes over the whole journey in memory: forms, private links, the HTTP channel, agents' files.
#include "tests/daemon/http_fixture.hpp"

using namespace usher;
using namespace usher::testing;

TEST_CASE("a form is accepted with an id and a private link, on which the answer is read and added to",
          "[http][public]") {
  Site site;
  AgentClient ana(site.port);
  site.sign_in(ana, site.tokens->create(AgentId("ana")).value());
  const auto accepted = site.form("email=a%40b.example&message=Hello");
  REQUIRE(accepted.status == 202);
  const std::string link(body_of(accepted).at("link").as_string());
  CHECK(link.starts_with("https://usher.example/v1/forms/contact/conversation/"));
  const auto path = link.substr(21);
  const auto conversation = Site::take(ana);
  CHECK(conversation.at("messages").at(0).at("text") == "Hello");
  ana.say(
      json::object{{"type", "note"}, {"id", "n"}, {"conversation", conversation.at("id")}, {"text", "secret note"}});
  ana.say(json::object{{"type", "reply"}, {"id", "r"}, {"conversation", conversation.at("id")}, {"text", "<b>Hi</b>"}});
  while (Site::until(ana, "ok").at("id") != "r") {
  }
  const auto read = body_of(HttpClient(site.port).get(path, "Accept: application/json\r\n"));
  CHECK(read.at("state") == "assigned");
  REQUIRE(read.at("messages").as_array().size() == 2);
  CHECK(read.at("messages").at(0).at("from") == "you");
  CHECK(read.at("messages").at(1).at("author_name") == "Ana");

  const auto page = HttpClient(site.port).get(path, "Accept: text/html\r\n");
  CHECK(page.headers.at("content-type") == "text/html; charset=utf-8");
  CHECK(page.headers.at("content-security-policy").find("default-src 'none'") == 0);
  CHECK(page.body.find("&lt;b&gt;Hi&lt;/b&gt;") != std::string::npos);
  CHECK(page.body.find("<b>") == std::string::npos);
  CHECK(page.body.find("<script") == std::string::npos);
  CHECK(page.body.find("secret note") == std::string::npos);

  const auto added = HttpClient(site.port).post(path, "application/x-www-form-urlencoded", "message=More",
                                                "Accept: text/html\r\nOrigin: null\r\n");
  CHECK(added.status == 303);
  CHECK(added.headers.at("location") == link);
  auto more = Site::until(ana, "message");
  while (more.at("message").at("kind") != "from_customer") more = Site::until(ana, "message");
  CHECK(more.at("message").at("text") == "More");
  CHECK(more.at("conversation") == conversation.at("id"));
}

TEST_CASE("a link that was not given out is not found", "[http][public]") {
  Site site;
  const auto link = std::string(body_of(site.form("message=x")).at("link").as_string()).substr(21);
  auto forged = link;
  forged.back() = forged.back() == '0' ? '1' : '0';
  for (const auto& path :
       {forged, link + "0", link.substr(0, link.size() - 1), std::string("/v1/forms/contact/conversation/x"),
        std::string("/v1/forms/contact/conversation/") + std::string(32, '0') + '.' + std::string(32, '0')}) {
    INFO(path);
    CHECK(HttpClient(site.port).get(path).status == 404);
    CHECK(HttpClient(site.port).post(path, "application/x-www-form-urlencoded", "message=x").status == 404);
  }
  CHECK(HttpClient(site.port).get("/v1/forms/shop" + link.substr(17)).status == 404);
  CHECK(site.messages() == 1);
}

TEST_CASE("a browser without scripts is sent on, only to addresses that are listed", "[http][public]") {
  Site site;
  const auto sent_to = [&](const std::string& body, const std::string& headers = "Accept: text/html\r\n") {
    const auto answer = site.form("message=x&" + body, headers);
    return answer.status == 303 ? answer.headers.at("location") : std::to_string(answer.status);
  };
  CHECK(sent_to("redirect=https://shop.example/merci") == "https://shop.example/merci");
  CHECK(sent_to("redirect=https://evil.example/") == "https://shop.example/thanks");
  CHECK(sent_to("redirect=https://shop.example/merci.evil.example") == "https://shop.example/thanks");
  CHECK(sent_to("a=b") == "https://shop.example/thanks");
  CHECK(sent_to("redirect=https://evil.example/", "") == "202");
  CHECK(sent_to("a=b", "") == "202");
}

TEST_CASE("scripts of listed origins may post and read, others may not", "[http][public]") {
  Site site;
  const auto good = site.form("message=x", "Origin: https://shop.example\r\n");
  CHECK(good.status == 202);
  CHECK(good.headers.at("access-control-allow-origin") == "https://shop.example");
  CHECK(good.headers.at("vary") == "Origin");
  // A page of our own address, in a browser that says no Sec-Fetch-Site.
  CHECK(site.form("message=ours", "Origin: https://usher.example\r\n").status == 202);
  for (const char* origin :
       {"https://evil.example", "https://shop.example.evil.example", "null", "http://shop.example"}) {
    INFO(origin);
    const auto bad = site.form("message=x", "Origin: " + std::string(origin) + "\r\n");
    CHECK(bad.status == 403);
    CHECK_FALSE(bad.headers.contains("access-control-allow-origin"));
  }
  const auto asked = HttpClient(site.port).ask(
      "OPTIONS", "/v1/forms/contact", "Origin: https://shop.example\r\nAccess-Control-Request-Method: POST\r\n", "");
  CHECK(asked.status == 204);
  CHECK(asked.headers.at("access-control-allow-methods") == "POST, OPTIONS");
  CHECK(HttpClient(site.port).ask("OPTIONS", "/v1/forms/contact", "Origin: https://evil.example\r\n", "").status ==
        403);
  CHECK(site.messages() == 2);
}

TEST_CASE("a filled trap looks accepted and is kept nowhere", "[http][public]") {
  Site site;
  const auto trapped = body_of(site.form("message=Buy&website=http://spam.example"));
  CHECK(trapped.at("id").as_string().size() == 32);
  CHECK(HttpClient(site.port).get(std::string(trapped.at("link").as_string()).substr(21)).status == 200);
  CHECK(site.messages() == 0);
}

TEST_CASE("one address may send so many forms a minute, then is told when to come back", "[http][public]") {
  Site site;
  auto form = form_instance();
  form.options.values["per_address_per_minute"] = "3";
  site.connectors.use({form});
  for (int i = 0; i < 3; ++i) CHECK(site.form("message=m" + std::to_string(i)).status == 202);
  const auto refused = site.form("message=over");
  CHECK(refused.status == 429);
  CHECK(std::stoi(refused.headers.at("retry-after")) > 0);
  CHECK(site.messages() == 3);
}

TEST_CASE("when the journal does not take a message the client gets 503 and when to retry", "[http][public]") {
  Site site;
  site.journal.fail_next_appends(1, journal::Applied::no);
  const auto refused = site.post("k", "x");
  CHECK(refused.status == 503);
  CHECK(refused.headers.contains("retry-after"));
  CHECK(site.post("k", "x").status == 202);
}

TEST_CASE("bad input to forms and channels is a problem and leaves no trace", "[http][public]") {
  Site site;
  CHECK(site.post("k", "x", "wrong").status == 401);
  CHECK(site.post("k", "").status == 400);
  CHECK(HttpClient(site.port).post("/v1/channels/contact/messages", "application/json", "{}").status == 404);
  CHECK(HttpClient(site.port)
            .post("/v1/channels/shop/messages", "image/png", "{}", "Authorization: Bearer shop-token\r\n")
            .status == 415);
  CHECK(HttpClient(site.port).post("/v1/forms/contact", "image/png", "x").status == 415);
  CHECK(HttpClient(site.port).post("/v1/forms/shop", "application/json", "{}").status == 404);
  CHECK(HttpClient(site.port).post("/v1/forms/nowhere", "application/json", "{}").status == 404);
  const auto wrong = HttpClient(site.port).get("/v1/forms/contact");
  CHECK(wrong.status == 405);
  CHECK(wrong.headers.at("allow") == "OPTIONS, POST");
  CHECK(site.form("").headers.at("content-type") == "application/problem+json");
  CHECK(site.messages() == 0);
}

TEST_CASE("a channel without webhook polls its replies, each once, by cursor", "[http][public]") {
  Site site;
  AgentClient ana(site.port);
  site.sign_in(ana, site.tokens->create(AgentId("ana")).value());
  const auto outbox = [&](const std::string& query) {
    return HttpClient(site.port).get("/v1/channels/shop/outbox" + query, "Authorization: Bearer shop-token\r\n");
  };
  CHECK(body_of(outbox("")).at("messages").as_array().empty());
  const auto id = body_of(site.post("k", "Hello")).at("id");
  const auto conversation = Site::take(ana);
  for (const char* text : {"One", "Two"})
    ana.say(json::object{{"type", "reply"}, {"id", text}, {"conversation", conversation.at("id")}, {"text", text}});
  while (Site::until(ana, "ok").at("id") != "Two") {
  }
  const auto first = body_of(outbox("?limit=1"));
  REQUIRE(first.at("messages").as_array().size() == 1);
  CHECK(first.at("messages").at(0).at("text") == "One");
  CHECK(first.at("messages").at(0).at("in_reply_to") == id);
  CHECK(first.at("messages").at(0).at("to").at("identities").at(0).at("value") == "u1");
  const auto second = body_of(outbox("?after=" + json::serialize(first.at("next"))));
  REQUIRE(second.at("messages").as_array().size() == 1);
  CHECK(second.at("messages").at(0).at("text") == "Two");
  CHECK(body_of(outbox("?after=" + json::serialize(second.at("next")))).at("messages").as_array().empty());
  CHECK(HttpClient(site.port).get("/v1/channels/shop/outbox").status == 401);
  CHECK(outbox("?after=x").status == 400);
}

TEST_CASE("a file is given only to the agent who has the conversation, as a download", "[http][public]") {
  Site site;
  AgentClient ana(site.port);
  const auto token = site.tokens->create(AgentId("ana")).value();
  site.sign_in(ana, token);
  const std::string multipart =
      "--b\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nSee file\r\n--b\r\nContent-Disposition: "
      "form-data; "
      "name=\"f\"; filename=\"r\xc3\xa9.html\"\r\nContent-Type: text/html\r\n\r\n<script>1</script>\r\n--b--\r\n";
  CHECK(HttpClient(site.port).post("/v1/forms/contact", "multipart/form-data; boundary=b", multipart).status == 202);
  const auto conversation = Site::take(ana);
  const auto& file = conversation.at("messages").at(0).at("attachments").at(0);
  const auto path = "/v1/conversations/" + std::string(conversation.at("id").as_string()) + "/blobs/";
  const auto get = [&](const std::string& name, const std::string& bearer) {
    return HttpClient(site.port).get(path + name, bearer.empty() ? "" : "Authorization: Bearer " + bearer + "\r\n");
  };
  const std::string sha256(file.at("sha256").as_string());
  const auto got = get(sha256, token);
  CHECK(got.status == 200);
  CHECK(got.body == "<script>1</script>");
  CHECK(got.headers.at("content-type") == "application/octet-stream");
  CHECK(got.headers.at("content-disposition") == "attachment; filename=\"r__.html\"; filename*=UTF-8''r%C3%A9.html");
  CHECK(get(sha256 + "?token=" + token, "").status == 200);
  CHECK(get(sha256, "").status == 401);
  CHECK(get(sha256, "usher_wrong").status == 401);
  CHECK(get(sha256, site.tokens->create(AgentId("ben")).value()).status == 404);
  CHECK(get(std::string(64, 'a'), token).status == 404);
  CHECK(get("..%2f..%2fsecret.key", token).status == 404);
}
