// Files of agents: uploaded, named in a reply, and fetched by whom the reply was for. Nobody sends what somebody else uploaded.
#include "daemon/upload_quota.hpp"
#include "tests/daemon/gateway_fixture.hpp"
#include "tests/daemon/http_fixture.hpp"

using namespace usher;
using namespace usher::testing;

namespace {

const std::string plan = std::string("%PDF-1.7\n\0\r\n\xff", 13) + std::string(5000, 'x');

json::object reply_with(const json::value& conversation, const json::array& files, const std::string& id) {
  return {{"type", "reply"}, {"id", id}, {"conversation", conversation}, {"text", "See file"}, {"attachments", files}};
}

json::object outcome(AgentClient& agent, std::string_view id) {
  for (;;) {
    auto frame = agent.next();
    if ((frame.at("type") == "ok" || frame.at("type") == "error") && frame.at("id") == json::value(id)) return frame;
  }
}

}  // namespace

TEST_CASE("an upload is answered with what the reply repeats, under a safe name and the type its bytes show", "[files]") {
  Site site;
  const auto token = site.tokens->create(AgentId("ana")).value();
  const auto answer = site.upload(token, "..%2Fr%C3%A9.exe%0D%0A", plan);
  REQUIRE(answer.status == 201);
  const auto file = body_of(answer);
  CHECK(file.at("name") == "r\xc3\xa9.exe");
  CHECK(file.at("type") == "application/pdf");
  CHECK(file.at("size") == plan.size());
  CHECK(site.blobs.get(TenantId("acme"), std::string(file.at("sha256").as_string())).value() == plan);
  CHECK(body_of(site.upload(token, "page.pdf", "<html><script>1</script></html>")).at("type") == "text/html");
  CHECK(site.upload("usher_wrong", "a", "x").status == 401);
  CHECK(HttpClient(site.port).post("/v1/blobs", "text/plain", "x").status == 401);
  CHECK(site.upload(token, "a", "").status == 400);
  CHECK(site.upload(token, "a", std::string(limits::attachment_bytes_max + 1, 'x')).status == 413);
  CHECK(site.upload(token, "a", std::string(limits::attachment_bytes_max, 'x')).status == 201);
}

TEST_CASE("an agent may upload so many files a minute, then is told when to come back", "[files]") {
  Site site;
  const auto token = site.tokens->create(AgentId("ana")).value();
  Answer answer;
  // One more is let through each second, and a disk that is busy takes its time for each.
  int taken = 0;
  for (; taken < 10 * limits::uploads_per_minute_max && answer.status != 429; ++taken) answer = site.upload(token, "a", "x" + std::to_string(taken));
  CHECK(taken > limits::uploads_per_minute_max);
  CHECK(answer.status == 429);
  CHECK(answer.headers.contains("retry-after"));
  CHECK(site.upload(site.tokens->create(AgentId("ben")).value(), "a", "x").status == 201);
}

