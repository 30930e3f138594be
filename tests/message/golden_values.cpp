// The values behind golden/*.json.
#include "golden_values.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace usher::message {

namespace {

constexpr ConversationId conversation{0x00112233'44556677, 0x8899aabb'ccddeeff};
constexpr OfferId offer{0xfedcba98'76543210, 0x01234567'89abcdef};

Message minimal_message() {
  Message message;
  message.id = MessageId{0, 1};
  message.tenant = TenantId("acme");
  message.connector = ConnectorId("contact-form");
  message.channel = "form";
  message.received_at = Instant{};
  return message;
}

// What a wire form gets wrong first: quotes, controls, NUL, text beyond the basic plane, both directions of script.
Message awkward_message() {
  Message message = minimal_message();
  message.id = MessageId{0xffffffff'ffffffff, 0xffffffff'ffffffff};
  message.subject = "\"quoted\" \\ back/slash";
  message.text = std::string("tab\t, line\r\nfeed\f, bell\a, escape\x1b, delete\x7f, nul") + '\0' +
                 ", \u00e9\u4e2d\u06f1\u202e\ufeff\uffff\U0001F469\u200d\U0001F469\u200d\U0001F466\U0010FFFF";
  message.text_new = "</script><!--";
  message.from.display_name = "\u0416\u0435\u043d\u044f";
  message.received_at = Instant{Milliseconds{253'402'300'799'999}};
  message.sent_at = Instant{};
  return message;
}

Message verified_message() {
  Message message = minimal_message();
  message.from = Sender{{{"email", "ana@ex.org", true}}, "Ana", Verification{Verification::Result::pass, Verification::Method::dkim, "ex.org"}};
  return message;
}

Message message_from_the_future() {
  Message message = minimal_message();
  message.extra = R"({"mood":{"calm":0.10,"words":["a b",1e400]},"priority":18446744073709551616,"caf\u00e9":null})";
  return message;
}

Policy empty_policy() {
  Policy policy;
  policy.tenant = TenantId("acme");
  return policy;
}

Record command(Command said) {
  return CommandIssued{AgentId("ana"), SessionId("s-7"), CommandId("c-1"), std::move(said)};
}

std::vector<Golden> golden_commands() {
  return {
      {"command-presence", command(SetPresence{Presence::away, "lunch"})},
      {"command-accept", command(Accept{offer})},
      {"command-decline", command(Decline{offer, "not my language"})},
      {"command-reply", command(Reply{conversation, "It left this morning.\n\"Ana\""})},
      {"command-reply-files", command(Reply{conversation,
                                            "The form is attached.",
                                            {{"r\u00e9sum\u00e9.pdf", "application/pdf", 48213, std::string(64, 'a'), false},
                                             {"plan.png", "image/png", 7, std::string(64, '0'), false}}})},
      {"command-note", command(Note{conversation, "asked the warehouse"})},
      {"command-transfer-queue", command(Transfer{conversation, QueueId("billing"), std::nullopt, "an invoice"})},
      {"command-transfer-agent", command(Transfer{conversation, std::nullopt, AgentId("ben"), ""})},
      {"command-snooze", command(Snooze{conversation, Instant{Milliseconds{1'795'424'400'000}}})},
      {"command-close", command(Close{conversation, "solved"})},
      {"command-wrapped-up", command(WrappedUp{conversation})},
  };
}

}  // namespace

