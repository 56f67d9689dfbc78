// Objects between us and other programs: which numbers are their poses, and in which frame.

#include "data/formats/base/translate.h"

#include <gmock/gmock.h>

#include "tests/data/foreign_support.h"

namespace understudy {
namespace {

using namespace store_test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ObjectsOfOthers : public testing::Test {
 protected:
  ObjectsOfOthers() {
    task_ = LoadTaskSpec("stack", std::filesystem::path(UNDERSTUDY_SOURCE_DIR) / "sim/tasks");
    ForeignTask& theirs = task_.foreign[kRobosuiteFamily];
    theirs.observed = {{"cubeB", 3}, {"cubeA", 12}};
    theirs.frames = {{"cubeB", X_QB_}};
  }
  Translation Names() const { return Translation(kRobosuiteFamily, &task_, nullptr); }
  static constexpr size_t kWidth = 20;
  // Two rows.
  Episode Observed() const {
    Episode episode;
    episode.meta.task = "Stack";
    episode.steps.resize(2);
    episode.unnamed_objects.place = "file.hdf5: /data/demo_0/obs/object";
    episode.unnamed_objects.width = kWidth;
    std::vector<double>& numbers = episode.unnamed_objects.numbers;
    numbers.assign(2 * kWidth, 7.0);
    for (size_t k = 0; k < 2; ++k) {
      Put(X_WQ_[k], &numbers[k * kWidth + 3]);
      Put(X_WA_[k], &numbers[k * kWidth + 12]);
    }
    return episode;
  }
  static void Put(const Pose& X, double* to) {
    const Eigen::Vector3d& p = X.translation();
    const Eigen::Quaterniond& q = X.rotation();
    for (const double v : {p.x(), p.y(), p.z(), q.x(), q.y(), q.z(), q.w()}) *to++ = v;
  }

  TaskSpec task_;
  const Pose X_QB_ = Pose::FromRotvec({0.3, -0.2, 0.9}, {0.01, 0.02, -0.03});
  const Pose X_WQ_[2] = {Pose::FromRotvec({0.5, 0.6, 0.7}, {0.1, 0.2, 0.9}),
                         Pose::FromRotvec({-0.5, 0.1, 2.7}, {0.15, 0.22, 0.91})};
  const Pose X_WA_[2] = {Pose::FromRotvec({0, 0, 1}, {-0.1, 0.2, 0.8}),
                         Pose::FromRotvec({0, 1, 0}, {-0.1, 0.25, 0.8})};
};

TEST_F(ObjectsOfOthers, StandWhereTheTaskTells) {
  Episode episode = Observed();
  Names().ToOurs(&episode);
  // in our order, whatever theirs
  EXPECT_THAT(episode.meta.objects, ElementsAre("cubeA", "cubeB"));
  for (size_t k = 0; k < 2; ++k) {
    const std::vector<Pose>& X_WO = episode.steps[k].observation.X_WO;
    ASSERT_EQ(X_WO.size(), 2u);
    ExpectNear(X_WO[0], X_WA_[k], 1e-12);
    ExpectNear(X_WO[1], X_WQ_[k] * X_QB_, 1e-12);
  }
  DatasetHeader header;
  header.simulator.task = "Stack";
  header.settings = {{"unnamed_objects", 20}};
  Names().ToOurs(&header);
  EXPECT_EQ(header.simulator.objects, episode.meta.objects);

  // and back
  const std::vector<Pose>& X_WO = episode.steps[1].observation.X_WO;
  ExpectNear(Names().Object("cubeB", X_WO[1]), X_WQ_[1], 1e-12);
  EXPECT_TRUE(Names().Object("cubeA", X_WO[0]) == X_WO[0]);
}

// Fewer numbers than that: what does not fit is not known.
TEST_F(ObjectsOfOthers, ThatDoNotFitAreNotKnown) {
  Episode episode = Observed();
  episode.steps.resize(1);
  episode.unnamed_objects.width = 18;
  episode.unnamed_objects.numbers.resize(18);
  Names().ToOurs(&episode);
  EXPECT_THAT(episode.meta.objects, ElementsAre("cubeB"));
  EXPECT_EQ(episode.steps[0].observation.X_WO.size(), 1u);
  DatasetHeader header;
  header.simulator.task = "Stack";
  header.settings = {{"unnamed_objects", 18}};
  Names().ToOurs(&header);
  EXPECT_THAT(header.simulator.objects, ElementsAre("cubeB"));
}

TEST_F(ObjectsOfOthers, AreNotReadWhereTheyAreNamedOrTheTaskIsAnother) {
  Episode named = Observed();
  named.meta.objects = {"cubeA"};
  for (Step& step : named.steps) step.observation.X_WO = {Pose()};
  Names().ToOurs(&named);
  EXPECT_THAT(named.meta.objects, ElementsAre("cubeA"));
  EXPECT_TRUE(named.steps[0].observation.X_WO[0] == Pose());
  Episode other = Observed();
  other.meta.task = "Lift";
  Names().ToOurs(&other);
  EXPECT_THAT(other.meta.objects, IsEmpty());
}

TEST_F(ObjectsOfOthers, NumbersThatAreNoPoseAreRefused) {
  Episode episode = Observed();
  episode.unnamed_objects.numbers[kWidth + 18] += 0.1;
  EXPECT_THAT(ErrorOf([&] { Names().ToOurs(&episode); }, ErrorKind::kBadInput),
              AllOf(HasSubstr("file.hdf5: /data/demo_0/obs/object[1]"), HasSubstr("from 12 on"),
                    HasSubstr("cubeA"), HasSubstr("observed")));
  episode = Observed();
  episode.unnamed_objects.numbers[4] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(ErrorOf([&] { Names().ToOurs(&episode); }, ErrorKind::kBadInput),
              HasSubstr("no pose of cubeB"));
}

TEST_F(ObjectsOfOthers, MustBeOfTheTask) {
  task_.foreign[kRobosuiteFamily].observed["cubeD"] = 1;
  task_.foreign[kRobosuiteFamily].frames["cube"] = Pose();
  task_.foreign[kRobosuiteFamily].objects["cubes"] = "theirs";
  EXPECT_THAT(Validate(task_),
              ElementsAre(HasSubstr("foreign.robosuite.objects: unknown object 'cubes'"),
                          HasSubstr("foreign.robosuite.frames: unknown object 'cube'"),
                          HasSubstr("foreign.robosuite.observed: unknown object 'cubeD'")));
}

}  // namespace
}  // namespace understudy
