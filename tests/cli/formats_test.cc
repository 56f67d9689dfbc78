// Other programs' HDF5 files on the command line.
#include "core/base/json.h"
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

// Written, read by every command, imported, and multiplied.
TEST_F(Cli, OtherProgramsFilesThereAndBack) {
  ASSERT_EQ(Run("teleop --task stack --demos 2 --seed 1 --out s.h5 --quiet").exit_code, 0);
  Expect("data convert s.h5 --to mimicgen --plan --out m.hdf5", 0, "raw device samples");
  EXPECT_FALSE(fs::exists(folder_ / "m.hdf5"));
  Expect("data convert s.h5 --to mimicgen --out m.hdf5", 0, "episodes: 2");
  Expect("data convert s.h5 --to mimicgen --out m.hdf5", 2, "exists already");
  Expect(
      "data convert s.h5 --to robomimic --robosuite.version v1.5 --robosuite.next-obs "
      "--out r.hdf5",
      0, "episodes: 2");
  Expect("data convert s.h5 --to isaaclab --isaaclab.quaternions wxyz --out i.hdf5", 0,
         "episodes: 2");
  for (const char* file : {"m.hdf5", "r.hdf5", "i.hdf5"}) {
    Expect("data verify " + std::string(file), 0, " 0 faults");
    Expect("data info " + std::string(file), 0, "success_from");
  }
  Expect("data info m.hdf5", 0, "format: MimicGen source");
  Expect("data info r.hdf5", 0, "format: robomimic");
  Expect("data info i.hdf5", 0, "quaternions: wxyz");
  Expect("data info i.hdf5 --quaternions zyx", 2, "quaternions: unknown choice 'zyx'");
  Expect("data info i.hdf5 --quaternions xyzw", 2, "the pose matrices of the file say wxyz");

  // the same demonstrations give the same successes; the task is found by its name
  const std::string generate = " --attempts 12 --seed 5 --json --quiet";
  const Json native =
      Json::parse(Run("mimic --source s.h5 --task stack --out a.h5" + generate).output);
  const Json foreign = Json::parse(Run("mimic --source m.hdf5 --out b.h5" + generate).output);
  EXPECT_EQ(foreign["attempts"], native["attempts"]);
  EXPECT_NEAR(foreign["successes"].get<double>(), native["successes"].get<double>(), 2);

  for (const char* file : {"m.hdf5", "i.hdf5"}) {
    const std::string command = "data convert " + std::string(file) + " --to understudy --out ";
    Expect(command + "back.h5 --task stack --overwrite", 0, "states of the other program");
    Expect("data verify back.h5", 0, " 0 faults");
    Expect("data info back.h5", 0, "robot: panda");
    Expect("augment back.h5 --out x.h5", 3, "nothing can be rendered from it");
  }
  Expect("data convert s.h5 --to understudy --out back.h5 --overwrite", 2, "already");
}

}  // namespace
}  // namespace understudy
