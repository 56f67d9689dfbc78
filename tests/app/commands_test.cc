// What holds for every command of the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/registry.h"

namespace understudy {
namespace {

// Whether an option names a file or folder that its command writes, by its name or description.
bool NamesAnOutput(const FieldInfo& field) {
  return field.path == "out" || field.doc.find(" to write") != std::string::npos;
}

// Pipeline keys and locks are made from what options state: by their names, these are sure.
TEST(Commands, OptionsStateTheEffectThatTheirNamesSay) {
  int outputs = 0, places = 0, speeds = 0;
  for (const Command& command : AllCommands()) {
    for (const FieldInfo& field : command.fields) {
      const std::string place = command.name + " --" + field.path;
      if (NamesAnOutput(field)) {
        EXPECT_EQ(field.effect, Effect::kPlace) << place;
        // the folder of a pipeline may be named by its file: run locks it itself
        if (command.name == "run" || command.name == "report") continue;
        EXPECT_TRUE(field.output) << place;
        EXPECT_EQ(command.writes({{field.path, "x"}, {"out", field.path == "out" ? "x" : ""}}),
                  std::vector<std::string>{"x"})
            << place;
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
  EXPECT_GT(outputs, 20);
  EXPECT_GT(places, 10);
  EXPECT_GT(speeds, 3);
}

// Parts of one run may be made at the same time, each under a name of its own.
TEST(Commands, APartOfARunLocksItsOwnFile) {
  const std::vector<Command> commands = AllCommands();
  const Command& mimic = FindCommand(commands, "mimic");
  const auto files = [&](const std::string& shard) {
    return mimic.writes({{"out", "g.h5"}, {"report", "g.html"}, {"attempts", 8}, {"shard", shard}});
  };
  EXPECT_THAT(files(""), testing::ElementsAre("g.h5", "g.html"));
  const auto first = files("0/2"), second = files("1/2");
  ASSERT_EQ(first.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_NE(first[i], second[i]);
    EXPECT_NE(first[i], files("")[i]);
  }
  // two locks of one file would wait for one another; the command says what is wrong
  EXPECT_THAT(mimic.writes({{"out", "g.h5"}, {"report", "g.h5"}}), testing::ElementsAre("g.h5"));
}

// What an option brings along lies over the defaults and under all that is said.
TEST(Commands, APresetFillsWhatIsLeftOpen) {
  Command command;
  command.preset = [](const Json& given) {
    return given.value("kind", "") == "fast" ? Json{{"batch", 9}, {"inner", {{"a", 1}, {"b", 2}}}}
                                             : Json::object();
  };
  const auto lay = [&](const Json& given) {
    Json options{{"kind", ""}, {"batch", 5}, {"inner", {{"a", 0}, {"b", 0}, {"c", 0}}}};
    options.merge_patch(given);
    const std::vector<std::string> laid = LayPreset(command, given, &options);
    return std::pair(options, laid);
  };
  const auto [all, paths] = lay({{"kind", "fast"}});
  EXPECT_EQ(all["batch"], 9);
  EXPECT_EQ(all["inner"].dump(), R"({"a":1,"b":2,"c":0})");
  EXPECT_THAT(paths, testing::ElementsAre("batch", "inner.a", "inner.b"));
  const auto [some, fewer] = lay({{"kind", "fast"}, {"batch", 3}, {"inner", {{"b", 7}}}});
  EXPECT_EQ(some["batch"], 3);
  EXPECT_EQ(some["inner"].dump(), R"({"a":1,"b":7,"c":0})");
  EXPECT_THAT(fewer, testing::ElementsAre("inner.a"));
  EXPECT_TRUE(lay({{"kind", "slow"}}).second.empty());
  command.preset = {};
  EXPECT_TRUE(lay({{"kind", "fast"}}).second.empty());
}

}  // namespace
}  // namespace understudy
