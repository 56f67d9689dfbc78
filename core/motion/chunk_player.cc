#include "core/motion/chunk_player.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace understudy {
namespace {

// Steps from one observation to the next: none is asked for before the last has been answered.
int Period(const ChunkOptions& options) { return std::max(options.execute, options.delay); }

}  // namespace

ChunkPlayer::ChunkPlayer(const ChunkOptions& options) : options_(options) {
  Require(options.execute >= 1 && options.delay >= 0, "steps of a chunk");
}

int ChunkPlayer::NeededHorizon(const ChunkOptions& options) {
  return options.delay + Period(options);
}

void ChunkPlayer::Reset(const Action& hold) {
  hold_ = hold;
  step_ = next_observation_ = 0;
  chunks_.clear();
}

void ChunkPlayer::Add(std::vector<Action> chunk) {
  Require(WantsChunk() && !chunk.empty(), "a chunk for an observation");
  // the next one is to come before this one ends
  const auto lasts = static_cast<int64_t>(chunk.size()) - options_.delay;
  next_observation_ = step_ + std::max<int64_t>(1, std::min<int64_t>(Period(options_), lasts));
  chunks_.push_back({step_, std::move(chunk)});
}

std::vector<Action> ChunkPlayer::Committed() const {
  Require(WantsChunk() && options_.stitching != Stitching::kEnsemble, "one chunk is followed");
  std::vector<Action> actions;
  for (int64_t step = step_; step < step_ + options_.delay; ++step) {
    // the newest that has arrived by then
    const auto chunk = std::find_if(chunks_.rbegin(), chunks_.rend(), [&](const Arrived& one) {
      return step - one.observed >= options_.delay;
    });
    actions.push_back(chunk == chunks_.rend() ? hold_ : ActionOf(*chunk, step));
  }
  return actions;
}

const Action& ChunkPlayer::ActionOf(const Arrived& chunk, int64_t step) const {
  const auto at = static_cast<size_t>(step - chunk.observed);
  return chunk.actions[std::min(at, chunk.actions.size() - 1)];
}

Action ChunkPlayer::Next() {
  std::vector<const Arrived*> arrived;
  for (const Arrived& chunk : chunks_) {
    if (step_ - chunk.observed >= options_.delay) arrived.push_back(&chunk);
  }
  Action action = hold_;
  if (!arrived.empty()) {
    // those that end before this step say nothing of it, but the newest
    std::erase_if(arrived, [&](const Arrived* chunk) {
      return chunk != arrived.back() &&
             step_ - chunk->observed >= static_cast<int64_t>(chunk->actions.size());
    });
    action = options_.stitching == Stitching::kEnsemble && arrived.size() > 1
                 ? Mean(arrived)
                 : ActionOf(*arrived.back(), step_);
    // what is over is forgotten
    const int64_t newest = arrived.back()->observed;
    while (chunks_.front().observed < newest &&
           (options_.stitching != Stitching::kEnsemble ||
            step_ - chunks_.front().observed >=
                static_cast<int64_t>(chunks_.front().actions.size()))) {
      chunks_.pop_front();
    }
  }
  ++step_;
  return action;
}

Action ChunkPlayer::Mean(const std::vector<const Arrived*>& chunks) const {
  Action mean = ActionOf(*chunks.front(), step_);
  for (size_t a = 0; a < mean.arms.size(); ++a) {
    Eigen::Vector3d position = Eigen::Vector3d::Zero();
    Eigen::Vector4d rotation = Eigen::Vector4d::Zero();
    JointVector joints = JointVector::Zero(mean.arms[a].q_cmd.size());
    double gripper = 0, sum = 0;
    const Eigen::Vector4d first = mean.arms[a].X_WE_cmd.rotation().coeffs();
    for (size_t i = 0; i < chunks.size(); ++i) {
      const ArmAction& arm = ActionOf(*chunks[i], step_).arms[a];
      const double weight = std::exp(-options_.ensemble_decay * static_cast<double>(i));
      // a quaternion and its negative are one rotation
      const Eigen::Vector4d q = arm.X_WE_cmd.rotation().coeffs();
      position += weight * arm.X_WE_cmd.translation();
      rotation += (q.dot(first) < 0 ? -weight : weight) * q;
      joints += weight * arm.q_cmd;
      gripper += weight * arm.gripper;
      sum += weight;
    }
    // rotations that cancel one another have no mean: the newest counts
    const Eigen::Vector4d q =
        rotation.norm() > 1e-6 * sum
            ? rotation
            : Eigen::Vector4d(ActionOf(*chunks.back(), step_).arms[a].X_WE_cmd.rotation().coeffs());
    mean.arms[a].X_WE_cmd = Pose(Eigen::Quaterniond(q), position / sum);
    mean.arms[a].q_cmd = joints / sum;
    mean.arms[a].gripper = gripper / sum;
  }
  return mean;
}

}  // namespace understudy
