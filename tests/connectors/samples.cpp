// Samples: instances and golden inputs.
#include "tests/connectors/samples.hpp"

#include "connectors/catalog.hpp"

namespace usher::connectors::testing {

namespace {

std::string crlf_joined(const std::vector<std::string>& parts, std::string_view boundary) {
  std::string body;
  for (const auto& part : parts) body.append("--").append(boundary).append("\r\n").append(part).append("\r\n");
  return body.append("--").append(boundary).append("--\r\n");
}

Raw http_input(std::string body, std::string key = {}) {
  Raw raw = json_body(std::move(body));
  raw.headers["authorization"] = "Bearer " + std::string(sample_token);
  if (!key.empty()) raw.headers["idempotency-key"] = std::move(key);
  return raw;
}

}  // namespace

Instance sample_instance(const Connector& connector) {
  Instance instance;
  instance.id = ConnectorId(connector.type == "webform" ? "contact" : connector.type == "http" ? "shop" : connector.type == "email" ? "support-mail" : "");
  instance.tenant = TenantId("acme");
  instance.type = connector.type;
  for (const auto& key : connector.keys)
    if (!key.fallback.empty()) instance.options.values.emplace(std::string(key.name), std::string(key.fallback));
  if (connector.type == "http") instance.options.values["token"] = sample_token;
  if (connector.type == "email")
    for (const auto& [key, value] : {std::pair{"address", "support@example.com"}, {"name", "Example Support"}, {"thread_secret", "a secret of the tests"},
                                     {"imap_url", "imaps://imap.example.com"}, {"smtp_url", "smtp://smtp.example.com"}, {"password", "a password"}, {"poll_every", "60000"}})
      instance.options.values[key] = value;
  return instance;
}

Instance with(Instance instance, std::string key, std::string value) {
  instance.options.values[std::move(key)] = std::move(value);
  return instance;
}

Raw form(std::string body) { return Raw{"application/x-www-form-urlencoded", {}, std::move(body), evening}; }

Raw json_body(std::string body) { return Raw{"application/json", {}, std::move(body), evening}; }

Raw multipart(const std::vector<std::string>& parts) {
  return Raw{"multipart/form-data; boundary=----edge42", {}, crlf_joined(parts, "----edge42"), evening};
}

std::string text_part(std::string_view name, std::string_view text) {
  return "Content-Disposition: form-data; name=\"" + std::string(name) + "\"\r\n\r\n" + std::string(text);
}

std::string file_part(std::string_view name, std::string_view file, std::string_view type, std::string_view bytes) {
  return "Content-Disposition: form-data; name=\"" + std::string(name) + "\"; filename=\"" + std::string(file) +
         "\"\r\nContent-Type: " + std::string(type) + "\r\n\r\n" + std::string(bytes);
}

std::string percent(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

const std::vector<Golden>& golden_inputs() {
  static const std::string mail =
      "From: Ana <Ana@ex.org>\r\nTo: support@example.com\r\nMessage-ID: <a1@ex.org>\r\nDate: Sat, 21 Nov 2026 18:57:59 +0000\r\nSubject: Order 4411\r\n\r\nWhere is it?\r\n";
  static const std::vector<Golden> all{
      {"webform", "a plain form, its key in the field nonce",
       form("name=Ana&email=Ana%40EX.Org&phone=%2B33+1+23+45+67+89&subject=Order+4411&message=Where+is+it%3F&nonce=n-1&size=XL&size=L"),
       R"({"v":1,"id":"1d14f0a80fa5b5480cf0c59a2471b31f","tenant":"acme","connector":"contact","channel":"webform","provider_message_id":"n-1","thread":{"in_reply_to":[],"references":[],"token":null,"key":null},"from":{"identities":[{"kind":"email","value":"Ana@ex.org","verified":false},{"kind":"phone","value":"+33123456789","verified":false}],"display_name":"Ana"},"to":[],"cc":[],"reply_to":[],"delivered_to":[],"sent_at":null,"received_at":"2026-11-21T18:58:03.120Z","subject":"Order 4411","text":"Where is it?","text_new":"Where is it?","html_ref":null,"attachments":[],"parts":["text/plain"],"automated":null,"language":null,"labels":[],"raw_ref":null,"fields":{"size":["XL","L"]}})"},
      {"webform", "a form with a file",
       multipart({text_part("email", "ben@ex.org"), text_part("message", "See the picture."), text_part("nonce", "n-2"),
                  file_part("photo", "C:\\fakepath\\dent.png", "image/png", "\x89PNG\r\n\x1a\n")}),
       R"({"v":1,"id":"79aec117f8b109ef769fcef0673dece7","tenant":"acme","connector":"contact","channel":"webform","provider_message_id":"n-2","thread":{"in_reply_to":[],"references":[],"token":null,"key":null},"from":{"identities":[{"kind":"email","value":"ben@ex.org","verified":false}],"display_name":""},"to":[],"cc":[],"reply_to":[],"delivered_to":[],"sent_at":null,"received_at":"2026-11-21T18:58:03.120Z","subject":"","text":"See the picture.","text_new":"See the picture.","html_ref":null,"attachments":[{"name":"dent.png","type":"image/png","size":8,"sha256":"4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6","inline":false}],"parts":["text/plain","image/png"],"automated":null,"language":null,"labels":[],"raw_ref":null})"},
      {"webform", "a form sent by a script", json_body(R"({"message":"Hallo, Größe?","nonce":"n-3","cart":[{"id":7}],"phone":"12"})"),
       R"({"v":1,"id":"e27c48e0502896dc42e6cecb6da22d09","tenant":"acme","connector":"contact","channel":"webform","provider_message_id":"n-3","thread":{"in_reply_to":[],"references":[],"token":null,"key":null},"from":{"identities":[{"kind":"form","value":"12","verified":false}],"display_name":""},"to":[],"cc":[],"reply_to":[],"delivered_to":[],"sent_at":null,"received_at":"2026-11-21T18:58:03.120Z","subject":"","text":"Hallo, Größe?","text_new":"Hallo, Größe?","html_ref":null,"attachments":[],"parts":["text/plain"],"automated":null,"language":null,"labels":[],"raw_ref":null,"fields":{"cart":[{"id":7}]}})"},
      {"http", "everything a program can say",
       http_input(R"({"id":"m-1","conversation":"c-9","from":{"id":"u1","name":"Ana","identities":[{"kind":"email","value":"ana@ex.org"}]},"subject":"Order 4411","text":"Where is it?","language":"pt-BR","sent_at":"2026-11-21T19:57:59+01:00","attachments":[{"name":"a.txt","type":"text/plain","data":"aGk="}],"plan":"gold"})"),
       R"({"v":1,"id":"c02128380c9f715c012b7579160df3d6","tenant":"acme","connector":"shop","channel":"http","provider_message_id":"m-1","thread":{"in_reply_to":[],"references":[],"token":null,"key":"c-9"},"from":{"identities":[{"kind":"shop","value":"u1","verified":true},{"kind":"email","value":"ana@ex.org","verified":false}],"display_name":"Ana"},"to":[],"cc":[],"reply_to":[],"delivered_to":[],"sent_at":"2026-11-21T18:57:59.000Z","received_at":"2026-11-21T18:58:03.120Z","subject":"Order 4411","text":"Where is it?","text_new":"Where is it?","html_ref":null,"attachments":[{"name":"a.txt","type":"text/plain","size":2,"sha256":"8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4","inline":false}],"parts":["text/plain","text/plain"],"automated":null,"language":"pt-br","labels":[],"raw_ref":null,"fields":{"plan":"gold"}})"},
      {"email", "a mail", Raw{"message/rfc822", {}, mail, evening}, R"({"v":1,"id":"d509fd646e086f6be9270247e07d406f","tenant":"acme","connector":"support-mail","channel":"email","provider_message_id":"a1@ex.org","thread":{"in_reply_to":[],"references":[],"token":null,"key":null},"from":{"identities":[{"kind":"email","value":"ana@ex.org","verified":false}],"display_name":"Ana"},"to":[{"kind":"email","value":"support@example.com"}],"cc":[],"reply_to":[],"delivered_to":[],"sent_at":"2026-11-21T18:57:59.000Z","received_at":"2026-11-21T18:58:03.120Z","subject":"Order 4411","text":"Where is it?\n","text_new":"Where is it?","html_ref":null,"attachments":[],"parts":["text/plain"],"automated":null,"language":null,"labels":[],"raw_ref":"sha256-c78ce6186b0f530794c3d969359b97c79ae2f37d5316a3b4c97f45fc8a5f80c1"})"},
      {"http", "as little as it must say", http_input(R"({"from":{"id":"u1"},"text":"Hi"})", "\"key-2\""), R"({"v":1,"id":"30ee3bf0a9d4aa883acc7b7a264a2bc8","tenant":"acme","connector":"shop","channel":"http","provider_message_id":"key-2","thread":{"in_reply_to":[],"references":[],"token":null,"key":null},"from":{"identities":[{"kind":"shop","value":"u1","verified":true}],"display_name":""},"to":[],"cc":[],"reply_to":[],"delivered_to":[],"sent_at":null,"received_at":"2026-11-21T18:58:03.120Z","subject":"","text":"Hi","text_new":"Hi","html_ref":null,"attachments":[],"parts":["text/plain"],"automated":null,"language":null,"labels":[],"raw_ref":null})"},
  };
  return all;
}

}  // namespace usher::connectors::testing
