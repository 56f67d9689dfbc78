// How datasets are read is an option of the command that reads them, and so part of a pipeline
// step's key; settings that are stored name it only where it is not the default.

#include <gmock/gmock.h>

#include <algorithm>

#include "app/registry.h"
#include "augment/command.h"
#include "mimic/command.h"
#include "train/run/train_loop.h"

namespace understudy {
namespace {

TEST(ReadOptions, AreOptionsOfEveryCommandThatReadsDatasets) {
  const std::vector<Command> commands = AllCommands();
  for (const char* name : {"mimic", "mimic tune", "augment", "train", "data info", "data verify",
                           "data merge", "data filter", "data relabel", "data split", "data view",
                           "data convert", "data annotate", "data trim", "data repair"}) {
    const Command& command = FindCommand(commands, name);
    for (const auto& [field, value] : {std::pair{ReadOptions::kOutsideLinks, Json(true)},
                                       {ReadOptions::kQuaternions, "wxyz"},
                                       {ReadOptions::kSkipBad, true},
                                       {ReadOptions::kMap, "map.yaml"}}) {
      const auto is = [&](const FieldInfo& info) { return info.path == field; };
      EXPECT_EQ(std::count_if(command.fields.begin(), command.fields.end(), is), 1)
          << name << " " << field;
      Json given = command.defaults;
      given[field] = value;
      EXPECT_NE(command.resolve(given), command.resolve(command.defaults)) << name << " " << field;
    }
  }
}

template <class Options>
void ExpectWrittenOnlyWhereSet() {
  Options options;
  EXPECT_FALSE(ToJson(options).contains("outside_links"));
  EXPECT_FALSE(ToJson(options).contains("quaternions"));
  EXPECT_FALSE(ToJson(options).contains("skip_bad"));
  EXPECT_FALSE(ToJson(options).contains("map"));
  options.read.outside_links = true;
  options.read.quaternions = QuaternionOrder::kXyzw;
  EXPECT_EQ(ToJson(options)["outside_links"], true);
  EXPECT_EQ(ToJson(options)["quaternions"], "xyzw");
}

TEST(ReadOptions, DoNotChangeTheTextOfSettingsThatWereStoredBefore) {
  ExpectWrittenOnlyWhereSet<MimicOptions>();
  ExpectWrittenOnlyWhereSet<AugmentOptions>();
  ExpectWrittenOnlyWhereSet<TrainOptions>();
}

}  // namespace
}  // namespace understudy
