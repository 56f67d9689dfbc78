// simulate: a twin as a robot at the end of a wire.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/commands.h"
#include "app/serve_command.h"
#include "app/twin.h"
#include "app/watch.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "serve/robots/simulated_robot.h"
#ifdef WITH_SERVE
#include "serve/robot_protocol.h"
#include "serve/zmq_server.h"
#endif

namespace understudy {
namespace {

struct SimulateFlags {
  std::string task = "stack", robot;
  std::string variant = "D0";
  std::string host = "127.0.0.1";
  int port = 5556;
  WatchFlags watch;
  template <class V>
  void Visit(V& v) {
    v("task", task, "listed task or path of a task.yaml");
    v("robot", robot, "listed robot, robot+gripper, or path of a robot.yaml; empty: the task's");
    v("variant", variant, "reset distribution of its trials");
    v("host", host, "address to listen on; 0.0.0.0: every network of this machine");
    v("port", port, "of it; 0: a free one", Limits{0, 65535});
    watch.Visit(v);
  }
};

#ifdef WITH_SERVE
Json Simulate(const SimulateFlags& flags, CommandContext& context) {
  const Twin twin = LoadTwin(flags.task, flags.robot);
  const std::string wanted = ListenAddress(flags.host, flags.port);
  Json result{{"robot", twin.info.robot}, {"task", twin.task.name}, {"address", wanted}};
  if (context.plan) return result;

  const std::unique_ptr<Robot> robot = MakeSimulatedRobot(twin.simulators(), flags.variant);
  const auto pictures = [&](const std::vector<std::string>& cameras, int width, int height) {
    return SimulatedCameras(twin.renderers, cameras, width, height)();
  };
  RobotProtocol protocol(*robot, pictures, MonotonicNs);
  ZmqServer server(wanted, {.message_bytes = 1 << 20});
  const std::unique_ptr<BrowserLink> page =
      flags.watch.watch ? OpenLivePage(twin, flags.watch, *context.progress) : nullptr;
  context.progress->Message(fmt::format("{} on {} at {}; Ctrl-C ends it", twin.info.robot,
                                        twin.task.name, server.address()));
  const auto answer = [&](const std::string&, std::string_view request) {
    return protocol.Answer(request);
  };
  const double dt = 1 / twin.info.control_hz;
  double due = MonotonicSeconds() + dt;
  RefusalLog refusals(*context.progress);
  LiveFrame frame;
  while (!InterruptRequested()) {
    const double left = due - MonotonicSeconds();
    server.Serve(std::max(0, static_cast<int>(std::ceil(1e3 * left))), answer);
    const double now = MonotonicSeconds();
    if (now < due) continue;
    protocol.Tick();
    // a step that was late is not caught up with
    due = std::max(due, now - 0.1 * dt) + dt;
    if (page) {
      const RobotReading& reading = protocol.reading();
      ShowStep(*page, reading.state, reading.observation, protocol.command(), &frame);
    }
    refusals.See(protocol.refused(), protocol.last_refusal());
  }
  ClearInterrupt();  // this is how it ends
  result["address"] = server.address();
  result["steps"] = protocol.steps();
  result["refused"] = protocol.refused();
  return result;
}
#else
Json Simulate(const SimulateFlags&, CommandContext&) {
  ThrowUsage(
      "this program was built without ZeroMQ, which a robot at the end of a wire needs "
      "(-DWITH_SERVE=ON)");
}
#endif

}  // namespace

Command SimulateCommand() {
  return MakeCommand<SimulateFlags>(
      "simulate", "be a robot in real time, which `drive` moves over the network", Simulate);
}

}  // namespace understudy
