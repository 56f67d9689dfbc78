#include "core/spec/never_holds.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

namespace understudy {
namespace {

constexpr size_t kMostQuestions = 12;  // that are tried in all combinations

// Why a predicate that names no others holds nowhere; empty: it may.
struct WhyNever {
  int horizon = 0;
  std::string operator()(const InBoxPredicate& p) const {
    for (int i = 0; i < 3; ++i) {
      if (p.low[i] <= p.high[i]) continue;
      return fmt::format("low = {} lies above high = {} in {}", p.low[i], p.high[i], "xyz"[i]);
    }
    return "";
  }
  std::string operator()(const JointPredicate& p) const {
    if (p.low <= p.high) return "";
    return fmt::format("low = {} lies above high = {}", p.low, p.high);
  }
  std::string operator()(const OnTopPredicate& p) const {
    return p.object == p.support ? fmt::format("'{}' does not lie on itself", p.object) : "";
  }
  std::string operator()(const AnyPredicate& p) const {
    return p.of.empty() ? "it names none of which one could hold" : "";
  }
  std::string operator()(const HeldPredicate& p) const {
    if (p.steps <= horizon) return "";
    return fmt::format("steps = {} are more than the horizon of {}", p.steps, horizon);
  }
  template <class T>
  std::string operator()(const T&) const {
    return "";
  }
};

// Asks whether predicates exclude each other: what the scene answers is tried in all combinations.
class Combinations {
 public:
  explicit Combinations(const TaskSpec& task) : task_(task) { order_ = PredicateOrder(task); }

  bool MayHold(const std::string& wanted) {
    Collect(wanted);
    if (questions_.size() > kMostQuestions) return true;
    for (uint32_t answers = 0; answers < (1u << questions_.size()); ++answers) {
      if (Holds(wanted, answers)) return true;
    }
    return false;
  }

 private:
  // Predicates that say the same are one question.
  static std::string Question(const Predicate& predicate) { return ToJson(predicate).dump(); }

  void Collect(const std::string& name) {
    if (!used_.insert(name).second) return;
    const Predicate& predicate = task_.predicates.at(name);
    const bool compound = std::holds_alternative<AllPredicate>(predicate) ||
                          std::holds_alternative<AnyPredicate>(predicate) ||
                          std::holds_alternative<NotPredicate>(predicate);
    if (!compound) questions_.emplace(Question(predicate), questions_.size());
    for (const std::string& operand : OperandsOf(predicate)) Collect(operand);
  }

  // Whether `wanted` holds where the scene answers so, and may answer so.
  bool Holds(const std::string& wanted, uint32_t answers) const {
    std::map<std::string, bool> holds;
    std::set<std::string> grasped, released;
    for (const std::string& name : order_) {
      if (!used_.contains(name)) continue;
      const Predicate& predicate = task_.predicates.at(name);
      const auto of = [&](const std::string& operand) { return holds.at(operand); };
      if (const auto* all = std::get_if<AllPredicate>(&predicate)) {
        holds[name] = std::all_of(all->of.begin(), all->of.end(), of);
        continue;
      }
      if (const auto* any = std::get_if<AnyPredicate>(&predicate)) {
        holds[name] = std::any_of(any->of.begin(), any->of.end(), of);
        continue;
      }
      if (const auto* negation = std::get_if<NotPredicate>(&predicate)) {
        holds[name] = !of(negation->of);
        continue;
      }
      const bool answer = ((answers >> questions_.at(Question(predicate))) & 1u) != 0;
      holds[name] = answer;
      if (!answer) continue;
      if (!std::visit(WhyNever{task_.horizon}, predicate).empty()) return false;
      if (const auto* held = std::get_if<HeldPredicate>(&predicate); held && !of(held->of)) {
        return false;
      }
      if (const auto* p = std::get_if<GraspedPredicate>(&predicate)) grasped.insert(p->object);
      if (const auto* p = std::get_if<ReleasedPredicate>(&predicate)) released.insert(p->object);
    }
    for (const std::string& object : grasped) {
      if (released.contains(object)) return false;
    }
    return holds.at(wanted);
  }

  const TaskSpec& task_;
  std::vector<std::string> order_;
  std::set<std::string> used_;
  std::map<std::string, size_t> questions_;
};

}  // namespace

std::vector<std::string> OperandsOf(const Predicate& predicate) {
  if (const auto* all = std::get_if<AllPredicate>(&predicate)) return all->of;
  if (const auto* any = std::get_if<AnyPredicate>(&predicate)) return any->of;
  if (const auto* negation = std::get_if<NotPredicate>(&predicate)) return {negation->of};
  if (const auto* held = std::get_if<HeldPredicate>(&predicate)) return {held->of};
  return {};
}

std::vector<std::string> NeverHold(const TaskSpec& task) {
  std::vector<std::pair<std::string, std::string>> waited{{"success", task.success}};
  for (size_t i = 0; i < task.subtasks.size(); ++i) {
    waited.emplace_back(fmt::format("subtasks[{}].signal", i), task.subtasks[i].signal);
    waited.emplace_back(fmt::format("subtasks[{}].check", i), task.subtasks[i].check);
  }
  std::vector<std::string> problems;
  for (const auto& [path, name] : waited) {
    if (!task.predicates.contains(name) || Combinations(task).MayHold(name)) continue;
    // the nearest reason that a predicate has of its own
    std::string why;
    std::set<std::string> seen;
    const std::function<void(const std::string&)> look = [&](const std::string& at) {
      if (!seen.insert(at).second) return;
      const Predicate& predicate = task.predicates.at(at);
      const std::string own = std::visit(WhyNever{task.horizon}, predicate);
      if (why.empty() && !own.empty()) why = fmt::format("predicates.{}: {}", at, own);
      if (std::holds_alternative<NotPredicate>(predicate)) return;
      for (const std::string& operand : OperandsOf(predicate)) look(operand);
    };
    look(name);
    problems.push_back(fmt::format("{}: '{}' can never hold: {}", path, name,
                                   why.empty() ? "what it asks for excludes itself" : why));
  }
  return problems;
}

}  // namespace understudy
