#pragma once

// Datasets in robomimic's layout and nothing more: what data of other programs becomes that our
// episodes cannot hold, because it has no poses, no states or another action space.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/image/image.h"
#include "data/store/hdf5/column.h"

namespace understudy {

// Where an episode has a text per row that says the task of the row.
inline constexpr const char* kTaskTexts = "lerobot/tasks";

// Writes `path`.part and renames it in Finish; without Finish it is removed. The file has no
// /understudy, so that readers take it for what it is: another program's. One thread. Throws
// Error(kUsage) where `path` exists (unless overwrite), Error(kFailed) where it cannot be written.
class BareDatasetWriter {
 public:
  struct Camera {
    std::string name;  // obs/<name>_image
    int width = 0, height = 0;
  };
  // `env_args` as robomimic's: env_name, type, env_kwargs.
  BareDatasetWriter(const std::filesystem::path& path, const Json& env_args, bool overwrite);
  ~BareDatasetWriter();
  BareDatasetWriter(BareDatasetWriter&&) noexcept;

  // Becomes demo_<n>. Every column has `length` rows; `actions` must be among them. `ep_meta` is
  // robosuite's JSON of an episode ({"lang": …}). Then AddFrames for every row, End.
  void BeginEpisode(size_t length, const std::vector<Column>& columns,
                    const std::vector<Camera>& cameras, const Json& ep_meta,
                    std::optional<bool> success);
  // A text per row of the episode, at `path` below its group; after BeginEpisode.
  void AddTexts(const std::string& path, const std::vector<std::string>& texts);
  // One picture per camera, in their order.
  void AddFrames(const std::vector<const Image*>& images);
  void EndEpisode();
  // Filter keys: `mask/<key>` lists names of episodes.
  void WriteMask(const std::string& key, const std::vector<std::string>& demos);
  void Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
