#include "core/base/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>

#include "core/base/error.h"

namespace understudy {

struct Expression::Node {
  std::string op;  // an operator, a function, "value" or "name"
  std::string name;
  Json value;
  std::vector<std::unique_ptr<Node>> of = {};
};

namespace {

using Node = Expression::Node;
using NodePtr = std::unique_ptr<Node>;

// Expressions nest no deeper than people write them: hostile text must not end the stack.
constexpr int kMaxBrackets = 100;
constexpr size_t kMaxText = 10000;

NodePtr Make(std::string op, NodePtr a, NodePtr b = nullptr) {
  auto node = std::make_unique<Node>(Node{.op = std::move(op)});
  node->of.push_back(std::move(a));
  if (b) node->of.push_back(std::move(b));
  return node;
}

// Recursive descent, one function per level of precedence.
class Parser {
 public:
  Parser(const std::string& text, std::vector<std::string>& names) : text_(text), names_(names) {}

  NodePtr Parse() {
    if (text_.size() > kMaxText) ThrowUsage("an expression of more than 10000 letters");
    NodePtr root = Or();
    if (Peek() != '\0') Fail("an operator is missing here");
    return root;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    ThrowUsage(fmt::format("'{}': {}: '{}'", text_, what,
                           at_ < text_.size() ? text_.substr(at_) : "the end"));
  }

  char Peek() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  // The first of `tokens` that stands here, taken; longer ones come first in the list.
  std::string Take(std::initializer_list<const char*> tokens) {
    Peek();
    for (const char* token : tokens) {
      if (text_.compare(at_, std::string_view(token).size(), token) == 0) {
        at_ += std::string_view(token).size();
        return token;
      }
    }
    return "";
  }

  NodePtr Or() {
    NodePtr left = And();
    while (!Take({"||"}).empty()) left = Make("||", std::move(left), And());
    return left;
  }

  NodePtr And() {
    NodePtr left = Not();
    while (!Take({"&&"}).empty()) left = Make("&&", std::move(left), Not());
    return left;
  }

  NodePtr Not() {
    const Depth depth(*this);
    if (Peek() == '!' && text_.compare(at_, 2, "!=") != 0) {
      ++at_;
      return Make("!", Not());
    }
    return Comparison();
  }

  NodePtr Comparison() {
    NodePtr left = Sum();
    const std::string op = Take({"==", "!=", "<=", ">=", "<", ">"});
    if (!op.empty()) return Make(op, std::move(left), Sum());
    if (Peek() == '=') Fail("equality is written ==");
    if (Peek() == '&' || Peek() == '|') {
      if (text_.compare(at_, 2, "&&") != 0 && text_.compare(at_, 2, "||") != 0) {
        Fail("'and' is written &&, 'or' ||");
      }
    }
    return left;
  }

  NodePtr Sum() {
    NodePtr left = Product();
    for (std::string op; !(op = Take({"+", "-"})).empty();) {
      left = Make(op, std::move(left), Product());
    }
    return left;
  }

  NodePtr Product() {
    NodePtr left = Unary();
    for (std::string op; !(op = Take({"*", "/"})).empty();) {
      left = Make(op, std::move(left), Unary());
    }
    return left;
  }

  NodePtr Unary() {
    const Depth depth(*this);
    if (!Take({"-"}).empty()) return Make("negative", Unary());
    return Primary();
  }

  NodePtr Primary() {
    const char c = Peek();
    if (c == '(') {
      ++at_;
      NodePtr inner = Or();
      if (Take({")"}).empty()) Fail("a ) is missing here");
      return inner;
    }
    if (c == '\'' || c == '"') return Text(c);
    if (std::isdigit(static_cast<unsigned char>(c)) || c == '.') return Number();
    if (std::isalpha(static_cast<unsigned char>(c)) || c == '_') return Word();
    Fail("a value or a name is missing here");
  }

