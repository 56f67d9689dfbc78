#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/seam/policy.h"
#include "train/run/checkpoint.h"
#include "train/run/chunk_model.h"
#include "train/run/policy_config.h"

namespace understudy {

// What a network sees of one row. Numbers are not normalised; `pixels` gives the picture of a
// camera of the configuration, of its size.
struct SeenRow {
  std::vector<float> state_S, objects_O;
  std::function<std::vector<uint8_t>(size_t camera)> pixels;
  std::vector<float> features_LW = {}, kinds_L = {};  // of a policy that sees features
};

// A trained network as a policy: pictures, arms, objects and instruction are made into a batch of
// one, with the columns that the network asked for; the chunk is un-normalised and re-anchored at
// the arms that were given. Values outside of what training saw are clamped where the normalisation
// is min_max. Thread-safe.
class CheckpointPolicy : public Policy {
 public:
  // `layout` of LayoutFor, from config.Offer().
  CheckpointPolicy(const PolicyConfig& config, const std::string& hash, const SampleLayout& layout,
                   std::unique_ptr<ChunkModel> model);

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const override;
  SeenRow See(const PolicyObservation& observation) const;
  PolicyConfig config_;
  PolicyInfo info_;
  SampleLayout layout_;
  std::unique_ptr<ChunkModel> model_;
};

// LoadPolicy of a network that is listed in train/policies. Throws Error(kBadInput) that names the
// known types otherwise.
PolicyArtefact LoadListedPolicy(const std::filesystem::path& place,
                                const PolicyList& policies = PolicyTypes());

// A policy and its network.
struct OpenedPolicy {
  PolicyArtefact policy;
  SampleLayout layout;
  std::unique_ptr<ChunkModel> model;
};

// Loads `place` by LoadListedPolicy and makes its network, for the embodiment that `choose` takes;
// without it, for the first. Throws Error(kBadInput).
using ChooseConfig = std::function<PolicyConfig(const PolicyConfig& config)>;
OpenedPolicy OpenListedPolicy(const std::filesystem::path& place, const ChunkModelFactory& factory,
                              const PolicyList& policies = PolicyTypes(),
                              const ChooseConfig& choose = {});

// The same as a policy that acts.
std::unique_ptr<Policy> LoadCheckpointPolicy(const std::filesystem::path& place,
                                             const ChunkModelFactory& factory,
                                             const PolicyList& policies = PolicyTypes(),
                                             const ChooseConfig& choose = {});

// Throws Error(kBadInput) for a policy that sees what nothing but a dataset gives.
void RequireThatItActs(const PolicyConfig& config, const SampleLayout& layout);

// Writes down what a policy of this layout wants to see of the past, and what it can be given.
void RememberBy(const SampleLayout& layout, PolicyInfo* info);

// What a network answers to the last of the rows, of which it sees those before too, oldest first
// (PolicyInfo::EarlierAt of them): horizon x action numbers, not normalised. `committed_kA` are the
// first actions of the answer where they are given, likewise; at most SampleLayout::max_delay.
std::vector<float> PredictChunk(const PolicyConfig& config, const SampleLayout& layout,
                                const ChunkModel& model, std::span<const SeenRow> rows,
                                const std::string& instruction, const RngKey& key,
                                std::span<const float> committed_kA = {});

// The chunk that `actions_TA` (not normalised) means for arms that stand at `arms`.
ActionChunk DecodeChunk(const Embodiment& embodiment, const std::vector<ArmObservation>& arms,
                        const std::vector<float>& actions_TA);

}  // namespace understudy
