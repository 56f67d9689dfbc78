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
}

}  // namespace
}  // namespace understudy
