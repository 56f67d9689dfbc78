#include "train/run/warm_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "core/base/error.h"
#include "core/base/glob.h"

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

// The slot of the other policy that each slot of ours goes on from, and the sizes that tables are
// padded to.
struct SlotMatch {
  std::vector<std::optional<size_t>> from;
  std::vector<std::pair<int64_t, int64_t>> padded;  // theirs, ours
};

SlotMatch MatchSlots(const PolicyConfig& theirs, const PolicyConfig& ours,
                     std::vector<std::string>* lines) {
  const std::vector<PolicyEmbodiment> old = theirs.Embodiments(), now = ours.Embodiments();
  SlotMatch match;
  for (size_t slot = 0; slot < now.size(); ++slot) {
    const auto found = std::ranges::find_if(old, [&](const PolicyEmbodiment& one) {
      return SameColumns(one.embodiment, now[slot].embodiment);
    });
    match.from.emplace_back();
    if (found != old.end()) match.from.back() = static_cast<size_t>(found - old.begin());
    lines->push_back(
        found == old.end()
            ? fmt::format("embodiment '{}' begins anew in slot {}", now[slot].name, slot)
            : fmt::format("embodiment '{}' in slot {} goes on from slot {}, '{}'", now[slot].name,
                          slot, *match.from.back(), found->name));
  }
  const auto largest = [](const std::vector<PolicyEmbodiment>& all, auto size) -> int64_t {
    int most = 0;
    for (const PolicyEmbodiment& one : all) most = std::max(most, (one.embodiment.*size)());
    return most;
  };
  for (const auto size : {&Embodiment::state_size, &Embodiment::action_size}) {
    match.padded.emplace_back(largest(old, size), largest(now, size));
  }
  return match;
}

// Copies what two tables have in common, along dimension `at` and those behind it.
void CopyCommon(const TensorBlob& from, TensorBlob* to, size_t at, size_t source, size_t target) {
  if (at == to->shape.size()) {
    std::memcpy(&to->data[target * sizeof(float)], &from.data[source * sizeof(float)],
                sizeof(float));
    return;
  }
  for (int64_t i = 0; i < std::min(from.shape[at], to->shape[at]); ++i) {
    CopyCommon(from, to, at + 1,
               source * static_cast<size_t>(from.shape[at]) + static_cast<size_t>(i),
               target * static_cast<size_t>(to->shape[at]) + static_cast<size_t>(i));
  }
}

// Fills the slots that go on; false where the tables differ in more than slots and padding.
bool TakeSlots(const TensorBlob& from, const SlotMatch& match, TensorBlob* to) {
  if (from.shape.size() != to->shape.size() || from.dtype != "F32") return false;
  for (size_t i = 1; i < to->shape.size(); ++i) {
    const int64_t old = from.shape[i], now = to->shape[i];
    // or as many times as wide: tokens of several actions hold them number by number
    const bool padding = std::ranges::any_of(match.padded, [&](const auto& sizes) {
      return sizes.first > 0 && old % sizes.first == 0 && now == old / sizes.first * sizes.second;
    });
    if (old != now && !padding) return false;
  }
  bool any = false;
  for (size_t slot = 0; slot < match.from.size(); ++slot) {
    if (!match.from[slot]) continue;
    CopyCommon(from, to, 1, *match.from[slot], slot);
    any = true;
  }
  return any;
}

}  // namespace

WarmStart StartFrom(const PolicyArtefact& from, const PolicyType& type, const PolicyConfig& config,
                    TensorMap* state) {
  WarmStart start{.policy = from.hash};
  const Tokenizer& tokenizer = config.tokenizer;
  // one that goes on as one may be another robot's: whatever fits by name and shape is taken
  const bool several = !from.config.embodiments.empty() || !config.embodiments.empty();
  const SlotMatch slots =
      several ? MatchSlots(from.config, config, &start.embodiments) : SlotMatch();
  std::set<std::string> names;
  for (auto& [key, blob] : *state) {
    const std::string name = WeightName(key);
    if (name.empty()) continue;
    names.insert(name);
    const auto found = from.weights.find(name);
    const bool there = found != from.weights.end() && found->second.dtype == blob.dtype;
    const bool table = name == type.word_table && there && blob.shape.size() == 2 &&
                       found->second.shape.size() == 2 &&
                       found->second.shape[0] == from.config.tokenizer.vocabulary() &&
                       blob.shape[0] == tokenizer.vocabulary() &&
                       found->second.shape[1] == blob.shape[1];
    if (table) {
      TakeWords(found->second, from.config.tokenizer, tokenizer, &blob, &start.words);
    } else if (several && there && std::ranges::any_of(type.slot_tables, [&](const auto& pattern) {
                 return GlobMatch(pattern, name);
               })) {
      if (!TakeSlots(found->second, slots, &blob)) {
        start.fresh.push_back(name);
        continue;
      }
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
