#pragma once

// What the readers of Isaac Lab's rows share.

#include <string>
#include <vector>

#include "core/seam/dataset_header.h"
#include "data/formats/base/joint_poses.h"
#include "data/store/hdf5/group.h"
#include "data/store/read_options.h"

namespace understudy::foreign {

// As --quaternions and the header's setting `quaternions` have it; "unknown" for kAsk.
const char* NameOf(QuaternionOrder order);
// Four numbers of row `k` from number `i` on.
Eigen::Quaterniond QuaternionAt(const Column& c, size_t k, size_t i, QuaternionOrder order);

// Quaternions of a file, or the question where their order is not known.
class Quaternions {
 public:
  // `demo` must outlive it.
  Quaternions(const h5::Group& demo, const DatasetHeader& header);
  bool known() const { return order_ != QuaternionOrder::kAsk; }
  // Of row `k`: its position from number `p` of `position` on, its quaternion from number `q` of
  // `c`.
  Pose At(const Column& c, size_t k, size_t p, size_t q, const Column& position) const;
  Pose At(const Column& c, size_t k) const { return At(c, k, 0, 3, c); }

 private:
  const h5::Group& demo_;
  QuaternionOrder order_ = QuaternionOrder::kAsk;
};

// A column of the tree of states at every instant: `initial_state` before the first row, `states`
// after each. Empty where either is missing.
struct Instants {
  Column first, rest;
  bool known() const { return first.rows > 0 && rest.rows > 0; }
};
Instants ReadInstants(const h5::Group& demo, const std::string& path, size_t length,
                      const std::vector<int64_t>& dims);

// Dialect::has_joints and joints: articulations of the tree of states, which call their joints by
// no name: the arm's come first, then its fingers'.
bool HasIsaacLabJoints(const h5::Group& demo);
std::vector<JointArm> ReadIsaacLabJoints(const h5::Group& demo, const DatasetHeader& header,
                                         const JointRobot& robot);

}  // namespace understudy::foreign
