// Web forms and their private links: POST of a form, its preflight, and the page on which the customer reads the
// answer. All on the loop's thread, but for what runs after the append or on a worker.
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <limits>
#include <map>
#include <utility>

#include "connectors/media_type.hpp"
#include "connectors/multipart.hpp"
#include "connectors/token_bucket.hpp"
#include "connectors/urlencoded.hpp"
#include "daemon/problem_json.hpp"
#include "daemon/public_routes_parts.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"

namespace usher::daemon {

namespace {

constexpr std::size_t addresses_max = 20'000;
constexpr std::size_t page_messages_max = 200;

MessageId random_id() {
  std::array<std::uint64_t, 2> bits{};
  RAND_bytes(reinterpret_cast<unsigned char*>(bits.data()), sizeof bits);
  return MessageId{bits[0], bits[1]};
}

// How often one address may use one form. Lives with the routes; the loop's thread only.
class FormRates {
 public:
  // Zero: allowed; else how long to wait.
  Milliseconds take(const connectors::Instance& form, const std::string& address, Milliseconds now) {
    const auto limit = static_cast<int>(std::clamp(form.options.number("per_address_per_minute"), 0LL, 1'000'000LL));
    if (limit == 0) return Milliseconds{0};
    auto& rate = rates_[form.id.text()];
    if (!rate.buckets || rate.limit != limit) {
      rate.buckets = std::make_unique<connectors::TokenBuckets>(limit, addresses_max);
      rate.limit = limit;
    }
    return rate.buckets->take(connectors::rate_address(address), now);
  }

 private:
  struct Rate {
    int limit = 0;
    std::unique_ptr<connectors::TokenBuckets> buckets;
  };
  std::map<std::string, Rate> rates_;
};

bool form_media(const std::string& media) {
  return media.empty() || media == "application/x-www-form-urlencoded" || media == "multipart/form-data" ||
         media == "application/json";
}

// The value of a field of a browser's form; "" when there is none or the body is no form (the connector says what is
// wrong with it).
std::string field_of(const Request& request, std::string_view name) {
  const auto type = connectors::parse_media_type(request.header("content-type"));
  if (!type) return {};
  if (type->value == "multipart/form-data") {
    const auto parts = connectors::parse_multipart(request.body, type->parameter("boundary"));
    if (!parts) return {};
    for (const auto& part : *parts)
      if (part.name == name && !part.is_file) return std::string(part.bytes);
    return {};
  }
  if (type->value != "application/x-www-form-urlencoded") return {};
  const auto fields = connectors::parse_urlencoded(request.body);
  if (!fields) return {};
  for (const auto& [key, value] : *fields)
    if (key == name) return value;
  return {};
}

// Where a browser without scripts goes next; "" for a client that reads JSON. Only to URLs that the operator listed: a
// form must not send people anywhere the request says.
std::string redirect_of(const connectors::Instance& form, const Request& request) {
  const auto& allowed = form.options.list("redirect_to");
  const auto wanted = field_of(request, "redirect");
  if (!wanted.empty() && std::ranges::find(allowed, wanted) != allowed.end()) return wanted;
  if (!request.wants_html() || media_of(request.header("content-type")) == "application/json") return {};
  return allowed.empty() ? "link" : allowed.front();
}

// How this form calls one of its fields.
std::string field_name(const connectors::Instance& form, const std::string& role) {
  const auto& names = form.options.map("fields");
  const auto found = names.find(role);
  return found == names.end() ? role : found->second;
}

Response see_other(const std::string& url) {
  Response response;
  response.status = 303;
  response.with("Location", url);
  return response;
}

struct Forms {
  HttpServices& services;
  FormRates rates;
  FormRates files;  // So many again: who fetches what came with an answer can still write back.

  // A response: this address is too fast.
  std::optional<Response> too_fast(FormRates& of, const char* said, const connectors::Instance& form, const Request& request) {
    const auto wait = of.take(form, request.remote, services.clock.steady());
    if (wait == Milliseconds{0}) return std::nullopt;
    services.metrics.refused("rate");
    auto response = problem(429, said);
    response.headers.clear();
    response.with("Retry-After", std::to_string((wait.count() + 999) / 1000));
    return response;
  }

