#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "train/run/checkpoint.h"
#include "train/run/tensor_blob.h"
#include "train/samples/tokenizer.h"

namespace understudy {

// What a network that begins its training took from the weights of another policy, by name.
struct WarmStart {
  std::string policy;               // its hash
  std::vector<std::string> taken;   // name and shape agree
  std::vector<std::string> fresh;   // the network's own: nothing of that name and shape was there
  std::vector<std::string> unused;  // the other policy's: the network has no such weight
  std::vector<std::string> words;   // known to both, whose rows of the table of words were taken
  template <class V>
  void Visit(V& v) {
    v("policy", policy, "hash of the policy that was started from");
    v("taken", taken, "weights that were taken");
    v("fresh", fresh, "weights that begin anew");
    v("unused", unused, "weights of the other policy that fit nowhere");
    v("words", words, "words whose rows were taken");
  }
};

// Puts the weights of `from` into `state`, what a fresh engine exports (UpdateEngine::ExportState),
// its average included. `word_table` is the weight whose rows are the tokenizer's words (empty:
// none): its rows are taken word by word. Throws Error(kBadInput) where no weight fits.
WarmStart StartFrom(const PolicyArtefact& from, const std::string& word_table,
                    const Tokenizer& tokenizer, TensorMap* state);

}  // namespace understudy