TEST_CASE("an agent may upload so many bytes a day and is told when the next one begins", "[files]") {
  Site site;
  site.services.upload_bytes_per_day_max = 10;
  const auto token = site.tokens->create(AgentId("ana")).value();
  CHECK(site.upload(token, "a", "123456").status == 201);
  const auto refused = site.upload(token, "b", "12345");
  CHECK(refused.status == 429);
  CHECK(std::stoi(refused.headers.at("retry-after")) > 23 * 3600);
  CHECK(site.upload(token, "b", "1234").status == 201);
  CHECK(site.upload(site.tokens->create(AgentId("ben")).value(), "b", "1234567890").status == 201);

  daemon::UploadQuota quota;
  const Milliseconds morning{1'000}, day = std::chrono::hours(24);
  CHECK(quota.take(AgentId("ana"), 10, 10, morning) == Milliseconds(0));
  CHECK(quota.take(AgentId("ana"), 1, 10, morning + day - Milliseconds(1)) == Milliseconds(1));
  CHECK(quota.take(AgentId("ana"), 10, 10, morning + day) == Milliseconds(0));
  CHECK(quota.take(AgentId("ana"), 1, 10, morning + day) == day);
}

TEST_CASE("a file in a reply is fetched at the private link by the customer, and by nobody else", "[files]") {
  Site site;
  AgentClient ana(site.port);
  const auto token = site.tokens->create(AgentId("ana")).value();
  site.sign_in(ana, token);
  const std::string multipart =
      "--b\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nSee mine\r\n--b\r\nContent-Disposition: form-data; "
      "name=\"f\"; filename=\"mine.txt\"\r\nContent-Type: text/plain\r\n\r\nmine\r\n--b--\r\n";
  const auto form = body_of(HttpClient(site.port).post("/v1/forms/contact", "multipart/form-data; boundary=b", multipart));
  const auto path = std::string(form.at("link").as_string()).substr(21);
  const auto conversation = Site::take(ana);
  const auto file = body_of(site.upload(token, "the%20plan.pdf", plan));
  const std::string sha256(file.at("sha256").as_string());
  CHECK(HttpClient(site.port).get(path + "/blobs/" + sha256).status == 404);
  ana.say(reply_with(conversation.at("id"), {file}, "r"));
  const auto shown = Site::until(ana, "message").at("message").as_object();
  CHECK(shown.at("attachments").at(0).at("name") == "the plan.pdf");
  while (Site::until(ana, "ok").at("id") != "r") {
  }

  const auto read = body_of(HttpClient(site.port).get(path, "Accept: application/json\r\n"));
  const auto& files = read.at("messages").at(1).at("attachments").as_array();
  REQUIRE(files.size() == 1);
  CHECK(files[0].at("url") == json::value("https://usher.example" + path + "/blobs/" + sha256));
  CHECK(files[0].at("size") == plan.size());
  const auto got = HttpClient(site.port).get(path + "/blobs/" + sha256);
  CHECK(got.status == 200);
  CHECK(got.body == plan);
  CHECK(got.headers.at("content-type") == "application/octet-stream");
  CHECK(got.headers.at("content-disposition").starts_with("attachment; filename=\"the plan.pdf\""));
  const auto page = HttpClient(site.port).get(path, "Accept: text/html\r\n").body;
  CHECK(page.find("<a download href=\"" + path.substr(path.rfind('/') + 1) + "/blobs/" + sha256 + "\">the plan.pdf</a>") != std::string::npos);

  // The agent reads it again where the customer's files are.
  const auto again = HttpClient(site.port).get("/v1/conversations/" + std::string(conversation.at("id").as_string()) + "/blobs/" + sha256,
                                               "Authorization: Bearer " + token + "\r\n");
  CHECK(again.body == plan);
  const auto other = std::string(body_of(site.form("message=x")).at("link").as_string()).substr(21);
  CHECK(HttpClient(site.port).get(other + "/blobs/" + sha256).status == 404);
  auto forged = path;
  forged.back() = forged.back() == '0' ? '1' : '0';
  CHECK(HttpClient(site.port).get(forged + "/blobs/" + sha256).status == 404);
  const std::string mine(conversation.at("messages").at(0).at("attachments").at(0).at("sha256").as_string());
  CHECK(HttpClient(site.port).get(path + "/blobs/" + mine).status == 404);
}

TEST_CASE("an address fetches so many files of a form a minute and may still write", "[files]") {
  Site site;
  auto form = form_instance();
  form.options.values["per_address_per_minute"] = "3";
  site.connectors.use({form});
  const auto path = std::string(body_of(site.form("message=x")).at("link").as_string()).substr(21);
  const auto file = path + "/blobs/" + std::string(64, 'a');
  for (int i = 0; i < 3; ++i) CHECK(HttpClient(site.port).get(file).status == 404);
  const auto refused = HttpClient(site.port).get(file, "Origin: https://shop.example\r\n");
  CHECK(refused.status == 429);
  CHECK(refused.headers.contains("retry-after"));
  CHECK(refused.headers.at("access-control-allow-origin") == "https://shop.example");
  CHECK(site.form("message=y").status == 202);
}

TEST_CASE("a file in a reply is fetched by the channel's own token, and by no other channel", "[files]") {
  Site site;
  auto other = channel_instance();
  other.id = ConnectorId("other");
  other.options.values["token"] = "other-token";
  site.connectors.use({form_instance(), channel_instance(), other});
  AgentClient ana(site.port);
  const auto token = site.tokens->create(AgentId("ana")).value();
  site.sign_in(ana, token);
  REQUIRE(site.post("k", "Hello").status == 202);
  const auto conversation = Site::take(ana);
  const auto file = body_of(site.upload(token, "plan.pdf", plan));
  ana.say(reply_with(conversation.at("id"), {file}, "r"));
  while (Site::until(ana, "ok").at("id") != "r") {
  }
  const auto outbox = body_of(HttpClient(site.port).get("/v1/channels/shop/outbox", "Authorization: Bearer shop-token\r\n"));
  const std::string url(outbox.at("messages").at(0).at("attachments").at(0).at("url").as_string());
  REQUIRE(url.starts_with("https://usher.example/v1/channels/shop/replies/"));
  const auto path = url.substr(21);
  const auto get = [&](const std::string& where, const std::string& bearer) {
    return HttpClient(site.port).get(where, "Authorization: Bearer " + bearer + "\r\n");
  };
  CHECK(get(path, "shop-token").body == plan);
  CHECK(get(path, "other-token").status == 401);
  CHECK(get(path, token).status == 401);
  auto theirs = path;
  theirs.replace(theirs.find("/shop/"), 6, "/other/");
  CHECK(get(theirs, "other-token").status == 404);
  CHECK(get(path.substr(0, path.size() - 64) + std::string(64, 'a'), "shop-token").status == 404);
}

TEST_CASE("only a file that the agent uploaded itself gets into a reply, and nothing else is journaled", "[files]") {
  Desk desk({}, Over::websocket);
  const ConversationId conversation{3, 4};
  AgentClient ana(desk.port);
  const auto session = desk.open(ana, {Presence::available, {}, {view_of(conversation)}});
  REQUIRE(ana.next().at("type") == "welcome");
  const auto file = desk.files.keep(AgentId("ana"), "plan.pdf", "application/pdf", plan).value();
  const auto of_ben = desk.files.keep(AgentId("ben"), "plan.pdf", "application/pdf", plan).value();
  const auto changed = [&](const char* member, const json::value& value) {
    auto other = file;
    other[member] = value;
    return other;
  };
  const auto refused = [&](const json::value& files) {
    ana.say(json::object{{"type", "reply"}, {"id", "x"}, {"conversation", conversation.text()}, {"text", "See"}, {"attachments", files}});
    return std::string(outcome(ana, "x").at("code").as_string());
  };
  CHECK(refused(json::array{of_ben}) == "unknown_file");
  CHECK(refused(json::array{changed("name", "plan.exe")}) == "unknown_file");
  CHECK(refused(json::array{changed("type", "text/html")}) == "unknown_file");
  CHECK(refused(json::array{changed("size", 1)}) == "unknown_file");
  CHECK(refused(json::array{changed("sha256", json::value(std::string(64, 'a')))}) == "unknown_file");
  CHECK(refused(json::array{changed("proof", "")}) == "unknown_file");
  CHECK(refused(json::array{changed("proof", nullptr)}) == "bad_request");
  CHECK(refused("x") == "bad_request");
  CHECK(refused(json::array{1}) == "bad_request");
  CHECK(refused(json::array(limits::attachments_max + 1, json::value(file))) == "too_large");
  const std::string large(limits::attachment_bytes_max, 'x');
  CHECK(refused(json::array(2, json::value(desk.files.keep(AgentId("ana"), "a", "", large).value()))) == "too_large");
  const auto gone = desk.files.keep(AgentId("ana"), "a", "", "gone").value();
  const std::string sha256(gone.at("sha256").as_string());
  std::filesystem::remove(desk.folder.path() / "blobs/acme" / sha256.substr(0, 2) / sha256);
  CHECK(refused(json::array{gone}) == "unknown_file");
  CHECK(desk.nothing_appended());

  ana.say(reply_with(json::value(conversation.text()), {file}, "r"));
  const auto record = desk.record<CommandIssued>();
  const std::vector<Attachment> expected{{"plan.pdf", "application/pdf", plan.size(), std::string(file.at("sha256").as_string()), false}};
  CHECK(record.command == Command{Reply{conversation, "See file", expected}});
}

TEST_CASE("a folder of files that does not answer is no reason to send a reply anew", "[files][rule-A2]") {
  Desk desk;
  const ConversationId conversation{3, 4};
  AgentClient ana(desk.port);
  const auto session = desk.open(ana, {Presence::available, {}, {view_of(conversation)}});
  REQUIRE(ana.next().at("type") == "welcome");
  const auto file = desk.files.keep(AgentId("ana"), "plan.pdf", "application/pdf", plan).value();
  // A link to itself: neither there nor not there, for any user.
  const auto folder = desk.folder.path() / "blobs/acme", away = desk.folder.path() / "away";
  std::filesystem::rename(folder, away);
  std::filesystem::create_symlink(folder, folder);
  ana.say(reply_with(json::value(conversation.text()), {file}, "r"));
  CHECK(outcome(ana, "r").at("code") == "degraded");
  CHECK(desk.nothing_appended());
  std::filesystem::remove(folder);
  std::filesystem::rename(away, folder);
  ana.say(reply_with(json::value(conversation.text()), {file}, "r"));
  CHECK(desk.record<CommandIssued>().id == CommandId("r"));
}

TEST_CASE("a channel that carries no files refuses the reply at the desk and takes one without", "[files]") {
  Desk desk;
  const ConversationId conversation{3, 4};
  auto view = view_of(conversation);
  view.connector = ConnectorId("no-files");
  AgentClient ana(desk.port);
  const auto session = desk.open(ana, {Presence::available, {}, {view}});
  REQUIRE(ana.next().at("type") == "welcome");
  const auto file = desk.files.keep(AgentId("ana"), "plan.pdf", "application/pdf", plan).value();
  ana.say(reply_with(json::value(conversation.text()), {file}, "r"));
  const auto refused = outcome(ana, "r");
  CHECK(refused.at("code") == "no_files");
  CHECK(desk.nothing_appended());
  ana.say(reply_with(json::value(conversation.text()), {}, "s"));
  CHECK(desk.record<CommandIssued>().command == Command{Reply{conversation, "See file"}});
}