  // What every use of a form passes first. A response: refused.
  std::optional<Response> refuse(const connectors::Instance& form, const Request& request) {
    if (auto refused = too_fast(rates, "Too many messages from this address.", form, request)) return refused;
    if (!form_media(media_of(request.header("content-type"))))
      return problem(415, "A form, multipart or JSON body is needed.");
    return std::nullopt;
  }

  void post(Request request, const Responder& respond) {
    auto form = find_instance(services, request.arguments.front(), "webform");
    if (!form) return respond(problem(404, "There is no such form."));
    const auto origin = request.header("origin");
    if (foreign_origin(services, *form, request)) {
      auto refused = problem(403, "This origin may not use the form.");
      return respond(std::move(refused.with("Vary", "Origin")));
    }
    if (auto refused = refuse(*form, request)) {
      allow_origin(*form, origin, *refused);
      return respond(std::move(*refused));
    }
    auto redirect = redirect_of(*form, request);
    auto raw = raw_of(std::move(request), services.clock.wall());
    // Decided above; the connector does not know public_url, and would refuse a page of our own address.
    raw.headers.erase("origin");
    accept_input(services, form, std::move(raw), std::nullopt,
                 [this, form, respond, origin, redirect = std::move(redirect)](Result<connectors::Accepted> accepted) {
                   Response response = accepted ? taken(*form, *accepted, redirect) : problem(accepted.error());
                   allow_origin(*form, origin, response);
                   respond(std::move(response));
                 });
  }

  // A robot that filled the trap gets what everybody gets, with an id that leads nowhere.
  Response taken(const connectors::Instance& form, const connectors::Accepted& accepted,
                 const std::string& redirect) const {
    const auto id = accepted.ids.empty() ? random_id() : accepted.ids.front();
    const auto link = services.links.link(form.id, id);
    if (!redirect.empty()) return see_other(redirect == "link" ? link : redirect);
    const boost::json::object body{{"id", id.text()}, {"reference", id.text()}, {"link", link}};
    return json_response(202, boost::json::serialize(body));
  }

  // The message that the link proves; the responder has answered when there is none.
  std::optional<MessageId> opened(const InstancePointer& form, const Request& request, const Responder& respond) const {
    auto message = form ? services.links.open(form->id, request.arguments.back()) : std::nullopt;
    if (!message) respond(problem(404, "There is no such conversation."));
    return message;
  }

  void read_link(const Request& request, const Responder& respond) {
    const auto form = find_instance(services, request.arguments.front(), "webform");
    const auto message = opened(form, request, respond);
    if (!message) return;
    const auto body = services.reader.body(services.partition, *message);
    if (!body) return respond(problem(body.error()));
    const auto show = [this, form, respond, html = request.wants_html(), origin = request.header("origin"),
                       link = services.links.link(form->id, *message)](const std::vector<state::Body>& bodies, std::string_view state) {
      const PrivateForm answer{field_name(*form, "message"), field_name(*form, "nonce"), random_id().text(), link};
      auto response = html ? private_page(bodies, state, answer) : json_response(200, private_json(bodies, state, link));
      allow_origin(*form, origin, response);
      respond(std::move(response));
    };
    // Acknowledged and on its way through the router: there is nothing to show yet.
    if (!*body) return show({}, "waiting");
    with_conversation(
        services, (*body)->conversation, respond,
        [this, respond, show, conversation = (*body)->conversation](const Sight& sight) {
          const auto bodies = services.reader.bodies(services.partition, conversation,
                                                     std::numeric_limits<std::uint32_t>::max(), page_messages_max);
          if (!bodies) return respond(problem(bodies.error()));
          show(*bodies, sight.view ? engine::state_name(sight.view->state) : sight.known ? "closed" : "unknown");
        });
  }

