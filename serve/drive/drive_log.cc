#include "serve/drive/drive_log.h"

#include <utility>

namespace understudy {
namespace {

constexpr size_t kRows = 64;  // of memory at the start

// What was seen and what was done.
void HashRow(const Step& row, Hasher* hasher) {
  const auto add = [&](const auto& numbers) {
    hasher->Add(numbers.data(), static_cast<size_t>(numbers.size()) * sizeof(double));
  };
  add(row.state);
  for (const ArmObservation& arm : row.observation.arms) add(arm.joint_q);
  for (const ArmAction& arm : row.action.arms) {
    add(arm.X_WE_cmd.rotation().coeffs());
    add(arm.X_WE_cmd.translation());
    add(arm.q_cmd);
    hasher->Add(&arm.gripper, sizeof(double));
  }
}

}  // namespace

DriveLog::DriveLog(const std::filesystem::path& file, const DatasetHeader& header,
                   const EpisodeMeta& meta)
    : recorder_(file, header, meta), rows_(kRows) {
  thread_ = std::thread([this] { Work(); });
}

DriveLog::~DriveLog() { Join(); }

void DriveLog::Push() {
  // the first row gives all of them their memory
  if (!std::exchange(warm_, true)) rows_.Warm();
  rows_.Push();
}

void DriveLog::Work() {
  HandOver<Step>::Things rows;
  try {
    while (rows_.Take(&rows)) {
      for (const auto& row : rows) {
        recorder_.Append(*row);
        HashRow(*row, &hasher_);
      }
    }
  } catch (...) {
    error_ = std::current_exception();
    while (rows_.Take(&rows)) {
    }
  }
}

void DriveLog::Join() {
  rows_.Close();
  if (thread_.joinable()) thread_.join();
}

void DriveLog::Finish(EpisodeMeta meta, const RngKey& key, const SimState& final_state,
                      const Observation& final_observation) {
  Join();
  if (error_) std::rethrow_exception(error_);
  meta.uuid = MakeUuid(hasher_.Hex(), key);
  recorder_.Finish(meta, final_state, final_observation, {});
}

}  // namespace understudy
