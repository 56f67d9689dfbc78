#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/episode/episode.h"
#include "core/spec/drawn_ranges.h"
#include "core/spec/scene_file.h"
#include "data/store/read_options.h"
#include "train/samples/columns.h"
#include "train/samples/embodiment.h"
#include "train/samples/features.h"
#include "train/samples/object_labels.h"

namespace understudy {

enum class ActionLabel { kClean, kExecuted };
template <>
struct EnumNames<ActionLabel> {
  static constexpr std::array kNames{"clean", "executed"};
};

// Which episodes of a dataset are learnt from.
struct SelectionOptions {
  // changes results
  std::string mask;
  bool only_successes = true;
  std::vector<int> variants;
  int64_t max_episodes = 0;
  ActionLabel label = ActionLabel::kClean;
  bool policy_rows = false;
  static constexpr std::array kUnwritten{"policy_rows"};
  template <class V>
  void Visit(V& v) {
    v("mask", mask, "episode list of the dataset (mask/<key>); empty: all episodes");
    v("only_successes", only_successes, "leave failed episodes out");
    v("variants", variants, "indices of augmentation variants; empty: all");
    v("max_episodes", max_episodes, "per dataset, the first by number; 0: all", Limits{0, 1e9});
    v("label", label, "action to imitate: clean (before noise) or executed");
    v("policy_rows", policy_rows,
      "of rollouts in which a person could take over (evaluate --takeover), learn what the policy "
      "did, too; off: only what the person did");
  }
};

// What a policy sees and does. Column names as `understudy data info` lists them.
struct InputOptions {
  // changes results
  std::vector<std::string> cameras;
  std::optional<ActionKind> actions;
  std::vector<std::string> state_columns, action_columns;
  int image_width = 0, image_height = 0;
  bool pictures = true;
  std::vector<std::string> features;
  static constexpr std::array kUnwritten{"actions",     "state_columns", "action_columns",
                                         "image_width", "image_height",  "pictures",
                                         "features"};
  template <class V>
  void Visit(V& v) {
    v("cameras", cameras, "that the policy sees, in order; empty: those of the dataset");
    v("actions", actions,
      "command that the policy gives to the arms: pose or joints; empty: that of the first "
      "dataset");
    v("state_columns", state_columns,
      "columns of the dataset that are the state, as they are; empty: the poses of the arms where "
      "they and their targets are known, else the dataset's own state");
    v("action_columns", action_columns,
      "columns of the dataset that are the action, as they are; empty: as state_columns");
    v("image_width", image_width, "px, to which pictures are resized; 0: as they are",
      Limits{0, 8192});
    v("image_height", image_height, "the same; 0: as they are", Limits{0, 8192});
    v("pictures", pictures, "the policy sees pictures; off: none are needed");
    v("features", features,
      "folders of the backbone's features of the rows (docs/with_groot.md), one for each dataset; "
      "empty: none");
  }
};

// The low-dimensional columns of one episode in the form that samples are cut from.
struct TrainingEpisode {
  size_t dataset = 0;  // of TrainingSet::datasets
  size_t index = 0;    // in that dataset
  std::string name, uuid;
  std::string origin;           // of the trajectory: equal for all looks of it
  size_t instruction = 0;       // of TrainingSet::instructions
  size_t length = 0;            // T
  size_t feature_file = 0;      // of its dataset's features, where there are any
  std::vector<float> state_TS;  // not normalised
  // not normalised; of an embodiment of columns, or of joints: absolute targets. Else empty
  std::vector<float> actions_TA;
  std::vector<size_t> objects;     // of TrainingSet::objects; none: poses are not known
  std::vector<float> objects_TO;   // labels of these objects, not normalised
  std::vector<Pose> X_WE;          // T x arms; of an embodiment of poses, else empty
  std::vector<ArmAction> targets;  // the same
  std::vector<uint8_t> learnt;     // by row: its action is learnt; empty: all are

