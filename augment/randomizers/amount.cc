#include "augment/randomizers/amount.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace understudy {
namespace {

constexpr int kRedraws = 1000;  // of a truncated normal until its nearer end is taken

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

Amount Amount::Scaled(double times) const {
  Amount scaled = *this;
  scaled.severity *= times;
  return scaled;
}

std::array<double, 2> Amount::Ends() const {
  return std::visit(Overloaded{[](const ConstantAmount& d) {
                                 return std::array{d.value, d.value};
                               },
                               [](const ChoiceAmount& d) {
                                 if (d.values.empty()) return std::array{1.0, 1.0};
                                 const auto [low, high] =
                                     std::minmax_element(d.values.begin(), d.values.end());
                                 return std::array{*low, *high};
                               },
                               [](const auto& d) {
                                 return std::array{d.low, d.high};
                               }},
                    draw);
}

void Amount::Check(PartCheck& check) const {
  const auto ends = Ends();
  check.Range("draw", ends);
  if (const auto* choice = std::get_if<ChoiceAmount>(&draw); choice && choice->values.empty()) {
    check.Complain("draw.values", "empty: give at least one value to choose");
  }
  if (const auto* outside = std::get_if<OutsideAmount>(&draw)) {
    check.Range("draw.inner", {outside->inner_low, outside->inner_high});
    if (outside->inner_low < outside->low || outside->inner_high > outside->high) {
      check.Complain("draw", fmt::format("[{}, {}] must lie in [{}, {}]", outside->inner_low,
                                         outside->inner_high, outside->low, outside->high));
    }
    if (outside->inner_low == outside->low && outside->inner_high == outside->high &&
        outside->low < outside->high) {
      check.Complain("draw", "nothing is left outside of the inner range");
    }
  }
  const bool positive =
      operation == Operation::kScale || std::holds_alternative<LogUniformAmount>(draw);
  if (positive && !(ends[0] > 0)) {
    check.Complain("draw", fmt::format("{} must be above 0 {}", ends[0],
                                       operation == Operation::kScale ? "to scale with"
                                                                      : "to have a logarithm"));
  }
}

void Amount::CheckResult(PartCheck& check, const std::string& part, double nominal,
                         const Limits& limits, const char* why) const {
  for (const double end : Ends()) {
    const double result = Apply(end, nominal);
    if (result >= limits.low && result <= limits.high) continue;
    check.Complain("draw",
                   fmt::format("gives '{}' {} where it has {}{}; it must lie in [{}, {}]", part,
                               result, nominal, result < limits.low ? std::string(": ") + why : "",
                               limits.low, limits.high));
    return;
  }
}

double Amount::Draw(Rng& rng, double nominal) const {
  const double drawn = std::visit(
      Overloaded{[](const ConstantAmount& d) { return d.value; },
                 [&](const UniformAmount& d) { return rng.Uniform(d.low, d.high); },
                 [&](const LogUniformAmount& d) {
                   const double share = rng.Uniform();
                   if (d.low == d.high) return d.low;
                   return std::clamp(std::exp(std::log(d.low) + share * std::log(d.high / d.low)),
                                     d.low, d.high);
                 },
                 [&](const TruncatedNormalAmount& d) {
                   double value = d.mean + d.deviation * rng.Normal();
                   for (int i = 1; i < kRedraws && (value < d.low || value > d.high); ++i) {
                     value = d.mean + d.deviation * rng.Normal();
                   }
                   return std::clamp(value, d.low, d.high);
                 },
                 [&](const ChoiceAmount& d) { return d.values[rng.UniformInt(d.values.size())]; },
                 [&](const OutsideAmount& d) {
                   const double below = d.inner_low - d.low;
                   const double place = rng.Uniform(0, below + (d.high - d.inner_high));
                   return place < below ? d.low + place : d.inner_high + (place - below);
                 }},
      draw);
  return Apply(drawn, nominal);
}

double Amount::Apply(double drawn, double nominal) const {
  switch (operation) {
    case Operation::kScale:
      return nominal * (severity == 1 ? drawn : std::pow(drawn, severity));
    case Operation::kAdd:
      return nominal + severity * drawn;
    case Operation::kSet:
      return severity == 1 ? drawn : nominal + severity * (drawn - nominal);
  }
  return nominal;
}

}  // namespace understudy
