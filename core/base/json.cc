#include "core/base/json.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <regex>
#include <sstream>

#include "core/base/error.h"
#include "core/base/utf8.h"

namespace understudy {
namespace {

// Deeper nesting than any of our files: a guard against hostile input, not a taste.
constexpr int kMaxNesting = 64;

Json ScalarToJson(const YAML::Node& node) {
  const std::string text = node.Scalar();
  // a quoted scalar carries the tag "!" and stays a string
  if (node.Tag() == "!") return text;
  static const std::regex kInteger("[-+]?[0-9]+"), kHex("0x[0-9a-fA-F]+"),
      kFloat("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
  if (text.empty() || text == "~" || text == "null") return nullptr;
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  if (text.size() < 400) {
    try {
      if (std::regex_match(text, kInteger)) {
        if (text[0] == '-') return std::stoll(text);
        return std::stoull(text);
      }
      if (std::regex_match(text, kHex)) return std::stoull(text, nullptr, 16);
      if (std::regex_match(text, kFloat)) return std::stod(text);
    } catch (const std::out_of_range&) {
      return std::strtod(text.c_str(), nullptr);
    }
  }
  if (text == ".inf" || text == "+.inf") return std::numeric_limits<double>::infinity();
  if (text == "-.inf") return -std::numeric_limits<double>::infinity();
  if (text == ".nan") return std::numeric_limits<double>::quiet_NaN();
  return text;
}

Json NodeToJson(const YAML::Node& node, const std::string& name, int depth) {
  const auto place = [&] { return fmt::format("{}:{}", name, node.Mark().line + 1); };
  if (depth > kMaxNesting)
    ThrowBadInput(fmt::format("{}: nested deeper than {}", place(), kMaxNesting));
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return ScalarToJson(node);
    case YAML::NodeType::Sequence: {
      Json array = Json::array();
      for (const YAML::Node& item : node) array.push_back(NodeToJson(item, name, depth + 1));
      return array;
    }
    case YAML::NodeType::Map: {
      Json object = Json::object();
      for (const auto& entry : node) {
        if (!entry.first.IsScalar()) ThrowBadInput(place() + ": a key must be a plain word");
        const std::string key = entry.first.Scalar();
        if (object.contains(key)) ThrowBadInput(fmt::format("{}: key '{}' twice", place(), key));
        object[key] = NodeToJson(entry.second, name, depth + 1);
      }
      return object;
    }
    default:
      return nullptr;
  }
}

// Whether brackets outside of texts nest deeper than kMaxNesting.
bool NestsTooDeep(const std::string& json) {
  int depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == '[' || c == '{')) {
      if (++depth > kMaxNesting) return true;
    } else if (!in_text && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return false;
}

// Scalars as YAML reads them back: texts in quotes where they would be taken for something else.
std::string YamlScalar(const Json& value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    return std::isnan(value.get<double>()) ? ".nan" : value.get<double>() > 0 ? ".inf" : "-.inf";
  }
  if (!value.is_string()) return value.dump();
  static const std::regex kPlain("[A-Za-z_./][A-Za-z0-9_./ +()%=>-]*[A-Za-z0-9_./()%]|[A-Za-z_]");
  const std::string& text = value.get_ref<const std::string&>();
  const bool plain = std::regex_match(text, kPlain) && ScalarToJson(YAML::Node(text)).is_string() &&
                     !text.starts_with("---") && !text.starts_with("...");
  return plain ? text : value.dump();
}

// In one line, as JSON does with fewer quotes.
std::string YamlFlow(const Json& value) {
  std::string text;
  if (value.is_array()) {
    for (const Json& item : value) text += (text.empty() ? "" : ", ") + YamlFlow(item);
    return "[" + text + "]";
  }
  if (!value.is_object()) return YamlScalar(value);
  for (const auto& [key, item] : value.items()) {
    text += (text.empty() ? "" : ", ") + YamlScalar(Json(key)) + ": " + YamlFlow(item);
  }
  return "{" + text + "}";
}

