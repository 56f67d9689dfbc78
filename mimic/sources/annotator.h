#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/episode/episode.h"
#include "core/seam/dataset_header.h"
#include "core/seam/episode_source.h"
#include "core/seam/revisit.h"
#include "data/formats/base/translate.h"
#include "mimic/sources/annotate_dataset.h"
#include "mimic/sources/review.h"
#include "mimic/sources/review_edits.h"

namespace understudy {

// Annotates one episode of a dataset after the other. All that it is made from must outlive it;
// threads may share it.
class Annotator {
 public:
  struct Outcome {
    DemoReview review;
    bool restored = false, judged = false;
    std::string why_poses;  // why states could not be used; empty: they were
  };

  // Checks task and review, and asks the first episode whether its states fit. Throws as
  // AnnotateDataset.
  Annotator(const AnnotateOptions& options, const TaskSpec& task, const RobotSpec& robot,
            const SimulatorFactory& simulators, const EpisodeSource& reader);

  bool foreign() const { return reader_.content_hash().empty(); }
  bool needs_simulator() const { return why_poses_.empty(); }
  const Translation& translation() const { return translation_; }
  const EpisodeSource& reader() const { return reader_; }

  // What the annotated dataset says of itself.
  void EditHeader(DatasetHeader* header) const;

  // `episode` is number `index`, in our names and frames, and becomes annotated. `simulator` may be
  // null where needs_simulator() is false.
  Outcome Annotate(size_t index, Simulator* simulator, Episode* episode) const;

 private:
  [[noreturn]] void Refuse(const std::string& name, const std::string& what) const;
  void CheckRows(const std::string& name, const Episode& episode) const;
  void CheckTask(const std::string& name) const;
  void CheckAttempts() const;
  std::map<std::string, Pose> FixedPlaces(const Episode& episode) const;
  void ProbeStates(Simulator& simulator);
  std::string WhyUnfit(const RevisitedEpisode& states) const;
  void TakeFixed(const std::map<std::string, Pose>& fixed, Episode* episode) const;
  void TakeSeen(const RevisitedEpisode& states, Episode* episode) const;
  bool Judge(bool rows_follow, bool doubt, Annotation* found, Episode* episode) const;
  void Apply(size_t index, int length, Annotation* found) const;

  const AnnotateOptions& options_;
  const TaskSpec& task_;
  const EpisodeSource& reader_;
  Translation translation_;
  DatasetHeader header_;  // in our names
  ReviewEdits edits_;
  SimulatorInfo info_;            // where states are looked at
  bool same_joints_ = false;      // states of the recording's model are states of the scene
  Json counted_;                  // predicates whose counters states of ours hold
  bool same_predicates_ = false;  // they are those of this task
  std::string why_poses_;         // why no states are looked at; empty: they are
};

}  // namespace understudy