  static NodePtr Value(Json value) {
    return std::make_unique<Node>(Node{.op = "value", .value = std::move(value)});
  }

  NodePtr Text(char quote) {
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string::npos) Fail("a text that does not end");
    const std::string text = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return Value(text);
  }

  NodePtr Number() {
    size_t used = 0;
    double number = 0;
    try {
      number = std::stod(text_.substr(at_, 64), &used);
    } catch (const std::exception&) {
      Fail("no number");
    }
    at_ += used;
    return Value(number);
  }

  NodePtr Word() {
    const size_t begin = at_;
    const auto belongs = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
    };
    while (at_ < text_.size() && belongs(text_[at_])) ++at_;
    const std::string word = text_.substr(begin, at_ - begin);
    if (word == "true" || word == "false") return Value(word == "true");
    if (word == "null") return Value(nullptr);
    if (Peek() == '(') return Call(word);
    if (std::find(names_.begin(), names_.end(), word) == names_.end()) names_.push_back(word);
    return std::make_unique<Node>(Node{.op = "name", .name = word});
  }

  NodePtr Call(const std::string& function) {
    const std::vector<std::string> known{"abs", "contains", "max", "min"};
    if (std::find(known.begin(), known.end(), function) == known.end()) {
      ThrowUsage(fmt::format("'{}': {}", text_, UnknownName("function", function, known)));
    }
    auto node = std::make_unique<Node>(Node{.op = function});
    ++at_;
    do {
      node->of.push_back(Or());
    } while (!Take({","}).empty());
    if (Take({")"}).empty()) Fail("a ) is missing here");
    const size_t given = node->of.size();
    const bool right = function == "abs" ? given == 1 : function == "contains" ? given == 2 : true;
    if (!right) ThrowUsage(fmt::format("'{}': {} takes another number of values", text_, function));
    return node;
  }

  struct Depth {
    explicit Depth(Parser& parser) : parser(parser) {
      if (++parser.depth_ > kMaxBrackets) parser.Fail("nested too deeply");
    }
    ~Depth() { --parser.depth_; }
    Parser& parser;
  };

  const std::string& text_;
  std::vector<std::string>& names_;
  size_t at_ = 0;
  int depth_ = 0;
};

class Evaluator {
 public:
  Evaluator(const std::string& text, const Facts& facts) : text_(text), facts_(facts) {}

  // A chain such as a + b + c is a tree as deep as it is long: its left side is walked along.
  Json Of(const Node& node) const {
    std::vector<const Node*> chain;  // outermost first
    const Node* first = &node;
    while (IsChained(first->op)) {
      chain.push_back(first);
      first = first->of[0].get();
    }
    Json value = Single(*first);
    for (; !chain.empty(); chain.pop_back()) value = Joined(*chain.back(), value);
    return value;
  }

  // What null means as a condition: no.
  bool Condition(const Node& node) const { return AsCondition(node, Of(node)); }

 private:
  static bool IsChained(const std::string& op) {
    return op == "||" || op == "&&" || op == "+" || op == "-" || op == "*" || op == "/";
  }

  bool AsCondition(const Node& node, const Json& value) const {
    if (value.is_null()) return false;
    if (!value.is_boolean()) {
      ThrowUsage(fmt::format("'{}': {} is no condition: compare it with something", text_,
                             node.op == "name" ? node.name : value.dump()));
    }
    return value.get<bool>();
  }

  // A node of a chain whose left side is known.
  Json Joined(const Node& node, const Json& left) const {
    const Node& right = *node.of[1];
    if (node.op == "||") return AsCondition(*node.of[0], left) || Condition(right);
    if (node.op == "&&") return AsCondition(*node.of[0], left) && Condition(right);
    return Operate(node.op, {left, Of(right)});
  }

