#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "train/run/checkpoint.h"
#include "train/run/policy_config.h"
#include "train/tensors/tensor_blob.h"

namespace understudy {

// What a network that begins its training took from the weights of another policy, by name.
struct WarmStart {
  std::string policy;
  std::vector<std::string> taken;
  std::vector<std::string> fresh;   // the network's own: nothing of that name and shape was there
  std::vector<std::string> unused;  // the other policy's: the network has no such weight
  std::vector<std::string> words;   // known to both, whose rows of the table of words were taken
  std::vector<std::string> embodiments;
  static constexpr std::array kUnwritten{"embodiments"};
  template <class V>
  void Visit(V& v) {
    v("policy", policy, "hash of the policy that was started from");
    v("taken", taken, "weights that were taken");
    v("fresh", fresh, "weights that begin anew");
    v("unused", unused, "weights of the other policy that fit nowhere");
    v("words", words, "words whose rows were taken");
    v("embodiments", embodiments, "which go on from the other policy's, and which begin anew");
  }
};

// Puts the weights of `from` into `state`, what a fresh engine exports (UpdateEngine::ExportState),
// its average included. `config` is the network's; tables of words (PolicyType::word_table) are
// taken word by word, and where either policy has several embodiments, those of embodiments
// (PolicyType::slot_tables) slot by slot: each goes on from the one with the same columns. Throws
// Error(kBadInput) where no weight fits.
WarmStart StartFrom(const PolicyArtefact& from, const PolicyType& type, const PolicyConfig& config,
                    TensorMap* state);

}  // namespace understudy
