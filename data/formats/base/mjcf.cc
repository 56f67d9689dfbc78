#include "data/formats/base/mjcf.h"

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

namespace understudy::mjcf {
namespace {

constexpr int kDeepest = 500;  // nested elements: a chain of bodies, not an attack on the stack

bool Copy(const pugi::xml_node& node, int depth, Element* element) {
  if (depth > kDeepest) return false;
  element->name = node.name();
  for (const pugi::xml_attribute& attribute : node.attributes()) {
    element->attributes.emplace_back(attribute.name(), attribute.value());
  }
  for (const pugi::xml_node& child : node.children()) {
    if (child.type() != pugi::node_element) continue;
    if (!Copy(child, depth + 1, &element->children.emplace_back())) return false;
  }
  return true;
}

void Copy(const Element& element, pugi::xml_node parent) {
  pugi::xml_node node = parent.append_child(element.name.c_str());
  for (const auto& [name, value] : element.attributes) {
    node.append_attribute(name.c_str()).set_value(value.c_str());
  }
  for (const Element& child : element.children) Copy(child, node);
}

// False where joints may stand in another file.
bool AddJoints(const Element& element, const std::string& around,
               std::vector<std::string>* joints) {
  for (const Element& child : element.children) {
    const auto word = [&](const char* attribute) {
      const std::string* value = child.Find(attribute);
      return value == nullptr ? std::string() : *value;
    };
    if (child.name == "joint" || child.name == "freejoint") {
      const std::string type = child.name == "freejoint" ? "free" : word("type");
      joints->push_back(around + " " + word("name") + " " + type + " " + word("class"));
    } else if (child.name == "body" || child.name == "frame") {
      const std::string inside = child.name == "body" ? around + "/" + word("name") : around;
      if (!AddJoints(child, inside, joints)) return false;
    } else if (child.name == "include" || child.name == "replicate" || child.name == "attach") {
      return false;
    }
  }
  return true;
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

std::optional<Element> Parse(std::string_view text) {
  pugi::xml_document document;
  if (!document.load_buffer(text.data(), text.size())) return {};
  const auto elements = [](const pugi::xml_node& node) {
    return node.type() == pugi::node_element;
  };
  const auto roots = document.children();
  Element root;
  if (std::count_if(roots.begin(), roots.end(), elements) != 1) return {};
  if (!Copy(document.document_element(), 0, &root)) return {};
  return root;
}

std::string Write(const Element& root) {
  pugi::xml_document document;
  Copy(root, document);
  std::ostringstream text;
  document.save(text, "  ", pugi::format_indent | pugi::format_no_declaration);
  return text.str();
}

std::vector<std::string> JointsOf(std::string_view text) {
  const std::optional<Element> root = Parse(text);
  std::vector<std::string> joints;
  if (!root || root->name != "mujoco") return {};
  for (const Element& part : root->children) {
    if (part.name == "include") return {};
    if (part.name == "worldbody" && !AddJoints(part, "", &joints)) return {};
  }
  return joints;
}

}  // namespace understudy::mjcf
