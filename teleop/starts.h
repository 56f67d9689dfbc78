#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/geometry/pose.h"
#include "core/seam/simulator.h"
#include "core/spec/task_spec.h"
#include "data/store/read_options.h"

namespace understudy {

// Where the objects stood when something began, as SimulatorInfo::objects.
using Start = std::vector<Pose>;

// The starts of a dataset's demonstrations. Throws Error(kBadInput) where it has other objects than
// `objects`.
std::vector<Start> StartsOfDemonstrations(const std::filesystem::path& dataset,
                                          const std::vector<std::string>& objects);

// Of 64 candidates of a start (key.WithVariant, the first as without a choice) the one that is best
// where `bins` by `bins` parts of every object's reset range are to hold demonstrations: the sum
// over the objects of the demonstrations that began in the same part (`covered`) is smallest; of
// equal ones the first. Resets the simulator to it.
uint64_t ChooseStart(Simulator& simulator, const ResetVariant& variant, const std::string& name,
                     const RngKey& key, int bins, const std::vector<Start>& covered);

}  // namespace understudy
