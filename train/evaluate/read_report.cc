#include <fmt/format.h>

#include "train/evaluate/evaluate.h"

namespace understudy {

EvalReport ReadEvalReport(const Json& json, const std::string& name) {
  EvalReport report;
  try {
    report.task = json.at("task").get<std::string>();
    report.varied = json.at("varied").get<bool>();
    report.options = FromJson<EvalOptions>(json.at("options"), name + ": options");
    for (const Json& row : json.at("rows")) {
      EvalEpisode episode;
      episode.index = row.at("index").get<int64_t>();
      episode.success = row.at("success").get<bool>();
      report.successes += episode.success;
      report.episodes.push_back(episode);
    }
  } catch (const Json::exception& error) {
    ThrowBadInput(fmt::format("{}: is no report of `understudy evaluate`: {}", name, error.what()));
  }
  return report;
}

}  // namespace understudy
