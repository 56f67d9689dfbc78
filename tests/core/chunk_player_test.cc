// Which action is done when chunks come late.
#include "core/motion/chunk_player.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/rng.h"

namespace understudy {
namespace {

// An action that says which chunk and which step of it it is.
Action Marked(double chunk, double step) {
  return {{ArmAction{Pose::FromTranslation({chunk, step, 0}), 0.5, {}}}};
}
std::vector<Action> Chunk(double number, int length) {
  std::vector<Action> chunk;
  for (int k = 0; k < length; ++k) chunk.push_back(Marked(number, k));
  return chunk;
}
Eigen::Vector3d PlaceOf(const Action& action) { return action.arms[0].X_WE_cmd.translation(); }

// Without a delay a chunk is done from its first action, `execute` of it.
TEST(ChunkPlayer, WithoutDelayChunksAreDoneOneAfterTheOther) {
  ChunkPlayer player({.execute = 3, .delay = 0});
  player.Reset(Marked(-1, -1));
  int chunks = 0;
  for (int step = 0; step < 12; ++step) {
    if (player.WantsChunk()) player.Add(Chunk(chunks++, 8));
    EXPECT_EQ(PlaceOf(player.Next()), Eigen::Vector3d(step / 3, step % 3, 0)) << step;
  }
  EXPECT_EQ(chunks, 4);
  // a chunk that is shorter than what is to be executed is followed by the next
  ChunkPlayer brief({.execute = 5, .delay = 0});
  brief.Reset(Marked(-1, -1));
  for (int step = 0; step < 6; ++step) {
    if (brief.WantsChunk()) brief.Add(Chunk(step, 2));
    EXPECT_EQ(PlaceOf(brief.Next()), Eigen::Vector3d(step - step % 2, step % 2, 0)) << step;
  }
}

// A chunk that comes late is entered where it stands by then: action k is always done k steps after
// its observation.
TEST(ChunkPlayer, ALateChunkIsEnteredWhereItStands) {
  for (const int delay : {1, 2, 5}) {
    for (const int execute : {1, 3, 8}) {
      const ChunkOptions options{.execute = execute, .delay = delay};
      const int horizon = ChunkPlayer::NeededHorizon(options);
      ChunkPlayer player(options);
      player.Reset(Marked(-1, -1));
      std::vector<int> observed;
      for (int step = 0; step < 60; ++step) {
        if (player.WantsChunk()) {
          player.Add(Chunk(static_cast<double>(observed.size()), horizon));
          observed.push_back(step);
        }
        const Eigen::Vector3d done = PlaceOf(player.Next());
        if (step < delay) {
          EXPECT_EQ(done.x(), -1) << "holds until the first has come";
          continue;
        }
        const int chunk = static_cast<int>(done.x());
        EXPECT_EQ(done.y(), step - observed.at(static_cast<size_t>(chunk)));
        // the newest of those that have arrived
        int newest = 0;
        for (size_t i = 0; i < observed.size(); ++i) {
          if (observed[i] + delay <= step) newest = static_cast<int>(i);
        }
        EXPECT_EQ(chunk, newest) << "delay " << delay << " execute " << execute << " step " << step;
        EXPECT_LT(done.y(), horizon) << "what it needs is enough";
      }
      // none is asked for before the last one has come
      for (size_t i = 1; i < observed.size(); ++i) {
        EXPECT_EQ(observed[i] - observed[i - 1], std::max(execute, delay));
      }
    }
  }
}

TEST(ChunkPlayer, AnEnsembleIsTheWeightedMeanOfWhatReachesAStep) {
  const double decay = 0.3;
  ChunkPlayer player(
      {.execute = 2, .delay = 1, .stitching = Stitching::kEnsemble, .ensemble_decay = decay});
  player.Reset(Marked(-1, -1));
  std::vector<int> observed;
  for (int step = 0; step < 30; ++step) {
    if (player.WantsChunk()) {
      player.Add(Chunk(static_cast<double>(observed.size()), 6));
      observed.push_back(step);
    }
    const Action done = player.Next();
    if (step < 1) continue;
    double sum = 0, weights = 0;
    int i = 0;
    for (size_t c = 0; c < observed.size(); ++c) {
      const int k = step - observed[c];
      if (k < 1 || k >= 6) continue;
      const double weight = std::exp(-decay * i++);
      sum += weight * static_cast<double>(c);
      weights += weight;
    }
    EXPECT_NEAR(PlaceOf(done).x(), sum / weights, 1e-12) << step;
    EXPECT_EQ(done.arms[0].gripper, 0.5);
  }
}

// Means of rotations do not depend on the sign of a quaternion, and joints and grippers have means.
TEST(ChunkPlayer, MeansOfRotationsJointsAndGrippers) {
  for (const double sign : {1.0, -1.0}) {
    ChunkPlayer player(
        {.execute = 1, .delay = 0, .stitching = Stitching::kEnsemble, .ensemble_decay = 0});
    Action first = Marked(0, 0), second = Marked(0, 0);
    first.arms[0].X_WE_cmd = Pose::FromRotvec({0, 0, 0.2}, {0, 0, 0});
    const Eigen::Quaterniond q = RotationExp({0, 0, 0.6});
    second.arms[0].X_WE_cmd = Pose(Eigen::Quaterniond(sign * q.coeffs()), {0, 0, 0});
    first.arms[0].gripper = -1;
    second.arms[0].gripper = 1;
    first.arms[0].q_cmd = Eigen::Vector2d(1, 2);
    second.arms[0].q_cmd = Eigen::Vector2d(3, 6);
    player.Reset(first);
    player.Add({first, first});
    player.Next();
    player.Add({second});
    const ArmAction mean = player.Next().arms[0];
    EXPECT_NEAR(RotationLog(mean.X_WE_cmd.rotation()).z(), 0.4, 1e-9);
    EXPECT_EQ(mean.gripper, 0);
    EXPECT_EQ(mean.q_cmd, JointVector(Eigen::Vector2d(2, 4)));
  }
}

// The actions that a chunk continues are those that are executed until it takes effect.
TEST(ChunkPlayer, CommittedActionsAreDoneUntilTheChunkTakesEffect) {
  for (const int delay : {0, 1, 2, 5}) {
    for (const int execute : {1, 3, 8}) {
      const ChunkOptions options{.execute = execute, .delay = delay, .stitching = Stitching::kRtc};
      ChunkPlayer player(options), naive({.execute = execute, .delay = delay});
      player.Reset(Marked(-1, -1));
      naive.Reset(Marked(-1, -1));
      std::vector<Action> committed;
      int chunks = 0, since = 0;
      for (int step = 0; step < 60; ++step) {
        ASSERT_EQ(player.WantsChunk(), naive.WantsChunk());
        if (player.WantsChunk()) {
          committed = player.Committed();
          ASSERT_EQ(committed.size(), static_cast<size_t>(delay));
          since = 0;
          // now and then one that is shorter than it should be
          const int length = ChunkPlayer::NeededHorizon(options) - (chunks % 3 == 1 ? 2 : 0);
          const std::vector<Action> chunk = Chunk(chunks++, std::max(1, length));
          player.Add(chunk);
          naive.Add(chunk);
        }
        const Eigen::Vector3d done = PlaceOf(player.Next());
        if (since < delay) {
          EXPECT_EQ(done, PlaceOf(committed[static_cast<size_t>(since)]))
              << "delay " << delay << " execute " << execute << " step " << step;
        }
        // chunks follow one another as they do without
        EXPECT_EQ(done, PlaceOf(naive.Next()));
        ++since;
      }
    }
  }
}

// Asked and answered as evaluation simulates it, a chunk that really comes late is done alike.
TEST(ChunkPlayer, ARealDelayIsTheSimulatedOne) {
  for (const Stitching stitching : {Stitching::kSwitch, Stitching::kEnsemble, Stitching::kRtc}) {
    for (const int delay : {0, 1, 3, 8}) {
      const ChunkOptions options{.execute = 3, .delay = delay, .stitching = stitching};
      ChunkPlayer simulated(options), real({.execute = 3, .delay = 0, .stitching = stitching});
      const int horizon = ChunkPlayer::NeededHorizon(options);
      simulated.Reset(Marked(-1, -1));
      real.Reset(Marked(-1, -1));
      int64_t asked = -1;  // being answered
      int chunks = 0;
      for (int step = 0; step < 80; ++step) {
        const auto take = [&] {
          if (asked < 0 || step < asked + delay) return;
          std::vector<Action> chunk = Chunk(chunks, horizon);
          real.Arrive(asked, &chunk);
          asked = -1;
        };
        take();
        ASSERT_EQ(simulated.WantsChunk(), real.WantsChunk() && asked < 0) << step;
        if (simulated.WantsChunk()) {
          if (stitching != Stitching::kEnsemble) {
            EXPECT_EQ(simulated.Committed(), real.Committed(delay)) << step;
          }
          simulated.Add(Chunk(++chunks, horizon));
          real.Ask();
          asked = step;
        }
        take();
        Action done;
        real.Next(&done);
        EXPECT_EQ(simulated.Next(), done) << step << " " << delay;
      }
    }
  }
}

// What answers an older observation than one that was answered is of no use; a chunk that is over
// is held.
TEST(ChunkPlayer, TheNewestObservationWins) {
  ChunkPlayer player({.execute = 2, .delay = 0});
  player.Reset(Marked(-1, -1));
  for (int i = 0; i < 4; ++i) player.Next();
  EXPECT_FALSE(player.Reaches());
  std::vector<Action> newer = Chunk(2, 3), older = Chunk(1, 9);
  player.Arrive(3, &newer);
  player.Arrive(2, &older);
  EXPECT_TRUE(player.Reaches());
  EXPECT_EQ(PlaceOf(player.Next()), Eigen::Vector3d(2, 1, 0));
  EXPECT_EQ(PlaceOf(player.Next()), Eigen::Vector3d(2, 2, 0));
  EXPECT_FALSE(player.Reaches());
  EXPECT_EQ(PlaceOf(player.Next()), Eigen::Vector3d(2, 2, 0));
}

}  // namespace
}  // namespace understudy
