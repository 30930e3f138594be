// YAML events to a tree. The handler stops the parser at the first construct that is not in the subset, which also
// bounds its recursion: yaml-cpp descends once per nested list or map, and asks the handler before each.
#include "config/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <sstream>

#include "config/utf8.hpp"

namespace usher::config {
namespace {

Place place_of(const YAML::Mark& mark) { return Place{"", mark.line + 1, mark.column + 1}; }

// Thrown through yaml-cpp and caught in parse() below, in this file.
struct Refused {
  Place place;
  std::string path;
  std::string sentence;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(ProblemList& problems) : problems_(problems) {}
  Node root;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    if (wants_key()) refuse(mark, "a key must be plain text");
    Node node;
    node.place = place_of(mark);
    place(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "anchors and aliases are not read; write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    if (tag != "?" && tag != "!") refuse(mark, "tags such as !!str are not read; write the plain value");
    if (wants_key()) {
      take_key(mark, value);
      return;
    }
    Node node;
    node.type = Node::Type::scalar;
    node.text = value;
    node.quoted = tag == "!";
    node.place = place_of(mark);
    place(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Type::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Type::map);
  }
  void OnMapEnd() override { close(); }

 private:
  // A list or map whose end has not come yet.
  struct Frame {
    Node node;
    std::optional<std::string> key;  // The key whose value comes next.
    Place key_place;
    bool duplicate = false;
  };

  [[nodiscard]] bool wants_key() const {
    return !frames_.empty() && frames_.back().node.type == Node::Type::map && !frames_.back().key;
  }

  void take_key(const YAML::Mark& mark, const std::string& key) {
    auto& frame = frames_.back();
    const auto* first = frame.node.find(key);
    frame.duplicate = first != nullptr;
    frame.key = key;
    frame.key_place = place_of(mark);
    if (first != nullptr) {
      problems_.add(frame.key_place, path(),
                    "duplicate key; the first is on line " + std::to_string(first->place.line));
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Type type) {
    refuse_anchor(mark, anchor);
    if (tag != "?" && !tag.empty()) refuse(mark, "tags such as !!map are not read; write the plain value");
    if (wants_key()) refuse(mark, "a key must be plain text");
    if (frames_.size() >= depth_max) refuse(mark, "is nested deeper than " + std::to_string(depth_max) + " levels");
    Frame frame;
    frame.node.type = type;
    frame.node.place = place_of(mark);
    frames_.push_back(std::move(frame));
  }

  void close() {
    auto node = std::move(frames_.back().node);
    frames_.pop_back();
    place(std::move(node));
  }

  void place(Node node) {
    if (frames_.empty()) {
      root = std::move(node);
      return;
    }
    auto& frame = frames_.back();
    // yaml-cpp gives an absent value the place of what comes next, which may be another line: it is missing where its
    // list or its key stands.
    if (frame.node.type == Node::Type::list) {
      if (node.type == Node::Type::null) node.place = frame.node.place;
      frame.node.items.push_back(std::move(node));
      return;
    }
    if (node.type == Node::Type::null) node.place = frame.key_place;
    if (!frame.duplicate) frame.node.entries.push_back({*frame.key, frame.key_place, std::move(node)});
    frame.key.reset();
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) refuse(mark, "anchors and aliases are not read; write the value out");
  }

  [[noreturn]] void refuse(const YAML::Mark& mark, std::string sentence) const {
    throw Refused{place_of(mark), path(), std::move(sentence)};
  }

  [[nodiscard]] std::string path() const {
    std::string out;
    for (const auto& frame : frames_) {
      if (frame.node.type == Node::Type::list)
        out += "[" + std::to_string(frame.node.items.size()) + "]";
      else if (frame.key)
        out = join_path(out, *frame.key);
    }
    return out.empty() ? "(file)" : out;
  }

  ProblemList& problems_;
  std::vector<Frame> frames_;
};

std::optional<Node> parse(const std::string& text, ProblemList& problems) {
  TreeBuilder builder(problems);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return Node{};
    TreeBuilder second(problems);
    if (parser.HandleNextDocument(second)) {
      problems.add(second.root.place, "(file)", "a second document begins; one file holds one configuration");
      return std::nullopt;
    }
    return std::move(builder.root);
  } catch (const Refused& refused) {
    problems.add(refused.place, refused.path, refused.sentence);
  } catch (const YAML::Exception& error) {
    const auto place = error.mark.is_null() ? Place{} : place_of(error.mark);
    problems.add(place, "(file)", "is not YAML: " + error.msg);
  } catch (const std::exception& error) {
    problems.add(Place{}, "(file)", std::string("is not YAML: ") + error.what());
  }
  return std::nullopt;
}

}  // namespace

const Entry* Node::find(std::string_view key) const {
  for (const auto& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::string join_path(std::string_view parent, std::string_view key) {
  auto out = std::string(parent);
  if (!out.empty()) out += '.';
  return out += key;
}

std::optional<Node> parse_yaml(const std::string& text, ProblemList& problems) {
  if (text.size() > file_bytes_max) {
    problems.add(Place{}, "(file)", "is larger than 1 MiB");
    return std::nullopt;
  }
  // yaml-cpp would guess UTF-16 and replace broken bytes: what is read must be what is shown.
  if (const auto broken = first_unprintable(text)) {
    problems.add(Place{"", broken->line, broken->column}, "(file)", broken->sentence);
    return std::nullopt;
  }
  auto root = parse(text, problems);
  if (!root) return std::nullopt;
  if (root->type == Node::Type::map) return root;
  problems.add(root->place, "(file)",
               root->type == Node::Type::null ? "is empty" : "expected keys with values at the top");
  return std::nullopt;
}

std::optional<Node> parse_value(const std::string& text) {
  ProblemList ignored;
  auto node = parse(text, ignored);
  return ignored.empty() ? std::move(node) : std::nullopt;
}

}  // namespace usher::config
