#include "core/base/phases.h"

#include <utility>

#include "core/base/clock.h"

namespace understudy {
namespace {

thread_local PhaseCollector* collector = nullptr;

}  // namespace

PhaseCollector::PhaseCollector() : before_(std::exchange(collector, this)) {}

PhaseCollector::~PhaseCollector() { collector = before_; }

std::map<std::string, double> PhaseCollector::TakeSeconds() { return std::exchange(seconds_, {}); }

PhaseScope::PhaseScope(const char* name) : name_(name) {
  if (collector) begin_ = MonotonicSeconds();
}

PhaseScope::~PhaseScope() {
  if (collector && begin_ > 0) collector->seconds_[name_] += MonotonicSeconds() - begin_;
}

}  // namespace understudy
