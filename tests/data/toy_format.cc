#include "tests/data/toy_format.h"

#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "core/base/error.h"
#include "core/base/hash.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr const char* kBeginning = "toy ";

// How it is written: `data convert --to toy --toy.digits 3`.
struct ToyOptions {
  int digits = 17;
  template <class V>
  void Visit(V& v) {
    v("digits", digits, "of a coordinate; 17 keep it to the last bit", Limits{1, 17});
  }
};

class ToySource : public EpisodeSource {
 public:
  explicit ToySource(const fs::path& path) : EpisodeSource(path) {
    std::ifstream file(path);
    if (!file.good()) ThrowBadInput(path.string() + ": cannot be opened");
    std::string line;
    while (std::getline(file, line)) {
      if (line.starts_with(kBeginning)) {
        EpisodeSummary& summary = episodes_.emplace_back();
        summary.name = line.substr(4);
        summary.uuid = MakeUuid("toy " + summary.name, RngKey{});
        summary.success = true;
        summary.success_from = "toys always succeed";
        rows_.emplace_back();
        continue;
      }
      std::istringstream numbers(line);
      Eigen::Vector4d row;
      for (double& number : row) numbers >> number;
      if (!numbers || rows_.empty()) {
        ThrowBadInput(
            fmt::format("{}: '{}' is not four numbers of an episode", path.string(), line));
      }
      rows_.back().push_back(row);
      episodes_.back().length = rows_.back().size();
    }
    header_.stage = "toy";
    header_.simulator.task = "toy";
    header_.simulator.arms = {"robot0"};
  }

 private:
  Episode DoReadEpisode(size_t index, bool) const override {
    Episode episode;
    episode.meta.uuid = episodes_[index].uuid;
    episode.meta.task = header_.simulator.task;
    episode.meta.arms = header_.simulator.arms;
    episode.meta.success = true;
    for (const Eigen::Vector4d& row : rows_[index]) {
      Step& step = episode.steps.emplace_back();
      const Pose X_WE(Eigen::Quaterniond::Identity(), row.head<3>());
      step.observation.arms.push_back({.X_WE = X_WE});
      step.action.arms.push_back({X_WE, row[3]});
      step.action_clean = step.action;
      step.delta.push_back(DeltaFromTarget(X_WE, step.action.arms[0], episode.meta.limits));
    }
    return episode;
  }
  void DoReadFrame(size_t, size_t, size_t, uint8_t*) const override {
    Require(false, "a toy has no cameras");
  }

  std::vector<std::vector<Eigen::Vector4d>> rows_;
};

bool IsToy(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) && line.starts_with(kBeginning);
}

Json WriteToy(const EpisodeSource& source, const fs::path& output, const ToyOptions& options) {
  std::ofstream file(output);
  int64_t steps = 0;
  for (size_t e = 0; e < source.episodes().size(); ++e) {
    file << kBeginning << source.episodes()[e].name << "\n";
    for (const Step& step : source.ReadEpisode(e).steps) {
      const ArmAction& action = step.action.arms.at(0);
      const Eigen::Vector3d& p_WE = action.X_WE_cmd.translation();
      file << fmt::format("{:.{}g} {:.{}g} {:.{}g} {}\n", p_WE.x(), options.digits, p_WE.y(),
                          options.digits, p_WE.z(), options.digits, action.gripper);
      ++steps;
    }
  }
  if (!file.flush()) ThrowFailed(output.string() + ": cannot be written");
  return {{"episodes", source.episodes().size()}, {"steps", steps}};
}

}  // namespace

DatasetFormat ToyFormat() {
  return {.name = "toy",
          .summary = "text with four numbers per step",
          .write_options = {OptionsNamed<ToyOptions>("toy")},
          .Recognises = [](const fs::path& path, const ReadOptions&) { return IsToy(path); },
          .Open = [](const fs::path& path, const ReadOptions&) -> std::unique_ptr<EpisodeSource> {
            return std::make_unique<ToySource>(path);
          },
          .Lost = [](const EpisodeSource&, const ConvertRequest&) -> std::vector<std::string> {
            return {"all but targets of the first arm"};
          },
          .Write =
              [](const EpisodeSource& source, const fs::path& output, const ConvertRequest& request,
                 Progress&) {
                return WriteToy(source, output, request.options.Get<ToyOptions>("toy"));
              }};
}

}  // namespace understudy