  bool Learns(size_t row) const { return learnt.empty() || learnt[row] != 0; }
  // Rows at which windows begin, in order, and how many.
  size_t windows() const;
  size_t RowOf(size_t window) const;
};

// Copies pixels of one row to `out` (height * width * 3 bytes). `camera` counts in
// TrainingSet::cameras. Called from several threads at once.
using FrameReader = std::function<void(size_t episode, size_t camera, size_t step, uint8_t* out)>;

struct TrainingDataset {
  std::string path, hash;
  FrameReader frames;
  std::map<std::string, int> symmetry;  // of its objects, by name; 1 if unspecified
  std::shared_ptr<const FeatureFolder> features = nullptr;  // null: none
  size_t first_episode = 0, episodes = 0;
  size_t place = 0;  // among all that were loaded together
};

// All that a policy is trained on: numbers in memory (about 200 bytes per row and arm), pictures on
// demand.
struct TrainingSet {
  Embodiment embodiment;
  std::string task;
  std::string robot_place;  // path of the robot.yaml; empty: a listed robot, or none of ours
  std::vector<SceneFile> scene_files;  // those that the first dataset carries
  std::vector<std::string> cameras;
  int image_height = 0, image_width = 0;
  int feature_tokens = 0, feature_width = 0;  // L of the longest row, W; 0: no features
  double control_hz = 0;
  DeltaLimits limits;
  std::vector<TrainingDataset> datasets;
  std::vector<TrainingEpisode> episodes;
  std::vector<std::string> instructions;
  DrawnRanges draws;                    // of all episodes
  std::vector<LabelledObject> objects;  // those of all episodes

  // Windows begin at rows that are learnt, episodes in order: those of dataset d are [first, first
  // + count).
  std::pair<uint64_t, uint64_t> WindowsOf(size_t dataset) const;
  uint64_t windows() const;
  uint64_t rows() const;

  // The actions at `offsets` from `row`, as seen from there, or each from its `own_row` (columns:
  // as they are): T x action_size() numbers, not normalised; steps outside the episode repeat its
  // first or last action; these, and rows that are not learnt, have mask 0.
  void Chunk(const TrainingEpisode& episode, size_t row, std::span<const int> offsets,
             float* actions_TA, uint8_t* mask_T, bool own_row = false) const;
  // Whether every episode knows where all the objects are.
  bool KnowsObjects() const;
};

// What is learnt together: a set for each embodiment, in the order of a policy's slots.
using TrainingSets = std::vector<std::shared_ptr<const TrainingSet>>;
uint64_t WindowsOf(const TrainingSets& sets);
std::vector<std::string> NamesOf(const TrainingSets& sets);

// What the sets offer to a policy: pictures of its cameras, state, action, the instruction as
// `tokens` numbers and, where there are any, labels of its objects, which are also seen where every
// episode knows them. Several sets offer no labels.
std::vector<ColumnInfo> ColumnsOf(const TrainingSet& set, int tokens);
std::vector<ColumnInfo> ColumnsOf(const TrainingSets& sets, int tokens);

// Appends the columns of an episode; `learnt` as in TrainingEpisode.
void AddEpisode(TrainingSet& set, const Episode& episode, size_t dataset, size_t index,
                ActionLabel label, std::vector<uint8_t> learnt = {});
// The same of an embodiment of columns: `state_TS` and `actions_TA` as they are stored.
void AddColumns(TrainingSet& set, const EpisodeMeta& meta, size_t dataset, size_t index,
                std::vector<float> state_TS, std::vector<float> actions_TA,
                std::vector<uint8_t> learnt = {});
// TrainingEpisode::learnt of an episode in which a person took over from a policy: the rows in
// which the person acted. Empty for any other.
std::vector<uint8_t> CorrectedRows(const Episode& episode);

// Opens datasets of any listed format and takes the selected episodes of each. Inputs that are left
// open are those of the first dataset. Throws Error(kBadInput) where datasets disagree in robot,
// base, rate, limits, columns, image size or cameras, where nothing is selected, where a number is
// not finite, or where numbers of a selected episode differ from the hash stored with them, naming
// the dataset and the values.
TrainingSet LoadTrainingSet(const std::vector<std::filesystem::path>& paths,
                            const InputOptions& inputs, const SelectionOptions& selection,
                            Progress& progress, const ReadOptions& read = {});
// The same, where datasets may differ in robot, state and action (SameColumns): one set of each
// kind, in the order in which they come. A kind may lack cameras of `inputs` that another has.
TrainingSets LoadTrainingSets(const std::vector<std::filesystem::path>& paths,
                              const InputOptions& inputs, const SelectionOptions& selection,
                              Progress& progress, const ReadOptions& read = {});
// What the numbers of a dataset's first selected episode are. Throws as LoadTrainingSet.
Embodiment EmbodimentOfDataset(const std::filesystem::path& path, const InputOptions& inputs,
                               const SelectionOptions& selection, Progress& progress,
                               const ReadOptions& read = {});

// The mean of all windows' chunks, horizon x action_size(), not normalised: the "mean chunk"
// baseline, and a view on what the data says.
std::vector<float> MeanChunk(const TrainingSet& set, int horizon);

}  // namespace understudy
