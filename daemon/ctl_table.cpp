// Tables for people.
#include "daemon/ctl_table.hpp"

#include <algorithm>

namespace usher::daemon {
namespace {

// Code points, which is what most terminals show as columns; wide scripts may lean, nothing breaks.
std::size_t columns_in(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void pad(std::string& line, std::string_view cell, std::size_t width) {
  line += cell;
  line.append(width - columns_in(cell), ' ');
}

}  // namespace

const boost::json::value* member(const boost::json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains({name.data(), name.size()});
}

std::string text_member(const boost::json::value& value, std::string_view name) {
  const auto* found = member(value, name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::string printable(std::string_view text, std::size_t columns_max) {
  std::string out;
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) {
      if (columns == columns_max) return out + "…";
      ++columns;
    }
    if (byte < 0x20 || byte == 0x7F) {
      out += ' ';
    } else if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      out += ' ';  // C1 controls: U+009B starts an escape sequence on some terminals.
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string cell_of(const boost::json::value* value) {
  if (value == nullptr || value->is_null()) return "-";
  if (value->is_string()) return value->get_string().empty() ? "-" : printable(std::string_view(value->get_string()));
  if (value->is_bool()) return value->get_bool() ? "yes" : "no";
  if (value->is_array()) {
    std::string out;
    for (const auto& one : value->get_array()) out += (out.empty() ? "" : ", ") + cell_of(&one);
    return out.empty() ? "-" : out;
  }
  if (value->is_object()) {
    std::string out;
    for (const auto& [name, inner] : value->get_object())
      out += (out.empty() ? "" : ", ") + std::string(name) + " " + cell_of(&inner);
    return out.empty() ? "-" : out;
  }
  return boost::json::serialize(*value);
}

std::string table_of(const boost::json::array& rows, const std::vector<Column>& columns) {
  if (rows.empty()) return "none\n";
  std::vector<std::vector<std::string>> cells;
  std::vector<std::size_t> widths;
  for (const auto& column : columns) widths.push_back(columns_in(column.title));
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      boost::json::error_code missing;
      line.push_back(cell_of(row.find_pointer(columns[i].pointer, missing)));
      widths[i] = std::max(widths[i], columns_in(line.back()));
    }
  }
  std::string out;
  const auto add_line = [&](auto&& text_at) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) pad(line, text_at(i), widths[i] + 2);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  add_line([&](std::size_t i) { return columns[i].title; });
  for (const auto& line : cells) add_line([&](std::size_t i) { return line[i]; });
  return out;
}

std::string list_of(const boost::json::object& object) {
  std::size_t width = 0;
  for (const auto& pair : object) width = std::max(width, pair.key().size());
  std::string out;
  for (const auto& pair : object) {
    pad(out, std::string_view(pair.key().data(), pair.key().size()), width + 2);
    out += cell_of(&pair.value()) + "\n";
  }
  return out;
}

std::string for_people(usher::message::Milliseconds span) {
  const auto seconds = std::max<std::int64_t>(0, span.count()) / 1000;
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86'400) + " d";
}

}  // namespace usher::daemon
