#pragma once

#include <map>
#include <string>

namespace understudy {

// Where the time of a call goes, for those who ask: while a PhaseCollector lives, each PhaseScope
// on its thread adds its seconds under its name. Without one a scope costs a comparison.
class PhaseCollector {
 public:
  PhaseCollector();
  ~PhaseCollector();
  PhaseCollector(const PhaseCollector&) = delete;
  PhaseCollector& operator=(const PhaseCollector&) = delete;

  // Since the last call.
  std::map<std::string, double> TakeSeconds();

 private:
  friend class PhaseScope;
  PhaseCollector* before_;
  std::map<std::string, double> seconds_;
};

class PhaseScope {
 public:
  explicit PhaseScope(const char* name);
  ~PhaseScope();
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  const char* name_;
  double begin_ = 0;  // s; nobody asks: 0
};

}  // namespace understudy