bool IsFlat(const Json& value) {
  return std::none_of(value.begin(), value.end(),
                      [](const Json& item) { return item.is_structured() && !item.empty(); });
}

// Lines of a structure, each behind `indent`.
void AppendYaml(const Json& value, const std::string& indent, std::string* text) {
  constexpr size_t kLine = 90;
  const auto append = [&](const std::string& head, const std::string& inner, const Json& item) {
    const std::string flow = YamlFlow(item);
    if (!item.is_structured() || (IsFlat(item) && flow.size() + head.size() < kLine)) {
      *text += head + (head.ends_with(' ') ? "" : " ") + flow + "\n";
    } else if (item.is_array() || !value.is_array()) {
      *text += head + "\n";
      AppendYaml(item, inner, text);
    } else {
      // a mapping in a list begins behind its dash
      const size_t start = text->size();
      AppendYaml(item, inner, text);
      text->replace(start, inner.size(), head + " ");
    }
  };
  if (value.is_array()) {
    for (const Json& item : value) append(indent + "-", indent + "  ", item);
    return;
  }
  for (const auto& [key, item] : value.items()) {
    append(indent + YamlScalar(Json(key)) + ":", indent + "  ", item);
  }
}

}  // namespace

std::string DumpYaml(const Json& json) {
  if (!json.is_structured() || json.empty()) return YamlFlow(json) + "\n";
  std::string text;
  AppendYaml(json, "", &text);
  return text;
}

std::string ReadText(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file)) {
    ThrowBadInput(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)));
  }
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Json ParseYaml(const std::string& text, const std::string& name) {
  try {
    return NodeToJson(YAML::Load(text), name, 0);
  } catch (const YAML::Exception& error) {
    ThrowBadInput(fmt::format("{}:{}: not valid YAML: {}", name, error.mark.line + 1, error.msg));
  }
}

Json LoadYaml(const std::filesystem::path& file) {
  return ParseYaml(ReadText(file), file.string());
}

Json ParseJson(const std::string& text, const std::string& name) {
  // copying and printing recurse: nesting without bound would end the program
  if (NestsTooDeep(text))
    ThrowBadInput(fmt::format("{}: nested deeper than {}", name, kMaxNesting));
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    // without the library's own number of the error
    std::string what = IsUtf8(text) ? error.what() : "its text is no UTF-8";
    if (const size_t end = what.find("] "); what.starts_with('[') && end != std::string::npos) {
      what.erase(0, end + 2);
    }
    ThrowBadInput(fmt::format("{}: not valid JSON: {}", name, what));
  }
}

Json LoadJson(const std::filesystem::path& file) {
  return ParseJson(ReadText(file), file.string());
}

Json::json_pointer FirstDifference(const Json& a, const Json& b) {
  const Json changes = Json::diff(a, b);
  return Json::json_pointer(changes.empty() ? "" : changes[0].at("path").get<std::string>());
}

std::string Dotted(const Json::json_pointer& place) {
  std::string text = place.to_string();
  std::replace(text.begin(), text.end(), '/', '.');
  return text.empty() ? text : text.substr(1);
}

void WriteTextAtomically(const std::filesystem::path& file, const std::string& text) {
  const std::string part = file.string() + ".part";
  const auto fail = [&](const char* what) {
    const std::string reason = std::strerror(errno);
    ::unlink(part.c_str());
    ThrowFailed(fmt::format("{}: {} failed: {}", file.string(), what, reason));
  };
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) fail("open for writing");
  // short writes are legal: repeat until all is written
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int reason = errno;
      ::close(fd);
      errno = reason;
      fail("write");
    }
    done += static_cast<size_t>(n);
  }
  if (::fsync(fd) != 0) {
    const int reason = errno;
    ::close(fd);
    errno = reason;
    fail("fsync");
  }
  if (::close(fd) != 0) fail("close");
  if (::rename(part.c_str(), file.c_str()) != 0) fail("rename");
}

}  // namespace understudy
