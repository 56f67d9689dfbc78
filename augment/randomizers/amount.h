#pragma once

#include <array>
#include <string>
#include <variant>
#include <vector>

#include "augment/randomizers/draw.h"

namespace understudy {

// ---- distributions of a number -----------------------------------------------------------------

struct ConstantAmount {
  static constexpr const char* kTag = "constant";
  double value = 1;
  template <class V>
  void Visit(V& v) {
    v("value", value, "always");
  }
};
struct UniformAmount {
  static constexpr const char* kTag = "uniform";
  double low = 1, high = 1;
  template <class V>
  void Visit(V& v) {
    v("low", low, "least");
    v("high", high, "greatest");
  }
};
// Uniform in the logarithm: a half is as likely as a double.
struct LogUniformAmount {
  static constexpr const char* kTag = "log_uniform";
  double low = 1, high = 1;
  template <class V>
  void Visit(V& v) {
    v("low", low, "least, above 0");
    v("high", high, "greatest");
  }
};
struct TruncatedNormalAmount {
  static constexpr const char* kTag = "truncated_normal";
  double mean = 1, deviation = 0, low = 1, high = 1;
  template <class V>
  void Visit(V& v) {
    v("mean", mean, "of the normal distribution");
    v("deviation", deviation, "its standard deviation", Limits{0, 1e9});
    v("low", low, "draws below it are repeated");
    v("high", high, "draws above too");
  }
};
struct ChoiceAmount {
  static constexpr const char* kTag = "choice";
  std::vector<double> values{1};
  template <class V>
  void Visit(V& v) {
    v("values", values, "one of them, each as likely");
  }
};
// Uniform in a range without its inner part: a held-out range around one that was trained on.
struct OutsideAmount {
  static constexpr const char* kTag = "outside";
  double low = 1, inner_low = 1, inner_high = 1, high = 1;
  template <class V>
  void Visit(V& v) {
    v("low", low, "least");
    v("inner_low", inner_low, "from here to inner_high nothing is drawn");
    v("inner_high", inner_high, "end of it");
    v("high", high, "greatest");
  }
};
using Distribution = std::variant<ConstantAmount, UniformAmount, LogUniformAmount,
                                  TruncatedNormalAmount, ChoiceAmount, OutsideAmount>;

// What is done to the nominal value with what was drawn.
enum class Operation { kScale, kAdd, kSet };
template <>
struct EnumNames<Operation> {
  static constexpr std::array kNames{"scale", "add", "set"};
};

// How a number is drawn, from its nominal value.
struct Amount {
  Operation operation = Operation::kScale;
  Distribution draw = UniformAmount{};
  double severity = 1;  // not in files: how far from the nominal value, in terms of the drawn one

  template <class V>
  void Visit(V& v) {
    v("operation", operation, "of what is drawn on the nominal value");
    v("draw", draw, "distribution");
  }
  Amount Scaled(double times) const;
  // Ends that are swapped, and draws that the operation does not take.
  void Check(PartCheck& check) const;
  // Results for this part must lie within `limits`; `why` says what they would be below.
  void CheckResult(PartCheck& check, const std::string& part, double nominal, const Limits& limits,
                   const char* why) const;
  double Draw(Rng& rng, double nominal) const;

 private:
  std::array<double, 2> Ends() const;  // of what is drawn
  double Apply(double drawn, double nominal) const;
};

// Calls each(part, its random stream) for every part that the patterns match; with `together` the
// streams are all the same, so that all parts draw one amount.
template <class T, class F>
void VisitMatches(const PhysicsDraw& draw, const std::vector<T>& parts,
                  const std::vector<std::string>& patterns, bool together, const F& each) {
  for (const T& part : parts) {
    if (!MatchesAny(patterns, part.name)) continue;
    Rng rng = draw.StreamOf(together ? "*" : part.name);
    each(part, rng);
  }
}

}  // namespace understudy
