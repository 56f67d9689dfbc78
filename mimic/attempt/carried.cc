#include "mimic/attempt/carried.h"

namespace understudy {

std::vector<Pose> HandChanges(const std::vector<Carried>& carried, const SourceDemo& demo, int t) {
  std::vector<Pose> X_SE(carried.size());
  for (size_t i = 0; i < carried.size(); ++i) {
    if (carried[i].object < 0) continue;
    const Pose X_SH = demo.arms[i].X_WE[t].Inverse() * demo.X_WO[carried[i].object][t];
    X_SE[i] = HandChange(X_SH, carried[i].X_EH, carried[i].symmetry);
  }
  return X_SE;
}

std::vector<Pose> Turned(std::vector<Pose> X_SE, const std::vector<double>& turns) {
  for (size_t i = 0; i < turns.size(); ++i) {
    X_SE.resize(turns.size());
    X_SE[i] = X_SE[i] * SymmetricTurn(turns[i]);
  }
  return X_SE;
}

}  // namespace understudy
