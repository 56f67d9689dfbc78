#include "sim/shown_state.h"

#include <cmath>
#include <numbers>

namespace understudy {

bool SetShownState(const SimulatorInfo& info, const SimState& state, const mjModel& model,
                   mjData* data) {
  const bool whole = state.size() == info.state_size;
  if (!whole && state.size() != info.flat_state_size) return false;
  const unsigned what = whole ? static_cast<unsigned>(mjSTATE_INTEGRATION)
                              : static_cast<unsigned>(mjSTATE_TIME | mjSTATE_QPOS | mjSTATE_QVEL);
  mj_setState(&model, data, state.data(), static_cast<int>(what));
  return true;
}

void PlaceShown(const mjModel& model, const ModelLook& look, mjData* data) {
  mj_kinematics(&model, data);
  mj_comPos(&model, data);
  mj_camlight(&model, data);
  look.PlaceLights(data);
}

double FieldOfViewDeg(const mjModel& model, int camera) {
  const float sensor_height = model.cam_sensorsize[2 * camera + 1];
  if (sensor_height <= 0) return model.cam_fovy[camera];
  const double focal = model.cam_intrinsic[4 * camera + 1];
  return 2 * std::atan2(sensor_height / 2, focal) * 180 / std::numbers::pi;
}

}  // namespace understudy
