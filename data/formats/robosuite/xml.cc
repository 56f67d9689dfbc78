#include "data/formats/robosuite/xml.h"

#include <algorithm>
#include <cctype>

namespace understudy::mjcf {
namespace {

constexpr int kDeepest = 500;  // nested elements: a chain of bodies, not an attack on the stack

class XmlParser {
 public:
  explicit XmlParser(std::string_view text) : text_(text) {}

  std::optional<Element> Parse() {
    if (!SkipBetween()) return {};
    Element root;
    if (!ParseElement(&root, 0)) return {};
    if (!SkipBetween() || at_ < text_.size()) return {};
    return root;
  }

 private:
  bool At(std::string_view what) const { return text_.substr(at_, what.size()) == what; }
  bool SkipPast(std::string_view what) {
    const size_t found = text_.find(what, at_);
    if (found == std::string_view::npos) return false;
    at_ = found + what.size();
    return true;
  }
  void SkipBlanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  // Text, comments and declarations up to the next tag, or the end.
  bool SkipBetween() {
    while (at_ < text_.size()) {
      if (At("<!--")) {
        if (!SkipPast("-->")) return false;
      } else if (At("<?") || At("<!")) {
        if (!SkipPast(">")) return false;
      } else if (text_[at_] == '<') {
        return true;
      } else {
        ++at_;
      }
    }
    return true;
  }
  std::string Name() {
    const size_t begin = at_;
    while (at_ < text_.size() && !std::isspace(static_cast<unsigned char>(text_[at_])) &&
           std::string_view("<>/='\"").find(text_[at_]) == std::string_view::npos) {
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  bool ParseElement(Element* element, int depth) {
    if (depth > kDeepest || !At("<")) return false;
    ++at_;
    element->name = Name();
    if (element->name.empty()) return false;
    while (true) {
      SkipBlanks();
      if (At("/>")) {
        at_ += 2;
        return true;
      }
      if (At(">")) break;
      if (!ParseAttribute(element)) return false;
    }
    ++at_;
    while (SkipBetween() && at_ < text_.size()) {
      if (At("</")) {
        at_ += 2;
        if (Name() != element->name) return false;
        SkipBlanks();
        if (!At(">")) return false;
        ++at_;
        return true;
      }
      element->children.emplace_back();
      if (!ParseElement(&element->children.back(), depth + 1)) return false;
    }
    return false;
  }

  bool ParseAttribute(Element* element) {
    const std::string name = Name();
    SkipBlanks();
    if (name.empty() || !At("=")) return false;
    ++at_;
    SkipBlanks();
    if (!At("\"") && !At("'")) return false;
    const char quote = text_[at_++];
    const size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) return false;
    std::string value(text_.substr(at_, end - at_));
    at_ = end + 1;
    // written again between double quotes
    for (size_t i = value.find('"'); i != std::string::npos; i = value.find('"', i)) {
      value.replace(i, 1, "&quot;");
    }
    element->attributes.emplace_back(name, std::move(value));
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

void WriteElement(const Element& element, size_t depth, std::string* out) {
  out->append(2 * depth, ' ');
  *out += "<" + element.name;
  for (const auto& [name, value] : element.attributes) *out += " " + name + "=\"" + value + "\"";
  if (element.children.empty()) {
    *out += "/>\n";
    return;
  }
  *out += ">\n";
  for (const Element& child : element.children) WriteElement(child, depth + 1, out);
  out->append(2 * depth, ' ');
  *out += "</" + element.name + ">\n";
}

}  // namespace

const std::string* Element::Find(std::string_view attribute) const {
  for (const auto& [name, value] : attributes) {
    if (name == attribute) return &value;
  }
  return nullptr;
}

void Element::Set(const std::string& attribute, const std::string& value) {
  for (auto& [name, old] : attributes) {
    if (name != attribute) continue;
    old = value;
    return;
  }
  attributes.emplace_back(attribute, value);
}

void Element::Erase(std::string_view attribute) {
  std::erase_if(attributes, [&](const auto& named) { return named.first == attribute; });
}

std::optional<Element> ParseXml(std::string_view text) { return XmlParser(text).Parse(); }

std::string WriteXml(const Element& root) {
  std::string text;
  WriteElement(root, 0, &text);
  return text;
}

}  // namespace understudy::mjcf