  Json Single(const Node& node) const {
    if (node.op == "value") return node.value;
    if (node.op == "name") {
      const auto found = facts_.find(node.name);
      return found == facts_.end() ? Json(nullptr) : found->second;
    }
    if (node.op == "!") return !Condition(*node.of[0]);
    std::vector<Json> values;
    for (const NodePtr& operand : node.of) values.push_back(Of(*operand));
    return Operate(node.op, values);
  }

  Json Operate(const std::string& op, const std::vector<Json>& values) const {
    const bool unknown = std::any_of(values.begin(), values.end(),
                                     [](const Json& value) { return value.is_null(); });
    if (op == "==") return Equal(values[0], values[1]);
    if (op == "!=") return !Equal(values[0], values[1]);
    if (op == "<" || op == "<=" || op == ">" || op == ">=") {
      return !unknown && Ordered(op, values[0], values[1]);
    }
    if (op == "contains") {
      if (unknown) return false;
      for (const Json& value : values) Expect(value.is_string(), "contains", value, "texts");
      return values[0].get<std::string>().find(values[1].get<std::string>()) != std::string::npos;
    }
    if (unknown) return nullptr;
    for (const Json& value : values) Expect(value.is_number(), op, value, "numbers");
    return Calculate(op, values);
  }

  void Expect(bool right, const std::string& op, const Json& value, const char* what) const {
    if (right) return;
    ThrowUsage(fmt::format("'{}': {} is for {}, not for {}", text_, op, what, value.dump()));
  }

  bool Equal(const Json& a, const Json& b) const {
    if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
    const bool alike = a.is_number() ? b.is_number() : a.type() == b.type();
    if (!alike) {
      ThrowUsage(fmt::format("'{}': {} and {} are of different kinds", text_, a.dump(), b.dump()));
    }
    return a.is_number() ? a.get<double>() == b.get<double>() : a == b;
  }

  bool Ordered(const std::string& op, const Json& a, const Json& b) const {
    const bool numbers = a.is_number() && b.is_number(), texts = a.is_string() && b.is_string();
    if (!numbers && !texts) {
      ThrowUsage(fmt::format("'{}': {} compares two numbers or two texts, not {} and {}", text_, op,
                             a.dump(), b.dump()));
    }
    const auto holds = [&](const auto& x, const auto& y) {
      return op == "<" ? x < y : op == "<=" ? x <= y : op == ">" ? x > y : x >= y;
    };
    return numbers ? holds(a.get<double>(), b.get<double>())
                   : holds(a.get<std::string>(), b.get<std::string>());
  }

  static Json Calculate(const std::string& op, const std::vector<Json>& values) {
    double result = values[0].get<double>();
    if (op == "negative") return -result;
    if (op == "abs") return std::abs(result);
    for (size_t i = 1; i < values.size(); ++i) {
      const double next = values[i].get<double>();
      if (op == "+") result += next;
      if (op == "-") result -= next;
      if (op == "*") result *= next;
      if (op == "/") result /= next;
      if (op == "min") result = std::min(result, next);
      if (op == "max") result = std::max(result, next);
    }
    return result;
  }

  const std::string& text_;
  const Facts& facts_;
};

}  // namespace

void AddFacts(const std::string& name, const Json& json, Facts& facts) {
  if (json.is_structured()) {
    size_t i = 0;
    for (const auto& [key, value] : json.items()) {
      AddFacts(name + "." + (json.is_array() ? std::to_string(i++) : key), value, facts);
    }
  } else {
    facts[name] = json;
  }
}

Expression::Expression(const std::string& text) : text_(text) {
  root_ = Parser(text_, names_).Parse();
}
Expression::~Expression() = default;
Expression::Expression(Expression&&) noexcept = default;

Json Expression::Evaluate(const Facts& facts) const { return Evaluator(text_, facts).Of(*root_); }
bool Expression::Holds(const Facts& facts) const {
  return Evaluator(text_, facts).Condition(*root_);
}

}  // namespace understudy
