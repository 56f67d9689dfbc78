// A robot in words: an arm, and after a plus a gripper; either may be a path, and paths may hold
// pluses.
#include <gmock/gmock.h>

#include <fstream>

#include "core/base/error.h"
#include "core/spec/robot_spec.h"
#include "tests/data/store_support.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using store_test::ErrorOf;
using store_test::Folder;
using testing::HasSubstr;
using testing::Pair;

class RobotName : public testing::Test {
 protected:
  // An empty file is enough to be found.
  std::string Touch(const std::string& name) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << "";
    return (folder_ / name).string();
  }
  Folder folder_;
};

TEST_F(RobotName, NamesAreSplitAtThePlus) {
  EXPECT_THAT(SplitRobot("panda"), Pair("panda", ""));
  EXPECT_THAT(SplitRobot("panda+wide"), Pair("panda", "wide"));
  EXPECT_THAT(SplitRobot("panda+"), Pair("panda", ""));
}

// Whatever folders are called: the parts that were put together come apart again.
TEST_F(RobotName, PathsMayHoldPluses) {
  const std::string plain_arm = Touch("arm/robot.yaml"), arm = Touch("a+b/c+d/robot.yaml"),
                    other_arm = Touch("a+b/my+robot.yaml"), gripper = Touch("e+f/g+h/gripper.yaml"),
                    other_gripper = Touch("e+f/my+gripper.yaml");
  const auto folder_of = [](const std::string& file) {
    return fs::path(file).parent_path().string();
  };
  const std::vector<std::string> arms{"panda",   plain_arm,      arm,
                                      other_arm, folder_of(arm), folder_of(plain_arm)},
      grippers{"wide", gripper, other_gripper, folder_of(gripper)};
  for (const std::string& a : arms) {
    EXPECT_THAT(SplitRobot(a), Pair(a, ""));
    for (const std::string& g : grippers) EXPECT_THAT(SplitRobot(a + "+" + g), Pair(a, g));
  }
}

// A part that leads nowhere is named whole.
TEST_F(RobotName, WhatIsNotThereIsNamed) {
  const std::string arm = Touch("a+b/robot.yaml");
  EXPECT_THAT(SplitRobot("panda+no/such+gripper.yaml"), Pair("panda", "no/such+gripper.yaml"));
  EXPECT_THAT(SplitRobot(arm + "+no/such+gripper.yaml"), Pair(arm, "no/such+gripper.yaml"));
  EXPECT_THAT(SplitRobot("no/such+arm/robot.yaml+wide"), Pair("no/such+arm/robot.yaml", "wide"));
  EXPECT_THAT(SplitRobot("no/such+arm/robot.yaml"), Pair("no/such+arm/robot.yaml", ""));
  // a folder that happens to be called like a robot is none
  const fs::path before = fs::current_path();
  fs::create_directories(folder_ / "panda+wide");
  fs::current_path(folder_.path());
  EXPECT_THAT(SplitRobot("panda+wide"), Pair("panda", "wide"));
  fs::current_path(before);
}

// Datasets say "arm+gripper": a name must not look like two.
TEST_F(RobotName, ANameHoldsNoPlus) {
  const fs::path sim = fs::path(UNDERSTUDY_SOURCE_DIR) / "sim";
  const auto copy = [&](const char* from, const char* file, const std::string& name) {
    std::ifstream in(sim / from / file);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const size_t at = text.find("name:");
    text.replace(at, text.find('\n', at) - at, "name: " + name);
    fs::create_directories(folder_ / name);
    std::ofstream(folder_ / name / file) << text;
    return (folder_ / name / file).string();
  };
  const auto load = [&](const std::string& place) {
    return ErrorOf([&] { LoadRobotSpec(place, sim / "robots"); }, ErrorKind::kBadInput);
  };
  EXPECT_THAT(load(copy("robots/panda", "robot.yaml", "two+arms")),
              HasSubstr("name: 'two+arms' must hold neither '+'"));
  EXPECT_THAT(load("panda+" + copy("grippers/wide", "gripper.yaml", "two+jaws")),
              HasSubstr("name: 'two+jaws' must hold neither '+'"));
}

}  // namespace
}  // namespace understudy
