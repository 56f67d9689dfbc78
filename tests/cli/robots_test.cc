// One robot's demonstrations on another, and any gripper on any arm, on the command line.
#include "data/store/reader.h"
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

TEST_F(Cli, RobotsAndGrippersAreNamed) {
  Expect("list", 0, "panda            Franka Emika Panda, seven joints; carries panda_hand");
  Expect("list", 0, "wide             wide gripper");
  Expect("teleop --robot panda+wider --out s.h5", 2,
         "unknown gripper 'wider': did you mean 'wide'?");

  // the arm's own gripper need not be said: the datasets are the same
  ASSERT_EQ(Run("teleop --demos 1 --seed 1 --out plain.h5 --quiet").exit_code, 0);
  ASSERT_EQ(
      Run("teleop --robot panda+panda_hand --demos 1 --seed 1 --out said.h5 --quiet").exit_code, 0);
  const DatasetReader plain(folder_ / "plain.h5"), said(folder_ / "said.h5");
  EXPECT_EQ(said.header().simulator.robot, "panda");
  EXPECT_EQ(said.content_hash(), plain.content_hash());
}

TEST_F(Cli, DemonstrationsGoFromRobotToRobot) {
  ASSERT_EQ(Run("teleop --demos 3 --seed 1 --out s.h5 --quiet").exit_code, 0);
  const CommandResult made =
      Run("mimic --source s.h5 --robot iiwa14+wide --attempts 10 --seed 3 --out g.h5 --json "
          "--quiet");
  ASSERT_EQ(made.exit_code, 0) << made.output;
  EXPECT_GE(Json::parse(made.output).at("successes"), 6);
  Expect("data info g.h5", 0, "robot: iiwa14+wide");
  // the dataset's own robot is found again by its name
  Expect("data verify g.h5 --replay", 0, "bit-exact");
  Expect("augment g.h5 --variants 0 --max-episodes 1 --out looks.h5", 0, "1 episodes");
}

}  // namespace
}  // namespace understudy
