#pragma once

// What a policy may ask to be given. A training set and an observation offer columns by name; a
// policy asks for some of them, each at one or more time steps.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace understudy {

// Names of the columns. Pictures have one column per camera.
inline constexpr const char* kStateColumn = "state";    // see train/samples/embodiment.h
inline constexpr const char* kActionColumn = "action";  // the same; the answer of a policy
inline constexpr const char* kInstructionColumn = "instruction";  // see train/samples/tokenizer.h
inline constexpr const char* kObjectsColumn = "objects";  // see train/samples/object_labels.h
// The same numbers, normalised, where every row knows them: for a policy that sees where the
// objects are.
inline constexpr const char* kSeenObjectsColumn = "seen_objects";
// The first actions of a chunk where they are given (SampleLayout::max_delay): shaped as the
// action, real_BT says which. Not offered: a policy that acts gets it beside what it asked for.
inline constexpr const char* kCommittedColumn = "committed";
// What the backbone of another model made of a row's pictures and instruction, token by token, and
// what each token is (FeatureKind); see train/samples/features.h.
inline constexpr const char* kFeaturesColumn = "features";
inline constexpr const char* kFeatureKindsColumn = "feature_kinds";
inline bool IsFeatureColumn(std::string_view column) {
  return column == kFeaturesColumn || column == kFeatureKindsColumn;
}
std::string ImageColumn(const std::string& camera);  // "images.<camera>"
bool IsImageColumn(std::string_view column);
// The place in `cameras` of the one whose pictures the column holds. Requires that it is there.
size_t CameraOf(std::string_view column, std::span<const std::string> cameras);

// A column that is offered.
struct ColumnInfo {
  std::string name;
  std::vector<int> shape;      // of one time step: {height, width, 3} of a camera, {S} of the state
  bool training_only = false;  // a policy that acts does not get it
  // Numbers of a time step that each embodiment has, the first ones: the others are padding, and
  // what they hold counts nothing. Of pictures all or none. Empty: every embodiment has all.
  std::vector<int> by_embodiment = {};
  bool operator==(const ColumnInfo&) const = default;

  int size() const;  // numbers per time step
  int SizeOf(size_t embodiment) const;
};

// What a policy asks for: a column at some time steps, counted from the row of the sample.
struct ColumnRequest {
  std::string name;
  std::vector<int> offsets{0};
};

// Appends the columns of features of `tokens` tokens, where there are any.
void OfferFeatures(int tokens, int width, std::vector<ColumnInfo>* offered);

// A column of a batch.
struct ColumnLayout {
  ColumnInfo info;
  std::vector<int> offsets;
  bool operator==(const ColumnLayout&) const = default;

  int steps() const { return static_cast<int>(offsets.size()); }
};

// The columns of a batch, in the order in which they were asked for.
struct SampleLayout {
  std::vector<ColumnLayout> columns;
  // Steps that a policy with memory sees one after the other before its memory is reset; 1: no
  // memory. Then a sample is a sequence of so many rows, and each action is seen from its own row.
  int memory = 1;
  int max_delay = 0;  // first actions of a chunk that a policy which acts may be given
  bool operator==(const SampleLayout&) const = default;

  // Null if the column was not asked for.
  const ColumnLayout* Find(std::string_view name) const;
  // Requires that the column was asked for.
  const ColumnLayout& operator[](std::string_view name) const;
  // Observations that a policy which acts must be given, the current one included.
  int history() const;
};

// 0 … horizon - 1.
std::vector<int> ChunkOffsets(int horizon);

// The layout of `requests`. Throws Error(kBadInput) that lists every fault: a column that is not
// offered, or is asked for twice; no time step; of a column that a policy must have to act, a later
// step than the current one, or with `memory` others than 0 … memory - 1; the instruction at other
// steps than 0.
SampleLayout LayoutOf(std::span<const ColumnRequest> requests, std::span<const ColumnInfo> offered,
                      int memory = 1);

}  // namespace understudy
