#include "core/spec/task_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_simulator.h"

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A policy step is a whole number of physics steps; who asks for another gets those that fit.
TEST(TaskSpec, APhysicsTimestepThatDoesNotFitIsRefusedWithThoseThatDo) {
  TaskSpec task = FakeTask();
  ASSERT_THAT(Validate(task), IsEmpty());
  task.control_hz = 20;
  task.physics_timestep = 0.003;
  EXPECT_THAT(Validate(task),
              ElementsAre(HasSubstr("physics_timestep = 0.003: a policy step of 0.05 s (control_hz "
                                    "= 20) must be a whole number of physics steps, for example "
                                    "of 0.0025 or 0.003125 s")));
  task.physics_timestep = 0.003125;
  EXPECT_THAT(Validate(task), IsEmpty());
  // longer than a policy step
  task.control_hz = 500;
  task.physics_timestep = 0.02;
  EXPECT_THAT(Validate(task), ElementsAre(HasSubstr("example of 0.002 s")));
  // where none is short, the nearest one in full
  for (const double hz : {7.0, 33.0}) {
    task.control_hz = hz;
    task.physics_timestep = 0.002;
    const std::vector<std::string> problems = Validate(task);
    ASSERT_EQ(problems.size(), 1u);
    const std::string example = problems[0].substr(problems[0].find("example of ") + 11);
    task.physics_timestep = std::stod(example);
    EXPECT_NEAR(task.physics_timestep, 0.002, 1e-4);
    EXPECT_THAT(Validate(task), IsEmpty()) << problems[0];
  }
}

// What would be overlooked is refused.
TEST(TaskSpec, AJointHasNoPlace) {
  TaskSpec task = FakeTask();
  PlacementRange& slide = task.variants.begin()->second.objects["slide"];
  slide.joint = {0, 0.05};
  EXPECT_THAT(Validate(task), IsEmpty());
  slide.x = {0, 0.1};
  EXPECT_THAT(Validate(task),
              ElementsAre(HasSubstr(".objects.slide: a joint starts in `joint`, an object in x, y, "
                                    "z and yaw: one or the other")));
}

}  // namespace
}  // namespace understudy