Message golden_message() {
  Message message;
  message.id = MessageId{0x3f2a9c01'5be7d846, 0x90c1e2f3'04a5b6c7};
  message.tenant = TenantId("acme");
  message.connector = ConnectorId("support-mail");
  message.channel = "email";
  message.provider_message_id = "<a1@ex.org>";
  message.thread = Thread{{"<u9@desk.ex>"}, {"<u8@desk.ex>", "<u9@desk.ex>"}, MessageId{1, 2}, "room-4"};
  message.from = Sender{{{"email", "ana@ex.org", false}, {"phone", "+33123456789", true}}, "Ana"};
  message.to = {{"email", "support@ex.com", false}};
  message.cc = {{"email", "ben@ex.org", false}, {"email", "cleo@ex.org", true}};
  message.reply_to = {{"email", "ana+home@ex.org", false}};
  message.delivered_to = {{"email", "support@ex.com", false}};
  message.sent_at = Instant{Milliseconds{1'795'287'479'000}};
  message.received_at = Instant{Milliseconds{1'795'287'483'120}};
  message.subject = "Order 4411";
  message.text = "Where is it?\n> Thank you for \u2026";
  message.text_new = "Where is it?";
  message.html_ref = "sha256-" + std::string(64, 'b');
  message.attachments = {{"r.pdf", "application/pdf", 48213, std::string(64, 'a'), false},
                         {"logo.png", "image/png", 0, std::string(64, '0'), true}};
  message.parts = {"text/plain", "application/pdf"};
  message.automated = Automated::auto_reply;
  message.language = "en";
  message.labels = {"order", "urgent"};
  message.raw_ref = "sha256-" + std::string(64, 'c');
  return message;
}

Policy golden_policy() {
  Policy policy;
  policy.tenant = TenantId("acme");
  policy.queues = {
      {QueueId("orders"), {{SkillId("orders"), 2}}, Urgency::normal, Milliseconds{900'000}},
      {QueueId("general"), {}, Urgency::low, Milliseconds{0}},
  };
  policy.default_queue = QueueId("general");
  policy.rules = {
      {"orders", std::nullopt, std::nullopt, "order", std::nullopt, QueueId("orders"), std::nullopt, {}},
      {"French outage by mail",
       ConnectorId("support-mail"),
       "email",
       "outage",
       "fr",
       QueueId("orders"),
       Urgency::critical,
       {{SkillId("french"), 3}, {SkillId("orders"), 1}}},
  };
  policy.agents = {
      {AgentId("ana"),
       "Ana \"A\" Li",
       {{SkillId("french"), 5}, {SkillId("orders"), 3}},
       {{"chat", 4}, {"email", 2}},
       1,
       5},
      {AgentId("ben"), "", {}, {}, 0, 0},
  };
  policy.times = PolicyTimes{Milliseconds{20'000},  Milliseconds{15'000},     Milliseconds{60'000},
                             Milliseconds{120'000}, Milliseconds{86'400'000}, Milliseconds{604'800'001}};
  policy.urgency_step = Milliseconds{300'000};
  policy.missed_offers_max = 3;
  policy.send_attempts_max = 5;
  return policy;
}

std::vector<Golden> golden_values() {
  std::vector<Golden> values = golden_commands();
  const MessageId reply{0x0a0b0c0d'0e0f1011, 0x12131415'16171819};
  const auto add = [&](std::string file, Record record) { values.push_back({std::move(file), std::move(record)}); };
  add("message-full", MessageReceived{golden_message()});
  add("message-minimal", MessageReceived{minimal_message()});
  add("message-verified", MessageReceived{verified_message()});
  add("message-awkward", MessageReceived{awkward_message()});
  add("message-unknown-members", MessageReceived{message_from_the_future()});
  add("delivery-sent", DeliveryReported{reply, 1, DeliveryState::sent, "", Milliseconds{0}});
  add("delivery-deferred", DeliveryReported{reply, 3, DeliveryState::deferred, "503 busy", Milliseconds{5000}});
  add("session-opened", SessionOpened{AgentId("ana"), SessionId("s-7"), GatewayId("desk-1")});
  add("session-closed", SessionClosed{AgentId("ana"), SessionId("s-7")});
  add("gateway-lost", GatewayLost{GatewayId("desk-1")});
  add("policy-activated", PolicyActivated{golden_policy(), "0123456789abcdef0123456789abcdef"});
  add("policy-first", PolicyActivated{empty_policy(), ""});
  add("tick", Tick{});
  add("claim", Claimed{41, RouterId("host-1"), 1});
  add("claim-first", Claimed{offset_none, RouterId("host-1"), 1});
  return values;
}

std::string source_file(const std::string& path) {
  std::ifstream file(std::string(USHER_SOURCE_DIR "/") + path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

std::string golden_bytes(const std::string& file) {
  std::string bytes = source_file("tests/message/golden/" + file + ".json");
  if (!bytes.empty() && bytes.back() == '\n') bytes.pop_back();
  return bytes;
}

}  // namespace usher::message
