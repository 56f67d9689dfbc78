// What `augment` stores of its options.
#include "augment/command.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

// The header stores these settings and the content hash covers them: they keep their bytes.
TEST(AugmentOptions, StoredSettingsKeepTheirBytes) {
  AugmentOptions options;
  EXPECT_EQ(ResultOptions(options).dump(),
            R"({"inputs":[],"plan":{"randomizers":{}},"variants":1,"nominal":true,"cameras":[],)"
            R"("width":84,"height":84,"max_episodes":0,"successes_only":true,"seed":0,)"
            R"("compression":1})");

  options.inputs = {"a.h5", "b.h5"};
  options.plan.randomizers["lamp"] = HeadlightRandomizer{};
  options.seed = UINT64_MAX;
  options.compression = 0;
  const std::string stored =
      R"({"inputs":["a.h5","b.h5"],"plan":{"randomizers":{"lamp":{"type":"headlight",)"
      R"("ambient":[1.0,1.0],"diffuse":[1.0,1.0]}}},"variants":1,"nominal":true,"cameras":[],)"
      R"("width":84,"height":84,"max_episodes":0,"successes_only":true,)"
      R"("seed":18446744073709551615,"compression":0})";
  EXPECT_EQ(ResultOptions(options).dump(), stored);
  // where it goes and how fast it is made is not stored
  options.out = "elsewhere.h5";
  options.threads = 7;
  options.overwrite = true;
  options.resume = false;
  EXPECT_EQ(ResultOptions(options).dump(), stored);
}

}  // namespace
}  // namespace understudy
