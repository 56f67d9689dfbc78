#include "core/motion/chunk_player.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr size_t kChunks = 64;  // of memory at the start

// Steps from one observation to the next: none is asked for before the last has been answered.
int Period(const ChunkOptions& options) { return std::max(options.execute, options.delay); }

}  // namespace

ChunkPlayer::ChunkPlayer(const ChunkOptions& options) : options_(options) {
  Require(options.execute >= 1 && options.delay >= 0, "steps of a chunk");
  chunks_.reserve(kChunks);
  spare_.resize(kChunks);
}

int ChunkPlayer::NeededHorizon(const ChunkOptions& options) {
  return options.delay + Period(options);
}

void ChunkPlayer::Reset(const Action& hold) {
  hold_ = hold;
  step_ = next_observation_ = 0;
  for (Chunk& chunk : chunks_) spare_.push_back(std::move(chunk));
  chunks_.clear();
}

void ChunkPlayer::Put(int64_t observed, int64_t due, std::vector<Action>* actions) {
  if (spare_.empty()) spare_.emplace_back();
  Chunk chunk = std::move(spare_.back());
  spare_.pop_back();
  chunk.observed = observed;
  chunk.due = due;
  chunk.actions.swap(*actions);
  chunks_.push_back(std::move(chunk));
}

void ChunkPlayer::Add(std::vector<Action> chunk) {
  Require(WantsChunk() && !chunk.empty(), "a chunk for an observation");
  // the next one is to come before this one ends
  const auto lasts = static_cast<int64_t>(chunk.size()) - options_.delay;
  next_observation_ = step_ + std::max<int64_t>(1, std::min<int64_t>(Period(options_), lasts));
  Put(step_, step_ + options_.delay, &chunk);
}

void ChunkPlayer::Ask() { next_observation_ = step_ + options_.execute; }

void ChunkPlayer::Arrive(int64_t observed, std::vector<Action>* chunk) {
  Require(observed <= step_ && !chunk->empty(), "a chunk for an observation");
  if (!chunks_.empty() && observed <= chunks_.back().observed) return;
  Put(observed, step_, chunk);
}

bool ChunkPlayer::Reaches() const {
  const Chunk* newest = NewestAt(step_);
  return newest && step_ < End(*newest);
}

auto ChunkPlayer::NewestAt(int64_t step) const -> const Chunk* {
  const auto chunk = std::find_if(chunks_.rbegin(), chunks_.rend(),
                                  [&](const Chunk& one) { return one.due <= step; });
  return chunk == chunks_.rend() ? nullptr : &*chunk;
}

std::vector<Action> ChunkPlayer::Committed(int delay) const {
  Require(options_.stitching != Stitching::kEnsemble, "one chunk is followed");
  std::vector<Action> actions;
  for (int64_t step = step_; step < step_ + delay; ++step) {
    const Chunk* chunk = NewestAt(step);
    actions.push_back(chunk ? ActionOf(*chunk, step) : hold_);
  }
  return actions;
}

const Action& ChunkPlayer::ActionOf(const Chunk& chunk, int64_t step) {
  const auto at = static_cast<size_t>(step - chunk.observed);
  return chunk.actions[std::min(at, chunk.actions.size() - 1)];
}

Action ChunkPlayer::Next() {
  Action action;
  Next(&action);
  return action;
}

void ChunkPlayer::Next(Action* action) {
  if (const Chunk* newest = NewestAt(step_)) {
    // what is over is forgotten: of an ensemble what ends before this step, else what is older
    const bool ensemble = options_.stitching == Stitching::kEnsemble;
    const int64_t newest_observed = newest->observed;
    std::erase_if(chunks_, [&](Chunk& chunk) {
      const bool over = chunk.observed < newest_observed && (!ensemble || End(chunk) <= step_);
      if (over) spare_.push_back(std::move(chunk));
      return over;
    });
    if (ensemble) {
      Mean(action);
    } else {
      *action = ActionOf(*NewestAt(step_), step_);
    }
  } else {
    *action = hold_;
  }
  ++step_;
}

void ChunkPlayer::Mean(Action* mean) const {
  const Chunk& newest = *NewestAt(step_);
  *mean = ActionOf(chunks_.front(), step_);
  if (&newest == &chunks_.front()) return;
  for (size_t a = 0; a < mean->arms.size(); ++a) {
    Eigen::Vector3d position = Eigen::Vector3d::Zero();
    Eigen::Vector4d rotation = Eigen::Vector4d::Zero();
    JointVector joints = JointVector::Zero(mean->arms[a].q_cmd.size());
    double gripper = 0, sum = 0;
    const Eigen::Vector4d first = mean->arms[a].X_WE_cmd.rotation().coeffs();
    int i = 0;
    for (const Chunk& chunk : chunks_) {
      if (chunk.due > step_) break;
      const ArmAction& arm = ActionOf(chunk, step_).arms[a];
      const double weight = std::exp(-options_.ensemble_decay * i++);
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
            : Eigen::Vector4d(ActionOf(newest, step_).arms[a].X_WE_cmd.rotation().coeffs());
    mean->arms[a].X_WE_cmd = Pose(Eigen::Quaterniond(q), position / sum);
    mean->arms[a].q_cmd = joints / sum;
    mean->arms[a].gripper = gripper / sum;
  }
}

}  // namespace understudy
