#pragma once

// The list of policies, free of LibTorch. A new policy is a folder of train/policies and a line in
// policies.def: see docs/add_a_policy.md.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "train/samples/columns.h"

namespace understudy {

struct PolicyArtefact;  // train/run/checkpoint.h

// What a policy chooses its columns from.
struct ColumnOffer {
  std::vector<ColumnInfo> columns;  // pictures in the order of the cameras
  int horizon = 0;                  // actions of a chunk: the policy asks for all of them
};

// One kind of network, as `type` names it in options and checkpoints.
struct PolicyType {
  std::string name;
  std::string summary;  // one line for `list` and help
  // Options of the network, for help, flags and resume checks.
  std::vector<FieldInfo> fields;
  // Checks the options of the network and returns all of them, with defaults where these are
  // written. Throws Error(kBadInput) that lists every violation, and the nearest known names.
  std::function<Json(const Json& options)> resolve;
  // The columns that a network of these options (resolved) is to be given, and its answer, the
  // action at steps 0 … horizon - 1. The same for training and acting, but for columns that are
  // offered in training only.
  std::function<std::vector<ColumnRequest>(const Json& options, const ColumnOffer& offer)> columns;
  // Steps that the network sees one after the other before its memory is reset: it is trained on
  // sequences of so many rows and asks for columns at all of them (steps 0 … memory - 1), the
  // action of each seen from its own row; where it acts it is given the rows since it began, and
  // answers with the one action of the last (horizon 1). None: it has no memory, and sees what it
  // asks for at steps up to 0.
  std::function<int(const Json& options)> memory = {};
  // First actions of a chunk that it was trained to be given where it acts, because they are done
  // before its answer comes; none: it is given none.
  std::function<int(const Json& options)> max_delay = {};
  // Its answers lie within [-1, 1], so that actions must be normalised into it.
  bool bounded = false;
  // Options of the training (TrainOptions, those that it sets only) that hold where nothing else is
  // said, from its own options as far as they are given.
  std::function<Json(const Json& options)> preset = {};
  // The weight whose rows are the words of instructions, so that another vocabulary can take them
  // word by word; empty: none.
  std::string word_table = {};
  // Its option that says how many embodiments it has weights of their own for; it is raised to as
  // many as the data have. Empty: it learns one embodiment.
  std::string slots = {};
  // The weights whose rows are the slots, by pattern.
  std::vector<std::string> slot_tables = {};
  // Opens the folder or file of such a policy that another program wrote; empty: it opens none.
  // Throws Error(kBadInput) where it is not sound, or has what this program does not.
  std::function<PolicyArtefact(const std::filesystem::path& place)> open_foreign = {};
  // Writes a policy of this type for the program whose networks they are, into a folder that is new
  // or empty; with `plan` it is only checked. Empty: it is this program's own. Throws
  // Error(kBadInput) that lists what that program does not have.
  std::function<void(const PolicyArtefact& policy, const std::filesystem::path& folder, bool plan)>
      write_foreign = {};
  std::string foreign = {};  // that program, as `policy export --to` takes it
};

using PolicyList = std::vector<PolicyType>;
const PolicyList& PolicyTypes();

// The entry of `type`, or null.
const PolicyType* FindPolicyType(const std::string& type,
                                 const PolicyList& policies = PolicyTypes());

// "unknown policy 'grot': did you mean 'groot'? Known: groot."
std::string UnknownPolicyType(const std::string& type, const PolicyList& policies = PolicyTypes());

// Of PolicyType::memory; 1 without.
int MemoryOf(const PolicyType& policy, const Json& options);

// The layout of what the policy asks for. Throws Error(kBadInput) where it asks for what is not
// offered, or for other actions than its answer, or those of its memory.
SampleLayout LayoutFor(const PolicyType& policy, const Json& options, const ColumnOffer& offer);

}  // namespace understudy
