#include "data/base/json.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <regex>
#include <sstream>

#include "data/base/error.h"

namespace understudy {
namespace {

// Deeper nesting than any of our files: a guard against hostile input, not a taste.
constexpr int kMaxDepth = 64;

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
  if (depth > kMaxDepth)
    ThrowBadInput(fmt::format("{}: nested deeper than {}", place(), kMaxDepth));
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

// Whether brackets outside of texts nest deeper than kMaxDepth.
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
      if (++depth > kMaxDepth) return true;
    } else if (!in_text && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return false;
}

}  // namespace

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
  if (NestsTooDeep(text)) ThrowBadInput(fmt::format("{}: nested deeper than {}", name, kMaxDepth));
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    ThrowBadInput(fmt::format("{}: not valid JSON: {}", name, error.what()));
  }
}

Json LoadJson(const std::filesystem::path& file) {
  return ParseJson(ReadText(file), file.string());
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
  // short writes are legal: go on until all is out
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      ::close(fd);
      fail("write");
    }
    done += static_cast<size_t>(n);
  }
  const bool synced = ::fsync(fd) == 0;
  if (::close(fd) != 0 || !synced) fail("fsync");
  if (::rename(part.c_str(), file.c_str()) != 0) fail("rename");
}

}  // namespace understudy
