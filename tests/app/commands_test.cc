// What holds for every command of the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/registry.h"

namespace understudy {
namespace {

// Pipeline keys and locks are made from what options state: by their names, these are sure.
TEST(Commands, OptionsStateTheEffectThatTheirNamesSay) {
  int outputs = 0, places = 0, speeds = 0;
  for (const Command& command : AllCommands()) {
    for (const FieldInfo& field : command.fields) {
      const std::string place = command.name + " --" + field.path;
      if (field.path == "out") {
        EXPECT_EQ(field.effect, Effect::kPlace) << place;
        // the folder of a pipeline may be named by its file: run locks it itself
        if (command.name == "run" || command.name == "report") continue;
        EXPECT_TRUE(field.output) << place;
        EXPECT_EQ(command.writes({{"out", "x"}}), std::vector<std::string>{"x"}) << place;
        EXPECT_TRUE(command.writes({{"out", ""}}).empty()) << place;
        ++outputs;
      } else if (field.path == "overwrite" || field.path == "resume") {
        EXPECT_EQ(field.effect, Effect::kPlace) << place;
        ++places;
      } else if (field.path == "threads" || field.path == "workers" ||
                 field.path == "loader.threads") {
        EXPECT_EQ(field.effect, Effect::kSpeed) << place;
        ++speeds;
      }
    }
  }
  EXPECT_GT(outputs, 10);
  EXPECT_GT(places, 10);
  EXPECT_GT(speeds, 3);
}

// Parts of one run may be made at the same time, each under a name of its own.
TEST(Commands, APartOfARunLocksItsOwnFile) {
  const std::vector<Command> commands = AllCommands();
  const Command& mimic = FindCommand(commands, "mimic");
  const auto first = mimic.writes({{"out", "g.h5"}, {"attempts", 8}, {"shard", "0/2"}});
  const auto second = mimic.writes({{"out", "g.h5"}, {"attempts", 8}, {"shard", "1/2"}});
  ASSERT_EQ(first.size(), 1u);
  EXPECT_NE(first, second);
  EXPECT_NE(first[0], "g.h5");
}

}  // namespace
}  // namespace understudy
