// The table; a case adds its lines after the three of the shortest right file, so they begin at line 4.
#include "wrong_files.hpp"

#include "fake_catalog.hpp"

namespace usher::config::test {
namespace {

using Cases = std::vector<WrongFile>;

std::string added(const std::string& lines) { return std::string(shortest) + lines; }

constexpr const char* known_top =
    "known: http, ops, log, desk, times, journal, kafka, redis, zmq, node, connectors, labels, queues, rules, agents, tenant, "
    "data, blobs, secrets, trusted_proxies, default_queue, urgency_step, missed_offers_max, send_attempts_max";

void structure(Cases& cases) {
  cases.push_back({"an empty file", "", {"f.yaml:1:1 (file): is empty"}});
  cases.push_back({"only comments", "# nothing\n", {"f.yaml:1:1 (file): is empty"}});
  cases.push_back({"a list at the top", "- a\n", {"f.yaml:1:1 (file): expected keys with values at the top"}});
  cases.push_back({"a scalar at the top", "hello\n", {"f.yaml:1:1 (file): expected keys with values at the top"}});
  cases.push_back({"nothing that is required",
                   "log: {level: info}\n",
                   {"f.yaml:1:1 default_queue: missing", "f.yaml:1:1 queues: missing; at least one is needed",
                    "f.yaml:1:1 tenant: missing"}});
  cases.push_back({"a mistyped section", added("htpp: {}\n"), {"f.yaml:4:1 htpp: unknown key; did you mean http?"}});
  cases.push_back({"an unknown section",
                   added("frobnicate: {}\n"),
                   {std::string("f.yaml:4:1 frobnicate: unknown key; ") + known_top}});
  cases.push_back({"a mistyped key",
                   added("times:\n  offer_timeuot: 30s\n"),
                   {"f.yaml:5:3 times.offer_timeuot: unknown key; did you mean offer_timeout?"}});
  cases.push_back({"a key twice",
                   added("log:\n  level: info\n  level: warn\n"),
                   {"f.yaml:6:3 log.level: duplicate key; the first is on line 5"},
                   false});
  cases.push_back({"a queue twice",
                   "tenant: acme\ndefault_queue: a\nqueues:\n  a: {}\n  a: {}\n",
                   {"f.yaml:5:3 queues.a: duplicate key; the first is on line 4"},
                   false});
  cases.push_back(
      {"a key without a value", added("data:\n"), {"f.yaml:4:1 data: has no value; write one or remove the key"}});
  cases.push_back(
      {"a list for a section", added("http: [a]\n"), {"f.yaml:4:7 http: expected a map such as {key: value}"}});
  cases.push_back(
      {"a map for a value", added("data: {a: b}\n"), {"f.yaml:4:7 data: expected a single value, not a map"}});
  cases.push_back(
      {"a list for a value", added("data: [a]\n"), {"f.yaml:4:7 data: expected a single value, not a list"}});
  cases.push_back({"a value for a list",
                   added("trusted_proxies: 10.0.0.1\n"),
                   {"f.yaml:4:18 trusted_proxies: expected a list such as [one, two]"}});
  cases.push_back({"a map for the rules", added("rules: {a: b}\n"), {"f.yaml:4:8 rules: expected a list"}});
  cases.push_back(
      {"a list for the agents", added("agents: [ana]\n"), {"f.yaml:4:9 agents: expected a map such as {key: value}"}});
  cases.push_back({"a map as a key", added("? {a: b}\n: c\n"), {"f.yaml:4:3 (file): a key must be plain text"}, false});
}

void yaml_itself(Cases& cases) {
  cases.push_back({"an open bracket",
                   added("http: {listen: x\n"),
                   {"f.yaml:5:1 (file): is not YAML: end of map flow not found"},
                   false});
  cases.push_back({"a tab as indentation",
                   added("log:\n\tlevel: info\n"),
                   {"f.yaml:5:7 (file): is not YAML: illegal map value"},
                   false});
  cases.push_back({"an anchor",
                   added("data: &here ./data\n"),
                   {"f.yaml:4:7 data: anchors and aliases are not read; write the value out"},
                   false});
  cases.push_back({"an alias to nothing",
                   added("data: *here\n"),
                   {"f.yaml:4:7 (file): is not YAML: the referenced anchor is not defined"},
                   false});
  cases.push_back({"a tag",
                   added("data: !!str here\n"),
                   {"f.yaml:4:7 data: tags such as !!str are not read; write the plain value"},
                   false});
  cases.push_back({"a second document",
                   added("---\ntenant: b\n"),
                   {"f.yaml:5:1 (file): a second document begins; one file holds one configuration"},
                   false});
  cases.push_back({"a broken byte", added("data: \"\xff\"\n"), {"f.yaml:4:8 (file): is not UTF-8 here"}, false});
  cases.push_back({"a NUL",
                   added("data: ") + std::string(1, '\0') + "\n",
                   {"f.yaml:4:7 (file): holds a control character here"},
                   false});
  cases.push_back(
      {"a merge key", added("log: {<<: info}\n"), {"f.yaml:4:7 log.<<: unknown key; known: level, format"}});
  cases.push_back({"seventeen levels",
                   added("data: [[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]\n"),
                   {"f.yaml:4:22 data[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: is nested deeper than 16 levels"},
                   true});
}

void scalars(Cases& cases) {
  cases.push_back({"a name with capitals",
                   "tenant: Acme\nqueues: {support: {}}\ndefault_queue: support\n",
                   {"f.yaml:1:9 tenant: \"Acme\" is not a name: use a-z, 0-9, _ and -, beginning with a letter or "
                    "digit, 64 at most"}});
  cases.push_back({"a number for a text",
                   "tenant: 42\nqueues: {support: {}}\ndefault_queue: support\n",
                   {"f.yaml:1:9 tenant: expected text; put 42 in quotes"}});
  cases.push_back({"a flag for a text", added("data: true\n"), {"f.yaml:4:7 data: expected text; put true in quotes"}});
  cases.push_back({"an unknown log level",
                   added("log: {level: verbose}\n"),
                   {"f.yaml:4:14 log.level: \"verbose\" is not one of debug, info, warn, error"}});
  cases.push_back({"a text for a number",
                   added("missed_offers_max: two\n"),
                   {"f.yaml:4:20 missed_offers_max: expected a whole number, not \"two\""}});
  cases.push_back({"a number in quotes",
                   added("missed_offers_max: \"2\"\n"),
                   {"f.yaml:4:20 missed_offers_max: expected a whole number; write 2 without quotes"}});
  cases.push_back({"a fraction",
                   added("send_attempts_max: 1.5\n"),
                   {"f.yaml:4:20 send_attempts_max: expected a whole number, not \"1.5\""}});
  cases.push_back({"a number out of bounds",
                   added("send_attempts_max: 0\n"),
                   {"f.yaml:4:20 send_attempts_max: must be between 1 and 100"}});
  cases.push_back({"a duration without unit",
                   added("urgency_step: 10\n"),
                   {"f.yaml:4:15 urgency_step: expected a duration such as 250ms, 30s, 5m, 4h or 7d, not \"10\""}});
  cases.push_back({"a duration with a space",
                   added("urgency_step: 10 m\n"),
                   {"f.yaml:4:15 urgency_step: expected a duration such as 250ms, 30s, 5m, 4h or 7d, not \"10 m\""}});
  cases.push_back({"an endless offer",
                   added("times: {offer_timeout: 2h}\n"),
                   {"f.yaml:4:24 times.offer_timeout: must be between 1s and 1h"},
                   false});
  cases.push_back({"an offer too short to read",
                   added("times: {offer_timeout: 999ms}\n"),
                   {"f.yaml:4:24 times.offer_timeout: must be between 1s and 1h"},
                   false});
}

void addresses(Cases& cases) {
  cases.push_back(
      {"a listener without port",
       added("http: {listen: localhost}\n"),
       {"f.yaml:4:16 http.listen: expected HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, not \"localhost\""}});
  cases.push_back(
      {"a port above 65535",
       added("http: {listen: 127.0.0.1:65536}\n"),
       {"f.yaml:4:16 http.listen: expected HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, not \"127.0.0.1:65536\""},
       false});
  cases.push_back({"one listener twice",
                   added("http: {listen: 127.0.0.1:9000}\nops: {listen: 127.0.0.1:9000}\n"),
                   {"f.yaml:5:15 ops.listen: is the same as http.listen"},
                   false});
  cases.push_back({"a wildcard without a public URL",
                   added("http:\n  listen: 0.0.0.0:8080\n"),
                   {"f.yaml:5:11 http.public_url: missing; with a wildcard in http.listen, customers' links need an "
                    "address of their own"},
                   false});
  cases.push_back({"a URL of another scheme",
                   added("http: {public_url: ftp://example.com}\n"),
                   {"f.yaml:4:20 http.public_url: expected a URL that begins with http:// or https://, not "
                    "\"ftp://example.com\""}});
  cases.push_back({"a public URL with a query",
                   added("http: {public_url: \"https://example.com/?a=b\"}\n"),
                   {"f.yaml:4:20 http.public_url: must end with its host, port or path"},
                   false});
  cases.push_back({"an origin with a path",
                   added("desk: {origins: [https://example.com/desk]}\n"),
                   {"f.yaml:4:18 desk.origins[0]: expected an origin such as https://desk.example.com, without a path, "
                    "not \"https://example.com/desk\""}});
  cases.push_back({"a proxy by name",
                   added("trusted_proxies: [10.0.0.1, proxy]\n"),
                   {"f.yaml:4:29 trusted_proxies[1]: expected an IPv4 or IPv6 address, not \"proxy\""}});
  cases.push_back({"a line end in a text",
                   added("data: \"a\\nb\"\n"),
                   {"f.yaml:4:7 data: holds a line end or another control character"},
                   false});
}

void connectors(Cases& cases) {
  cases.push_back(
      {"a connector without type", added("connectors:\n  shop: {}\n"), {"f.yaml:5:3 connectors.shop.type: missing"}});
  cases.push_back(
      {"a connector that is empty", added("connectors:\n  shop:\n"), {"f.yaml:5:3 connectors.shop.type: missing"}});
  cases.push_back(
      {"an unknown type",
       added("connectors:\n  shop: {type: webfrom}\n"),
       {"f.yaml:5:16 connectors.shop.type: no connector type is called \"webfrom\"; did you mean webform?"}});
  cases.push_back({"a key of another type",
                   added("connectors:\n  contact: {type: webform, honypot: a, token: b}\n"),
                   {"f.yaml:5:28 connectors.contact.honypot: unknown key; did you mean honeypot?",
                    "f.yaml:5:40 connectors.contact.token: unknown key; known: type, origins, fields, honeypot, "
                    "redirect_to, per_address_per_minute, wait, cors"}});
  cases.push_back({"a connector's name with a dot",
                   added("connectors:\n  con.tact: {type: webform}\n"),
                   {"f.yaml:5:3 connectors.con.tact: \"con.tact\" is not a name: use a-z, 0-9, _ and -, beginning with "
                    "a letter or digit, 64 at most"}});
  cases.push_back({"an old flag",
                   added("connectors:\n  contact: {type: webform, cors: yes}\n"),
                   {"f.yaml:5:34 connectors.contact.cors: write true or false; \"yes\" is read differently by "
                    "different programs"}});
  cases.push_back({"a flag in quotes",
                   added("connectors:\n  contact: {type: webform, cors: \"true\"}\n"),
                   {"f.yaml:5:34 connectors.contact.cors: expected true or false without quotes"}});
  cases.push_back({"a number for a flag",
                   added("connectors:\n  contact: {type: webform, cors: 1}\n"),
                   {"f.yaml:5:34 connectors.contact.cors: expected true or false, not \"1\""}});
  cases.push_back({"a negative limit",
                   added("connectors:\n  contact: {type: webform, per_address_per_minute: -1}\n"),
                   {"f.yaml:5:52 connectors.contact.per_address_per_minute: must be at least 0"}});
  cases.push_back({"a map of lists",
                   added("connectors:\n  contact: {type: webform, fields: {name: [a]}}\n"),
                   {"f.yaml:5:43 connectors.contact.fields.name: expected a single value, not a list"}});
  cases.push_back({"a required secret that is missing",
                   added("connectors:\n  shop: {type: http}\n"),
                   {"f.yaml:5:3 connectors.shop.token: missing; write it or token_file"}});
  cases.push_back({"a secret twice",
                   added("connectors:\n  shop: {type: http, token: abc, token_file: d}\n"),
                   {"f.yaml:5:34 connectors.shop.token_file: write token or token_file, not both"}});
  cases.push_back({"a secret that reads as a number",
                   added("connectors:\n  shop: {type: http, token: 12345678}\n"),
                   {"f.yaml:5:29 connectors.shop.token: expected text; put it in quotes"}});
  cases.push_back({"a secret's file that is not there",
                   added("connectors:\n  shop: {type: http, token_file: no/such.token}\n"),
                   {"f.yaml:5:34 connectors.shop.token_file: cannot read no/such.token: No such file or directory"},
                   false});
}

void policy(Cases& cases) {
  cases.push_back({"no queue",
                   "tenant: acme\nqueues: {}\ndefault_queue: support\n",
                   {"f.yaml:2:1 queues: missing; at least one is needed",
                    "f.yaml:3:16 default_queue: \"support\" is not one of the queues"}});
  cases.push_back({"a default queue that is not there",
                   "tenant: acme\nqueues: {support: {}}\ndefault_queue: suport\n",
                   {"f.yaml:3:16 default_queue: \"suport\" is not one of the queues; did you mean support?"},
                   false});
  cases.push_back({"a level above five",
                   "tenant: acme\nqueues: {support: {skills: {english: 6}}}\ndefault_queue: support\n",
                   {"f.yaml:2:38 queues.support.skills.english: must be between 1 and 5"}});
  cases.push_back({"a level of nothing",
                   added("agents: {ana: {skills: {english: 0}}}\n"),
                   {"f.yaml:4:34 agents.ana.skills.english: must be between 1 and 5"}});
  cases.push_back({"an unknown urgency",
                   "tenant: acme\nqueues: {support: {urgency: urgent}}\ndefault_queue: support\n",
                   {"f.yaml:2:29 queues.support.urgency: \"urgent\" is not one of low, normal, high, critical"}});
  cases.push_back({"a negative capacity and none in total",
                   added("agents: {ana: {capacity: {webform: -1, total: 0}}}\n"),
                   {"f.yaml:4:36 agents.ana.capacity.webform: must be between 0 and 1000",
                    "f.yaml:4:47 agents.ana.capacity.total: must be between 1 and 1000"}});
  cases.push_back({"a rule that points nowhere",
                   added("labels: {order: [order]}\nrules:\n  - name: R\n    when: {connector: shop, label: odrer}\n   "
                         " then: {queue: billing}\n"),
                   {"f.yaml:7:23 rules[0].when.connector: \"shop\" is not one of the connectors",
                    "f.yaml:7:36 rules[0].when.label: \"odrer\" is not one of the labels; did you mean order?",
                    "f.yaml:8:19 rules[0].then.queue: \"billing\" is not one of the queues; known: support"},
                   false});
  cases.push_back({"a rule without name, condition and outcome",
                   added("rules:\n  - {}\n"),
                   {"f.yaml:5:5 rules[0].name: missing", "f.yaml:5:5 rules[0].then: missing",
                    "f.yaml:5:5 rules[0].when: missing"}});
  cases.push_back({"a rule for nothing",
                   added("rules:\n  - name: R\n    when: {}\n    then:\n"),
                   {"f.yaml:6:5 rules[0].when: is empty; write at least one key",
                    "f.yaml:7:5 rules[0].then: is empty; write at least one key"}});
  cases.push_back({"two rules of one name",
                   added("rules:\n  - {name: R, when: {channel: http}, then: {urgency: low}}\n"
                         "  - {name: R, when: {channel: http}, then: {urgency: low}}\n"),
                   {"f.yaml:6:12 rules[1].name: another rule is called \"R\" already"},
                   false});
  cases.push_back({"a rule that is empty", added("rules:\n  -\n"), {"f.yaml:5:3 rules[0]: is empty"}});
  cases.push_back({"a language in capitals",
                   added("rules:\n  - {name: R, when: {language: FR}, then: {urgency: low}}\n"),
                   {"f.yaml:5:32 rules[0].when.language: expected a language such as en or pt-BR, not \"FR\""}});
}

void labels_and_tokens(Cases& cases) {
  cases.push_back({"a label without words", added("labels:\n  order: []\n"), {"f.yaml:5:10 labels.order: is empty"}});
  cases.push_back({"a label of one word without a list",
                   added("labels:\n  order: order\n"),
                   {"f.yaml:5:10 labels.order: expected a list such as [one, two]"}});
  cases.push_back(
      {"a word that is empty", added("labels:\n  order: [\"\"]\n"), {"f.yaml:5:11 labels.order[0]: is empty"}});
  cases.push_back({"a token twice",
                   added("agents:\n  ana: {token: abcdefgh, token_sha256: " + std::string(64, 'a') + "}\n"),
                   {"f.yaml:5:26 agents.ana.token_sha256: write only one of token, token_file and token_sha256"}});
  cases.push_back({"a digest that is none",
                   added("agents:\n  ana: {token_sha256: abc}\n"),
                   {"f.yaml:5:23 agents.ana.token_sha256: expected the 64 hexadecimal digits of a SHA-256"}});
  cases.push_back({"a token that is too short",
                   added("agents:\n  ana: {token: abc}\n"),
                   {"f.yaml:5:16 agents.ana.token: is too short to be a token: 8 characters at least"},
                   false});
  cases.push_back({"two agents with one token",
                   added("agents:\n  ana: {token: abcdefgh}\n  ben: {token: abcdefgh}\n"),
                   {"f.yaml:6:3 agents.ben: has the same token as agents.ana"},
                   false});
}

}  // namespace

std::vector<WrongFile> wrong_files() {
  Cases cases;
  structure(cases);
  yaml_itself(cases);
  scalars(cases);
  addresses(cases);
  connectors(cases);
  policy(cases);
  labels_and_tokens(cases);
  for (auto& one : wrong_servers()) cases.push_back(std::move(one));
  return cases;
}

}  // namespace usher::config::test
