#pragma once

// LeRobot's formats as a module (core/base/module.h): Arrow and libav are opened when a folder is
// read or written.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/module.h"
#include "data/formats/base/copy_plan.h"
#include "data/formats/lerobot/lerobot.h"
#include "data/formats/lerobot/lerobot_import.h"
#include "data/formats/lerobot/lerobot_verify.h"
#include "data/store/read_options.h"

namespace understudy {

struct LerobotModule {
  static constexpr ModuleName kName{"lerobot", "Arrow and libav", "LeRobot's formats",
                                    "WITH_ARROW"};
  // As LostInLerobot, WriteLerobot, LostFromLerobot, ReadLerobot, VerifyLerobot and ArrowVersion.
  std::vector<std::string> (*lost_in)(const EpisodeSource& reader,
                                      const LerobotOptions& options) = nullptr;
  LerobotReport (*write)(const EpisodeSource& reader, const std::filesystem::path& folder,
                         const LerobotOptions& options, Progress& progress) = nullptr;
  std::vector<std::string> (*lost_from)(const std::filesystem::path& folder,
                                        const LerobotImportOptions& options,
                                        std::vector<SkippedEpisode>* skipped) = nullptr;
  LerobotImportReport (*read)(const std::filesystem::path& folder, const std::filesystem::path& out,
                              const LerobotImportOptions& options, Progress& progress) = nullptr;
  VerifyReport (*verify)(const std::filesystem::path& folder, const LerobotImportOptions& options,
                         Progress& progress) = nullptr;
  std::string (*arrow_version)() = nullptr;
  // As OpenLerobotSource: the source lives in the module. FolderOf: whether it is one. LostInCopy,
  // CopyLerobot and EditLerobot take such sources.
  std::unique_ptr<EpisodeSource> (*open)(const std::filesystem::path& folder,
                                         const ReadOptions& options) = nullptr;
  // As OpenLerobotSourceToMend.
  std::unique_ptr<EpisodeSource> (*open_to_mend)(const std::filesystem::path& folder,
                                                 const ReadOptions& options) = nullptr;
  bool (*is_lerobot)(const EpisodeSource& source) = nullptr;
  std::vector<std::string> (*lost_in_copy)(const EpisodeSource& source,
                                           const LerobotOptions& options) = nullptr;
  LerobotReport (*copy)(const EpisodeSource& source, const std::filesystem::path& folder,
                        const LerobotOptions& options, const LerobotImportOptions& reading,
                        Progress& progress) = nullptr;
  void (*edit)(const std::vector<const EpisodeSource*>& inputs, const CopyPlan& plan,
               const std::filesystem::path& folder, const LerobotOptions& options,
               const LerobotImportOptions& reading, Progress& progress) = nullptr;
};

}  // namespace understudy
