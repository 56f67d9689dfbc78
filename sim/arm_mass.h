#pragma once

#include <mujoco/mujoco.h>

#include <algorithm>
#include <array>

#include "core/episode/action.h"
#include "sim/model_index.h"

namespace understudy {

// The block of the mass matrix that belongs to an arm's joints. A value.
class ArmMass {
 public:
  ArmMass(const mjModel& model, const ArmIndex& arm) : joints_(static_cast<int>(arm.dofs.size())) {
    // where M's lower triangle keeps the block; -1: always zero
    for (int i = 0; i < joints_; ++i) {
      for (int j = 0; j < joints_; ++j) {
        address_[i][j] = -1;
        const int row = std::max(arm.dofs[i], arm.dofs[j]);
        const int column = std::min(arm.dofs[i], arm.dofs[j]);
        for (int k = 0; k < model.M_rownnz[row]; ++k) {
          const int address = model.M_rowadr[row] + k;
          if (model.M_colind[address] == column) address_[i][j] = address;
        }
      }
    }
  }

  // `M` has a row and a column per joint. `data` is past mj_step1.
  template <class Matrix>
  void Read(const mjData& data, Matrix* M) const {
    for (int i = 0; i < joints_; ++i) {
      for (int j = 0; j < joints_; ++j) {
        (*M)(i, j) = address_[i][j] < 0 ? 0 : data.M[address_[i][j]];
      }
    }
  }

 private:
  int joints_;
  std::array<std::array<int, kMostJoints>, kMostJoints> address_;
};

}  // namespace understudy
