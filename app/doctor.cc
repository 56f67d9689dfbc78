#include "app/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <thread>

#include "app/assets.h"
#include "app/registry.h"
#include "app/system.h"
#include "core/base/error.h"
#include "core/base/locks.h"
#include "core/base/thread_priority.h"
#include "data/formats/lerobot/module.h"
#include "data/store/hdf5/library.h"
#include "data/video/module.h"
#include "serve/ros2/module.h"
#include "train/torch/module.h"
#ifdef WITH_MUJOCO
#include "sim/probe.h"
#endif
#ifdef WITH_OPENXR
#include "teleop/openxr/probe.h"
#endif
#ifdef WITH_SERVE
#include "serve/zmq_server.h"
#endif
#ifdef WITH_VIEW
#include "view/dataset/view_server.h"
#include "view/http/server.h"
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

// The lines that `describe` adds of a module, or one that says why there are none.
void AddModule(const ModuleName& name, const std::string& what, Json* lines,
               const std::function<void()>& describe) {
  if (!HasModule(name)) {
    lines->push_back(Missing(name.library, what));
    return;
  }
  try {
    describe();
  } catch (const Error& error) {
    lines->push_back(Line(name.library, false, error.what(), "install what its module needs"));
  }
}

// "MemTotal" of /proc/meminfo in GiB.
double MemoryGib() {
  std::ifstream in("/proc/meminfo");
  std::string key;
  double kib = 0;
  in >> key >> kib;
  return kib / (1 << 20);
}

Json SystemLine(const SystemInfo& system) {
  return Line("system", true,
              fmt::format("{}, {}, glibc {}", system.distribution, system.architecture,
                          system.glibc.Text()));
}

// The systems that this installation runs on: what its files ask of the C library decides.
Json SupportLine(const SystemInfo& system, const GlibcFloor& floor) {
  const bool fine = system.glibc >= floor.version;
  return Line(
      "supported", fine,
      fmt::format("Linux on x86_64 or aarch64 with glibc {} or newer (needed by {})",
                  floor.version.Text(), floor.file.filename().string()),
      fine ? "" : "run the image of `make image` (Enroot, Pyxis, Apptainer), or build here");
}

// Which lock keeps two commands from writing the same output below `folder`.
Json LockLine(const std::string& folder) {
  try {
    if (ProbeLock(folder) == LockKind::kFlock) {
      return Line("locks", true, "flock, released when a process ends");
    }
    return Line("locks", true,
                fmt::format("no flock in {}: lock files with host, process and heartbeat; those of "
                            "a dead machine are taken over after {} s",
                            folder, kHeartbeatTimeoutSeconds));
  } catch (const Error& error) {
    return Line("locks", false, error.what(), "name a folder that you may write to");
  }
}

// How the thread that moves the arm of an operator is scheduled.
Json PriorityLine() {
  const ControlPriority priority;
  const bool best = priority.name() == std::string("real time");
  return Line("control steps", true,
              fmt::format("{} priority{}", priority.name(),
                          best ? "" : ": a busy machine may make them late"),
              best ? "" : "where people record: rtprio 1 for them in /etc/security/limits.conf");
}

}  // namespace

Json Diagnose(const std::string& folder) {
  Json lines = Json::array();
  lines.push_back(
      Line("understudy", true,
           fmt::format("{} (program {})", ProgramVersion(), ProgramHash().substr(0, 12))));
  lines.push_back(Line("machine", true,
                       fmt::format("{} cores, {:.1f} GiB of memory",
                                   std::thread::hardware_concurrency(), MemoryGib())));
  lines.push_back(PriorityLine());
  const SystemInfo system = ThisSystem();
  lines.push_back(SystemLine(system));
  lines.push_back(SupportLine(system, FloorOf(InstalledBinaries())));
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error) ThrowUsage(fmt::format("doctor: {}: {}", folder, error.message()));
  {
    const double gib = static_cast<double>(space.available) / (1ull << 30);
    lines.push_back(
        Line("disk", gib > 5, fmt::format("{:.1f} GiB free in {}", gib, folder),
             gib > 5 ? "" : "a demo run needs 5 GiB: free some or use --out elsewhere"));
  }
  lines.push_back(LockLine(folder));
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
  // training machines have no headset: reported, with the way to get one, but no failure
  lines.push_back(
      Line("OpenXR runtime", xr.can_record, xr.can_record ? runtime : xr.problem,
           xr.can_record ? "" : xr.next_step + "; without a headset: --device virtual"));
#else
  lines.push_back(Missing("OpenXR", "teleop needs it"));
#endif

  AddModule(TorchModule::kName, "train and evaluate need it", &lines, [&] {
    const TorchProbe torch = Module<TorchModule>().probe();
    const ModuleChoice choice = ChooseModule(TorchModule::kName);
    lines.push_back(Line("LibTorch", true,
                         fmt::format("{}, module for {}: {}", torch.version,
                                     choice.cuda ? "CUDA" : "processors", choice.why)));
    lines.push_back(Line("GPU", true,
                         torch.gpus.empty() ? "none: training runs on the processor"
                                            : fmt::format("{}", fmt::join(torch.gpus, ", "))));
    if (torch.gpus.empty()) return;
    lines.push_back(Line("graphs, NCCL", torch.graphs.empty(),
                         torch.graphs.empty() ? "used in training" : torch.graphs,
                         torch.graphs.empty() ? "" : "training is slower, with the same results"));
  });
  AddModule(LerobotModule::kName, "LeRobot's formats need it", &lines,
            [&] { lines.push_back(Line("Arrow", true, Module<LerobotModule>().arrow_version())); });

#ifdef WITH_OMPL
  lines.push_back(Line("OMPL", true, OmplVersion()));
#else
  lines.push_back(Missing("OMPL", "mimic --transit plan needs it"));
#endif

#ifdef WITH_VIEW
  lines.push_back(Line("Boost", true, HttpLibraryVersion()));
#else
  lines.push_back(Missing("Boost", "data view and live pages need it"));
#endif

#ifdef WITH_SERVE
  lines.push_back(Line("ZeroMQ", true, ZmqVersion()));
#else
  lines.push_back(Missing("ZeroMQ", "policy servers need it"));
#endif

  AddModule(Ros2Module::kName, "robots on ROS 2 need it", &lines,
            [&] { lines.push_back(Line("Cyclone DDS", true, Module<Ros2Module>().version())); });

  AddModule(VideoModule::kName, "videos need it", &lines, [&] {
    const std::string encoder = Module<VideoModule>().h264_encoder();
    lines.push_back(Line("H.264", !encoder.empty(),
                         encoder.empty() ? "no encoder in libavcodec" : encoder,
                         encoder.empty() ? "apt-get install libavcodec-extra" : ""));
  });

  const AssetReport assets = ReportAssets();
  lines.push_back(Line("pictures", assets.fine, assets.what, assets.fix));

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

}  // namespace understudy
