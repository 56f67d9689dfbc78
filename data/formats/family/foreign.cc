#include "data/formats/family/foreign.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "data/formats/family/foreign_parts.h"
#include "data/formats/family/import.h"
#include "data/store/meta.h"

namespace understudy {
namespace {

using enum ForeignFormat;
using namespace foreign;

ForeignFormat FormatOf(const DatasetHeader& header) {
  for (const ForeignFormat format : {kMimicgenSource, kMimicgenGenerated, kIsaacLab}) {
    if (header.stage == NameOf(format)) return format;
  }
  return kRobomimic;
}

// Success of robosuite's tasks is a reward of 1.
constexpr double kSuccessReward = 1;

void SetSuccess(const h5::Group& demo, Episode* episode) {
  const size_t length = episode->length();
  const Column rewards = OptionalNumbers(demo, "rewards", length);
  for (size_t k = 0; k < rewards.rows; ++k) {
    // reward k is of the state that action k led to
    Observation& after =
        k + 1 < length ? episode->steps[k + 1].observation : episode->final_observation;
    after.success = rewards.At<double>(k) >= kSuccessReward;
  }
}

void TellSuccess(const h5::Group& demo, ForeignFormat format, ForeignFacts* facts) {
  if (demo.HasAttribute("success")) {
    facts->success = demo.Bool("success", false);
    facts->success_from = "attribute";
  } else if (demo.Has("rewards")) {
    const Column rewards = OptionalNumbers(demo, "rewards", ReadLength(demo));
    for (size_t k = 0; k < rewards.rows; ++k) {
      facts->success |= rewards.At<double>(k) >= kSuccessReward;
    }
    facts->success_from = "a reward of 1";
  } else if (format == kMimicgenSource || format == kMimicgenGenerated) {
    facts->success = true;
    facts->success_from = "MimicGen keeps successes only";
  } else {
    facts->success_from = "not told: taken for none";
  }
}

// Hash of the actions and of where the episode began: it goes with the episode into other files.
std::string ContentUuid(const h5::Group& demo) {
  Hasher hasher;
  const Column actions = Optional(demo, "actions", ReadLength(demo), {-1});
  const auto add = [&](const Column& column) {
    hasher.Add(fmt::format("{} {}", column.path, column.row_size()));
    hasher.Add(column.bytes.data(), column.bytes.size());
  };
  add(actions);
  if (IsDataset(demo, "states")) add(FirstRow(demo, "states"));
  // Isaac Lab's trees have three levels
  for (const std::string& kind : NamesIn(demo, "initial_state")) {
    const std::string of_kind = "initial_state/" + kind;
    for (const std::string& name : NamesIn(demo, of_kind)) {
      const std::string of_name = of_kind + "/" + name;
      for (const std::string& field : NamesIn(demo, of_name)) {
        if (IsDataset(demo, of_name + "/" + field)) add(FirstRow(demo, of_name + "/" + field));
      }
    }
  }
  return MakeUuid("foreign " + hasher.Hex(), RngKey{});
}

}  // namespace

const char* NameOf(ForeignFormat format) {
  switch (format) {
    case kRobomimic:
      return "robomimic";
    case kMimicgenSource:
      return "MimicGen source";
    case kMimicgenGenerated:
      return "MimicGen generated";
    case kIsaacLab:
      return "Isaac Lab";
  }
  return "";
}

std::string FamilyOf(const DatasetHeader& header) {
  if (header.stage == NameOf(kIsaacLab)) return kIsaacLabFamily;
  for (const ForeignFormat format : {kRobomimic, kMimicgenSource, kMimicgenGenerated}) {
    if (header.stage == NameOf(format)) return kRobosuiteFamily;
  }
  return "";
}

DatasetHeader ForeignHeader(const h5::Group& root) {
  const h5::Guard guard;
  DatasetHeader header;
  header.stage = NameOf(kRobomimic);
  const h5::Group data = root.Open("data");
  Json env = Json::object();
  if (data.HasAttribute("env_args")) {
    env = ParseJson(data.Text("env_args"), data.Place() + ": attribute 'env_args'");
    if (!env.is_object()) env = Json::object();
    if (env.contains("env_name") && env["env_name"].is_string()) {
      header.simulator.task = env["env_name"];
    }
  }
  header.settings = {{"env_args", env}};
  const std::vector<std::string> names = EpisodeNames(data);
  if (names.empty()) return header;
  const h5::Group demo = data.Open(names[0]);
  header.model_text = demo.Text("model_file", "");
  if (LooksLikeIsaacLab(demo, env)) {
    header.stage = NameOf(kIsaacLab);
    IsaacLabHeader(root, demo, env, &header);
  } else {
    if (demo.Has("datagen_info")) {
      header.stage = NameOf(demo.Has("src_demo_inds") ? kMimicgenGenerated : kMimicgenSource);
    }
    RobosuiteHeader(demo, env, &header);
  }
  header.simulator.cameras = header.cameras;
  return header;
}

ForeignFacts ReadForeignFacts(const h5::Group& demo, const DatasetHeader& header) {
  const h5::Guard guard;
  ForeignFacts facts;
  // what is damaged is told by whoever reads the episode
  try {
    TellSuccess(demo, FormatOf(header), &facts);
  } catch (const Error&) {
    facts.success_from = "cannot be read: taken for none";
  }
  try {
    facts.uuid = demo.Text("uuid", "");
    if (facts.uuid.empty()) facts.uuid = ContentUuid(demo);
  } catch (const Error&) {
  }
  return facts;
}

Episode ReadForeignEpisode(const h5::Group& demo, const DatasetHeader& header) {
  const h5::Guard guard;
  Episode episode;
  const size_t length = ReadLength(demo);
  RequireActions(demo, length);
  episode.steps.resize(length);
  EpisodeMeta& meta = episode.meta;
  meta.task = header.simulator.task;
  meta.robot = header.simulator.robot;
  meta.instruction = header.simulator.instruction;
  meta.control_hz = header.simulator.control_hz;
  meta.limits = header.simulator.limits;
  meta.arms = header.simulator.arms;
  meta.objects = header.simulator.objects;
  meta.signals = header.simulator.signals;
  meta.cameras = header.cameras;
  const ForeignFacts facts = ReadForeignFacts(demo, header);
  meta.success = facts.success;
  meta.uuid = facts.uuid;
  meta.settings = {{"format", header.stage}, {"success_from", facts.success_from}};
  if (demo.HasAttribute("seed")) meta.seed = demo.Uint("seed");
  // as files that were converted from ours tell it
  if (demo.HasAttribute("variant")) meta.variant = demo.Text("variant");
  SetSuccess(demo, &episode);
  if (FormatOf(header) == kIsaacLab) {
    ReadIsaacLab(demo, header, &episode);
  } else {
    ReadRobosuite(demo, header, &episode);
  }
  return episode;
}

bool EndAtLastObservation(Episode* episode) {
  if (!episode->final_observation.arms.empty()) return true;
  if (episode->length() < 2) return false;
  episode->final_observation = episode->steps.back().observation;
  episode->final_state = episode->steps.back().state;
  episode->steps.pop_back();
  return true;
}

}  // namespace understudy
