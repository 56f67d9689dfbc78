#pragma once

#include "train/policies/policies.h"
#include "train/torch/network.h"

namespace understudy {

// A chunk that is linear in the state: what docs/add_a_policy.md adds.
struct LinearConfig {
  // changes results
  double decay = 0;

  template <class V>
  void Visit(V& v) {
    v("decay", decay, "share by which an update shrinks the weights", Limits{0, 1});
  }
};

PolicyType LinearPolicy();
PolicyNetwork LinearNetwork();

}  // namespace understudy
