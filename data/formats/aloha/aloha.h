#pragma once

#include "data/formats/base/format.h"

namespace understudy {

// Episode files of ALOHA and ACT: /action and /observations/{qpos,qvel,effort,images/<camera>}, one
// file per episode; a folder of episode_<i>.hdf5 is a dataset. Columns are named by their path,
// qpos is the state. They store neither rate nor success; there are no poses of arms.
DatasetFormat AlohaFormat();

}  // namespace understudy
