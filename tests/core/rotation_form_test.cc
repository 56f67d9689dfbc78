#include "core/geometry/rotation_form.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/base/rng.h"

namespace understudy {
namespace {

constexpr RotationForm kAllForms[] = {RotationForm::kWxyz,      RotationForm::kXyzw,
                                      RotationForm::k6dColumns, RotationForm::k6dRows,
                                      RotationForm::kAxisAngle, RotationForm::kEulerXyz};

TEST(RotationForm, WhatIsWrittenIsReadBack) {
  Rng rng(RngKey{21});
  for (const RotationForm form : kAllForms) {
    for (int i = 0; i < 20; ++i) {
      const Eigen::Quaterniond q =
          Eigen::Quaterniond(rng.Normal(), rng.Normal(), rng.Normal(), rng.Normal()).normalized();
      const std::vector<double> numbers = WriteRotation(q, form);
      ASSERT_EQ(static_cast<int>(numbers.size()), NumbersOf(form));
      const auto read = ReadRotation(numbers.data(), form);
      ASSERT_TRUE(read);
      EXPECT_LT(read->angularDistance(q), 1e-6) << static_cast<int>(form);
    }
  }
}

TEST(RotationForm, NumbersThatAreNoRotationAreRefused) {
  const double zeros[6] = {}, parallel[6] = {1, 2, 3, 2, 4, 6};
  for (const RotationForm form : {RotationForm::kWxyz, RotationForm::kXyzw,
                                  RotationForm::k6dColumns, RotationForm::k6dRows}) {
    EXPECT_FALSE(ReadRotation(zeros, form)) << static_cast<int>(form);
  }
  EXPECT_FALSE(ReadRotation(parallel, RotationForm::k6dColumns));
  EXPECT_FALSE(ReadRotation(parallel, RotationForm::k6dRows));
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  const double broken[6] = {nothing, 1, 1, 1, 1, 1};
  for (const RotationForm form : kAllForms) {
    EXPECT_FALSE(ReadRotation(broken, form)) << static_cast<int>(form);
  }
}

}  // namespace
}  // namespace understudy
