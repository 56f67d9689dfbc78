#include "serve/robots/simulated_robot.h"

namespace understudy {
namespace {

class SimulatedRobot : public Robot {
 public:
  SimulatedRobot(std::unique_ptr<Simulator> simulator, std::string variant,
                 std::function<int64_t()> now_ns)
      : simulator_(std::move(simulator)),
        variant_(std::move(variant)),
        now_ns_(std::move(now_ns)) {}

  const SimulatorInfo& info() const override { return simulator_->info(); }
  std::unique_ptr<Kinematics> ArmKinematics(size_t arm) const override {
    return simulator_->ArmKinematics(arm);
  }

  Action Begin(const RngKey& key, bool, RobotReading* reading) override {
    simulator_->Reset(variant_, key);
    unstable_ = false;
    Read(reading);
    return HoldOf(*simulator_);
  }

  bool Read(RobotReading* reading) override {
    if (unstable_) return false;
    reading->captured_ns = now_ns_();
    reading->observation = simulator_->Observe();
    simulator_->Save(&reading->state);
    return true;
  }

  ArmAction Resolve(size_t arm, const ArmAction& action) const override {
    return simulator_->Resolve(arm, action);
  }

  void Send(const Action& action) override {
    if (!unstable_) unstable_ = simulator_->Step(action).unstable;
  }

 private:
  std::unique_ptr<Simulator> simulator_;
  std::string variant_;
  std::function<int64_t()> now_ns_;
  bool unstable_ = false;
};

class Rendered : public RobotCameras {
 public:
  Rendered(std::unique_ptr<Renderer> renderer, std::vector<std::string> cameras, int width,
           int height)
      : renderer_(std::move(renderer)),
        cameras_(std::move(cameras)),
        width_(width),
        height_(height) {}

  int64_t Take(const RobotReading& reading, std::vector<Image>* images) override {
    renderer_->Render(reading.state, cameras_, width_, height_, images);
    return reading.captured_ns;
  }

 private:
  std::unique_ptr<Renderer> renderer_;
  std::vector<std::string> cameras_;
  int width_, height_;
};

}  // namespace

std::unique_ptr<Robot> MakeSimulatedRobot(std::unique_ptr<Simulator> simulator, std::string variant,
                                          std::function<int64_t()> now_ns) {
  return std::make_unique<SimulatedRobot>(std::move(simulator), std::move(variant),
                                          std::move(now_ns));
}

RobotCamerasFactory SimulatedCameras(RendererFactory renderers, std::vector<std::string> cameras,
                                     int width, int height) {
  return [=]() -> std::unique_ptr<RobotCameras> {
    return std::make_unique<Rendered>(renderers(), cameras, width, height);
  };
}

}  // namespace understudy
