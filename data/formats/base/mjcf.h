#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace understudy::mjcf {

// An element of a model in MJCF. Comments and text between elements are not kept: MJCF gives them
// no meaning.
struct Element {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<Element> children;

  // Null where there is none.
  const std::string* Find(std::string_view attribute) const;
  void Set(const std::string& attribute, const std::string& value);
  void Erase(std::string_view attribute);
};

// The element of the whole text; empty where that is no XML, or is nested beyond any model.
std::optional<Element> Parse(std::string_view text);
std::string Write(const Element& root);

// The joints in the order of qpos, each as the names of the bodies around it and its own name,
// type and class. Two models with the same joints store the same states. Empty where `text` is no
// MJCF, or is put together from files that only the simulator opens.
std::vector<std::string> JointsOf(std::string_view text);

}  // namespace understudy::mjcf
