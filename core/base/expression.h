#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"

namespace understudy {

// Values by name for an expression: numbers, text, true or false. Names without a value are null.
using Facts = std::map<std::string, Json>;

// Puts `json` into `facts`: members as "name.member", entries of lists as "name.0".
void AddFacts(const std::string& name, const Json& json, Facts& facts);

// A condition as users write it: success && steps < 200 && dr.light.key.diffuse.0 > 0.5
//
//   or    a || b     and   a && b     not   !a     groups ( )
//   == != < <= > >=  between numbers, or between texts; == and != also of true, false, null
//   + - * /          of numbers
//   abs(x) min(x, y, ...) max(x, y, ...) contains(text, part)
//   numbers 1 0.5 1e-3, texts 'x' "x", true, false, null; names may hold letters, digits, _ . -
//
// A comparison with null is false, a calculation with null is null: an episode is never chosen for
// what it lacks. A minus that subtracts needs a space before it.
class Expression {
 public:
  // Throws Error(kUsage) that shows the place.
  explicit Expression(const std::string& text);
  ~Expression();
  Expression(Expression&&) noexcept;

  const std::string& text() const { return text_; }
  // All names in it, in order, each once.
  const std::vector<std::string>& names() const { return names_; }
  Json Evaluate(const Facts& facts) const;
  // Throws Error(kUsage) if the result is no condition, or if an operator does not apply to its
  // operands.
  bool Holds(const Facts& facts) const;

  struct Node;

 private:
  std::string text_;
  std::vector<std::string> names_;
  std::unique_ptr<Node> root_;
};

}  // namespace understudy
