#include "train/run/warm_start.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "core/base/error.h"

namespace understudy {
namespace {

// The name of a weight behind "weights/" or "weights."; empty: the tensor is none.
std::string WeightName(const std::string& key) {
  constexpr std::string_view kPrefix = "weights";
  const bool weight = key.starts_with("weights/") || key.starts_with("weights.");
  return weight ? key.substr(kPrefix.size() + 1) : "";
}

// Copies the rows of words that both know, those of padding and unknown words too.
void TakeWords(const TensorBlob& from, const Tokenizer& theirs, const Tokenizer& ours,
               TensorBlob* to, std::vector<std::string>* words) {
  const size_t row = to->data.size() / static_cast<size_t>(to->shape[0]);
  const auto take = [&](size_t source, size_t target) {
    std::memcpy(&to->data[target * row], &from.data[source * row], row);
  };
  take(0, 0);
  take(1, 1);
  for (size_t i = 0; i < ours.words.size(); ++i) {
    const auto known = std::find(theirs.words.begin(), theirs.words.end(), ours.words[i]);
    if (known == theirs.words.end()) continue;
    take(2 + static_cast<size_t>(known - theirs.words.begin()), 2 + i);
    words->push_back(ours.words[i]);
  }
}

}  // namespace

WarmStart StartFrom(const PolicyArtefact& from, const std::string& word_table,
                    const Tokenizer& tokenizer, TensorMap* state) {
  WarmStart start{.policy = from.hash};
  std::set<std::string> names;
  for (auto& [key, blob] : *state) {
    const std::string name = WeightName(key);
    if (name.empty()) continue;
    names.insert(name);
    const auto found = from.weights.find(name);
    const bool there = found != from.weights.end() && found->second.dtype == blob.dtype;
    const bool table =
        name == word_table && there && blob.shape.size() == 2 && found->second.shape.size() == 2 &&
        found->second.shape[0] == from.config.tokenizer.vocabulary() &&
        blob.shape[0] == tokenizer.vocabulary() && found->second.shape[1] == blob.shape[1];
    if (table) {
      TakeWords(found->second, from.config.tokenizer, tokenizer, &blob, &start.words);
    } else if (there && found->second.shape == blob.shape) {
      blob = found->second;
    } else {
      start.fresh.push_back(name);
      continue;
    }
    start.taken.push_back(name);
    // the average begins with the weights
    if (const auto average = state->find("average/" + name); average != state->end()) {
      average->second = blob;
    }
  }
  for (const auto& [name, blob] : from.weights) {
    const bool taken = std::find(start.taken.begin(), start.taken.end(), name) != start.taken.end();
    if (!taken) start.unused.push_back(name);
  }
  if (start.taken.empty()) {
    ThrowBadInput(fmt::format(
        "{}: none of its {} weights fits the network: give the options of the network that it was "
        "trained with (`train_config.json` beside it), or train without --from",
        from.folder.string(), from.weights.size()));
  }
  return start;
}

}  // namespace understudy
