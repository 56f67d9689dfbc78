#include "app/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "app/registry.h"
#include "augment/plan.h"
#include "core/spec/listed.h"
#include "core/spec/robot_spec.h"
#include "core/spec/task_spec.h"
#include "data/store/hdf5/library.h"
#ifdef WITH_MUJOCO
#include "sim/probe.h"
#endif
#ifdef WITH_OPENXR
#include "teleop/openxr/probe.h"
#endif
#ifdef WITH_TORCH
#include "train/torch/probe.h"
#endif
#ifdef WITH_VIDEO
#include "data/video/video_writer.h"
#endif
#ifdef WITH_VIEW
#include "view/server.h"
#endif
#ifdef WITH_ARROW
#include "data/formats/parquet/parquet_writer.h"
#endif

#ifdef WITH_OMPL
#include "mimic/plan/rrt_connect.h"
#endif

namespace understudy {
namespace {

namespace fs = std::filesystem;

// One line of the listing.
Json Line(const std::string& part, bool fine, const std::string& what,
          const std::string& fix = "") {
  return {{"part", part}, {"fine", fine}, {"what", what}, {"fix", fix}};
}

[[maybe_unused]] Json Missing(const std::string& part, const std::string& what) {
  return Line(part, false, "not built in: " + what,
              "run `make setup`, then configure and build again");
}

// "MemTotal" of /proc/meminfo in GiB.
double MemoryGib() {
  std::ifstream in("/proc/meminfo");
  std::string key;
  double kib = 0;
  in >> key >> kib;
  return kib / (1 << 20);
}

}  // namespace

Json Diagnose() {
  Json lines = Json::array();
  lines.push_back(
      Line("understudy", true,
           fmt::format("{} (program {})", ProgramVersion(), ProgramHash().substr(0, 12))));
  lines.push_back(Line("machine", true,
                       fmt::format("{} cores, {:.1f} GiB of memory",
                                   std::thread::hardware_concurrency(), MemoryGib())));
  std::error_code error;
  const fs::space_info space = fs::space(fs::current_path(), error);
  if (!error) {
    const double gib = static_cast<double>(space.available) / (1ull << 30);
    lines.push_back(
        Line("disk", gib > 5, fmt::format("{:.1f} GiB free here", gib),
             gib > 5 ? "" : "a demo run needs 5 GiB: free some or use --out elsewhere"));
  }
  lines.push_back(Line("HDF5", true, Hdf5Version()));

#ifdef WITH_MUJOCO
  lines.push_back(Line("MuJoCo", true, MujocoVersion()));
  const RenderProbe render = ProbeRenderer();
  if (render.renderer) {
    lines.push_back(Line("OpenGL", true,
                         fmt::format("{}, {} ({})", render.renderer->api, render.renderer->device,
                                     render.renderer->software ? "software" : "GPU")));
  } else {
    lines.push_back(Line("OpenGL", false, render.problem,
                         "apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri"));
  }
#else
  lines.push_back(Missing("MuJoCo", "teleop, mimic, augment and evaluate need it"));
#endif

#ifdef WITH_OPENXR
  const OpenXrProbe xr = ProbeOpenXr();
  lines.push_back(Line("OpenXR loader", true, xr.loader_version));
  const std::string runtime = fmt::format("{} {}", xr.runtime_name, xr.runtime_version);
  // training machines have no headset: told, with the way to get one, but no failure
  lines.push_back(
      Line("OpenXR runtime", xr.can_record, xr.can_record ? runtime : xr.problem,
           xr.can_record ? "" : xr.next_step + "; without a headset: --device virtual"));
#else
  lines.push_back(Missing("OpenXR", "teleop needs it"));
#endif

#ifdef WITH_TORCH
  const TorchProbe torch = ProbeTorch();
  lines.push_back(Line("LibTorch", true, torch.version));
  lines.push_back(Line("GPU", true,
                       torch.gpus.empty() ? "none: training runs on the processor"
                                          : fmt::format("{}", fmt::join(torch.gpus, ", "))));
#else
  lines.push_back(Missing("LibTorch", "train and evaluate need it"));
#endif

#ifdef WITH_ARROW
  lines.push_back(Line("Arrow", true, ArrowVersion()));
#else
  lines.push_back(Missing("Arrow", "data convert needs it"));
#endif

#ifdef WITH_OMPL
  lines.push_back(Line("OMPL", true, OmplVersion()));
#else
  lines.push_back(Missing("OMPL", "mimic --transit plan needs it"));
#endif

#ifdef WITH_VIEW
  lines.push_back(Line("cpp-httplib", true, HttpLibraryVersion()));
#else
  lines.push_back(Missing("cpp-httplib", "data view needs it"));
#endif

#ifdef WITH_VIDEO
  const std::string encoder = H264EncoderName();
  lines.push_back(Line("H.264", !encoder.empty(),
                       encoder.empty() ? "no encoder in libavcodec" : encoder,
                       encoder.empty() ? "apt-get install libavcodec-extra" : ""));
#else
  lines.push_back(Missing("libav", "videos need it"));
#endif

  bool fine = true;
  for (const Json& line : lines) fine = fine && line["fine"].get<bool>();
  return {{"fine", fine}, {"parts", lines}};
}

std::string DescribeDiagnosis(const Json& diagnosis) {
  std::string text;
  for (const Json& line : diagnosis["parts"]) {
    text += fmt::format("{}  {:<15} {}\n", line["fine"].get<bool>() ? "ok " : "-- ",
                        line["part"].get<std::string>(), line["what"].get<std::string>());
    const std::string fix = line["fix"];
    if (!fix.empty()) text += fmt::format("                     fix: {}\n", fix);
  }
  return text;
}

Json ListParts() {
  const fs::path home = HomeFolder();
  Json parts;
  for (const std::string& name : ListedNames(home / "sim" / "tasks", "task.yaml")) {
    const TaskSpec task = LoadTaskSpec(name, home / "sim" / "tasks");
    Json variants = Json::array();
    for (const auto& [variant, range] : task.variants) variants.push_back(variant);
    parts["tasks"].push_back({{"name", name},
                              {"description", task.description},
                              {"instruction", task.instruction},
                              {"robot", task.robot},
                              {"variants", variants}});
  }
  for (const std::string& name : ListedNames(home / "sim" / "robots", "robot.yaml")) {
    const RobotSpec robot = LoadRobotSpec(name, home / "sim" / "robots");
    parts["robots"].push_back(
        {{"name", name},
         {"description", robot.description + "; carries " + robot.gripper.name},
         {"gripper", robot.gripper.name}});
  }
  for (const std::string& name : ListedNames(home / "sim" / "grippers", "gripper.yaml")) {
    const GripperSpec gripper = LoadGripperSpec(name, home / "sim" / "grippers");
    parts["grippers"].push_back({{"name", name}, {"description", gripper.description}});
  }
  for (const RandomizerLine& line : RandomizerLines()) {
    parts["randomizers"].push_back({{"name", line.name}, {"description", line.summary}});
  }
  for (const ShippedPlan& plan : ShippedPlans((home / "demo").string())) {
    parts["plans"].push_back({{"name", plan.name}, {"description", plan.summary}});
  }
  parts["policies"].push_back(
      {{"name", "groot"}, {"description", "flow-matching transformer on images, state and text"}});
  parts["devices"].push_back(
      {{"name", "virtual"}, {"description", "virtual headset with a scripted operator"}});
  parts["devices"].push_back(
      {{"name", "openxr"}, {"description", "the active OpenXR runtime's headset and controllers"}});
  return parts;
}

std::string DescribeParts(const Json& parts) {
  std::string text;
  for (const auto& [kind, items] : parts.items()) {
    text += kind + "\n";
    for (const Json& item : items) {
      text += fmt::format("  {:<16} {}\n", item["name"].get<std::string>(),
                          item.value("description", ""));
    }
  }
  return text;
}

}  // namespace understudy