  // A file that an agent sent: to who has the link, and only of that conversation.
  void read_file(const Request& request, const Responder& respond) {
    const auto form = find_instance(services, request.arguments.front(), "webform");
    auto message = form ? services.links.open(form->id, request.arguments[1]) : std::nullopt;
    if (!message || !is_sha256(request.arguments.back())) return respond(problem(404, "There is no such file."));
    if (auto refused = too_fast(files, "Too many files for this address.", *form, request)) {
      allow_origin(*form, request.header("origin"), *refused);
      return respond(std::move(*refused));
    }
    const bool taken = services.workers.take([this, form, respond, first = *message, sha256 = request.arguments.back(),
                                              origin = request.header("origin")] {
      auto response = file_of(first, sha256);
      allow_origin(*form, origin, response);
      respond(std::move(response));
    });
    if (!taken) respond(problem(fail(Fault::overloaded, "Too many requests at once.")));
  }

  Response file_of(MessageId first, const std::string& sha256) const {
    const auto body = services.reader.body(services.partition, first);
    if (!body) return problem(body.error());
    if (!*body) return problem(404, "There is no such file.");
    const auto bodies = services.reader.bodies(services.partition, (*body)->conversation,
                                               std::numeric_limits<std::uint32_t>::max(), page_messages_max);
    if (!bodies) return problem(bodies.error());
    const auto name = file_name_in(*bodies, sha256, FilesOf::agents);
    return name ? file_response(services, sha256, *name) : problem(404, "There is no such file.");
  }

  // Origin is not asked for here, nor shown to the connector: whoever has the link may write, and a page that sends no
  // referrer posts with `Origin: null`.
  void write_link(Request request, const Responder& respond) {
    auto form = find_instance(services, request.arguments.front(), "webform");
    const auto message = opened(form, request, respond);
    if (!message) return;
    const auto origin = request.header("origin");
    if (auto refused = refuse(*form, request)) return respond(std::move(*refused));
    const bool html = request.wants_html() && media_of(request.header("content-type")) != "application/json";
    auto raw = raw_of(std::move(request), services.clock.wall());
    raw.headers.erase("origin");
    accept_input(services, form, std::move(raw), message,
                 [this, form, respond, html, origin, first = *message](Result<connectors::Accepted> accepted) {
                   const auto link = services.links.link(form->id, first);
                   Response response = !accepted ? problem(accepted.error())
                                       : html    ? see_other(link)
                                                 : taken(*form, *accepted, "");
                   allow_origin(*form, origin, response);
                   respond(std::move(response));
                 });
  }

  void ask(const Request& request, const Responder& respond, const char* methods) const {
    const auto form = find_instance(services, request.arguments.front(), "webform");
    respond(form ? preflight(*form, request, methods) : problem(404, "There is no such form."));
  }
};

}  // namespace

void add_form_routes(RouteTable& table, HttpServices& services) {
  const auto forms = std::make_shared<Forms>(Forms{services, {}, {}});
  constexpr auto form = "/v1/forms/{connector}";
  constexpr auto link = "/v1/forms/{connector}/conversation/{token}";
  table.add("POST", form, limits::http_body_bytes_max,
            [forms](Request request, const Responder& respond) { forms->post(std::move(request), respond); });
  table.add("OPTIONS", form, 0, [forms](const Request& request, const Responder& respond) {
    forms->ask(request, respond, "POST, OPTIONS");
  });
  table.add("GET", link, 0,
            [forms](const Request& request, const Responder& respond) { forms->read_link(request, respond); });
  table.add("POST", link, limits::http_body_bytes_max,
            [forms](Request request, const Responder& respond) { forms->write_link(std::move(request), respond); });
  table.add("GET", "/v1/forms/{connector}/conversation/{token}/blobs/{sha256}", 0,
            [forms](const Request& request, const Responder& respond) { forms->read_file(request, respond); });
  table.add("OPTIONS", link, 0, [forms](const Request& request, const Responder& respond) {
    forms->ask(request, respond, "GET, POST, OPTIONS");
  });
}

}  // namespace usher::daemon
