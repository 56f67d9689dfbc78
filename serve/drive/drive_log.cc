#include "serve/drive/drive_log.h"

#include <utility>

#include "data/store/files.h"

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
    : file_(file), rows_(kRows) {
  recorder_.emplace(file, header, meta);
  thread_ = std::thread([this] { Work(); });
}

DriveLog::~DriveLog() {
  Join();
  if (warm_) return;
  recorder_.reset();
  std::error_code ignored;
  std::filesystem::remove(PartOf(file_), ignored);
}

void DriveLog::Push() {
  // the first row gives all of them their memory
  if (!std::exchange(warm_, true)) rows_.Warm();
  rows_.Push();
}

void DriveLog::Work() {
  HandOver<Step>::Things rows;
  rows.reserve(kRows);
  try {
    while (rows_.Take(&rows)) {
      for (const auto& row : rows) {
        recorder_->Append(*row);
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
  if (warm_) recorder_->Finish(meta, final_state, final_observation, {});
}

}  // namespace understudy
