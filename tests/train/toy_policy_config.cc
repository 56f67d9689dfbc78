#include "tests/train/toy_policy.h"

namespace understudy {

PolicyType LinearPolicy() {
  PolicyType type;
  type.name = "linear";
  type.summary = "actions as a linear function of the state; sees no pictures";
  type.fields = ListFields(LinearConfig{});
  type.resolve = [](const Json& options) {
    return ToJson(FromJson<LinearConfig>(options, "policy"));
  };
  type.columns = [](const Json&, const ColumnOffer& offer) {
    return std::vector<ColumnRequest>{{kStateColumn}, {kActionColumn, ChunkOffsets(offer.horizon)}};
  };
  return type;
}

}  // namespace understudy
