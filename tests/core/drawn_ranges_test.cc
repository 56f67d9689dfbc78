// What was drawn in the data that a policy was trained on.
#include "core/spec/drawn_ranges.h"

#include <gmock/gmock.h>

#include "core/base/error.h"

namespace understudy {
namespace {

SceneVariation Paint(TexturePattern pattern, double red) {
  TextureEdit edit;
  edit.texture = "wall";
  edit.pattern = pattern;
  edit.rgb1 = Eigen::Vector3d(red, 0.5, 0.5);
  return {{edit}};
}

TEST(DrawnRanges, HoldsWhatLiesBetweenWhatWasAdded) {
  DrawnRanges ranges;
  EXPECT_FALSE(ranges.Hold({}, {{MassEdit{"cube", 1.2}}})) << "nothing was drawn";
  ranges.Add({}, {{MassEdit{"cube", 0.8}, FrictionEdit{"pad", 1}}});
  ranges.Add({}, {{MassEdit{"cube", 1.4}}});
  EXPECT_TRUE(ranges.Hold({}, {{MassEdit{"cube", 1.2}}}));
  EXPECT_TRUE(ranges.Hold({}, {{MassEdit{"cube", 1.4}, FrictionEdit{"pad", 1}}}));
  EXPECT_FALSE(ranges.Hold({}, {{MassEdit{"cube", 1.41}}}));
  EXPECT_FALSE(ranges.Hold({}, {{MassEdit{"cube", 0.79}}}));
  EXPECT_FALSE(ranges.Hold({}, {{MassEdit{"ball", 1.2}}})) << "of another part";
  EXPECT_FALSE(ranges.Hold({}, {{MassEdit{"cube", 1.2}, FrictionEdit{"pad", 2}}}))
      << "every value counts";
  EXPECT_FALSE(ranges.Hold({}, {})) << "the nominal world is no draw";
}

TEST(DrawnRanges, WordsAreKinds) {
  DrawnRanges ranges;
  ranges.Add(Paint(TexturePattern::kFlat, 0.2), {});
  ranges.Add(Paint(TexturePattern::kNoise, 0.6), {});
  EXPECT_TRUE(ranges.Hold(Paint(TexturePattern::kFlat, 0.5), {}));
  EXPECT_FALSE(ranges.Hold(Paint(TexturePattern::kWood, 0.5), {}));
  EXPECT_FALSE(ranges.Hold(Paint(TexturePattern::kFlat, 0.7), {}));
}

TEST(DrawnRanges, AreWrittenAndPutTogether) {
  DrawnRanges a, b;
  a.Add(Paint(TexturePattern::kFlat, 0.2), {{MassEdit{"cube", 0.8}}});
  b.Add(Paint(TexturePattern::kWood, 0.4), {{MassEdit{"cube", 1.1}}});
  DrawnRanges both(a.ToJson(), "a");
  both.Add(DrawnRanges(b.ToJson(), "b"));
  EXPECT_TRUE(both.Hold(Paint(TexturePattern::kWood, 0.3), {{MassEdit{"cube", 1}}}));
  EXPECT_FALSE(a.Hold(Paint(TexturePattern::kWood, 0.2), {}));
  EXPECT_EQ(DrawnRanges(both.ToJson(), "c").ToJson(), both.ToJson());
  EXPECT_THAT(
      [] {
        DrawnRanges(Json{{"mass", 3}}, "run.json");
      },
      testing::ThrowsMessage<Error>(testing::HasSubstr("run.json: are no ranges")));
}

}  // namespace
}  // namespace understudy
