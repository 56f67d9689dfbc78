#include "app/watch.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "core/base/error.h"
#ifdef WITH_VIEW
#include "view/http/qr_text.h"
#include "view/live/live_view.h"
#endif

namespace understudy {
namespace {

using Clock = std::chrono::steady_clock;

// A simulator and what draws its looks stay on one thread.
thread_local std::shared_ptr<const SceneVariation> look_here;

// Which simulator is shown: the first that claims it, until it ends.
struct Stage {
  Stage(BrowserLink& shown_by, double times) : link(shown_by), speed(times) {}
  BrowserLink& link;
  double speed;
  std::atomic<const void*> shown{nullptr};
  std::shared_ptr<const SceneVariation> look;  // that is shown; null: the nominal one
};

class WatchedSimulator final : public Simulator {
 public:
  WatchedSimulator(std::unique_ptr<Simulator> simulator, std::shared_ptr<Stage> stage)
      : simulator_(std::move(simulator)), stage_(std::move(stage)) {}
  ~WatchedSimulator() override {
    const void* me = this;
    stage_->shown.compare_exchange_strong(me, nullptr);
  }

 private:
  const SimulatorInfo& DoInfo() const override { return simulator_->info(); }
  const PhysicsInventory& DoInventory() const override { return simulator_->inventory(); }
  void DoSetWorld(const PhysicsVariation& variation) override { simulator_->SetWorld(variation); }
  void DoReset(const std::string& variant, const RngKey& key) override {
    simulator_->Reset(variant, key);
    step_ = 0;
  }
  void DoRestore(const SimState& state) override {
    simulator_->Restore(state);
    step_ = 0;
  }
  void DoSave(SimState* state) const override { simulator_->Save(state); }
  std::string DoRevisit(const SimState& state, const std::vector<std::optional<Pose>>& X_WO,
                        bool first) override {
    return simulator_->Revisit(state, X_WO, first);
  }
  const Observation& DoObserve() const override { return simulator_->Observe(); }
  Pose DoNearest(size_t arm, const Pose& X_WE) const override {
    return simulator_->Nearest(arm, X_WE);
  }
  std::unique_ptr<Kinematics> DoArmKinematics(size_t arm) const override {
    return simulator_->ArmKinematics(arm);
  }
  ArmAction DoResolve(size_t arm, const ArmAction& action) const override {
    return simulator_->Resolve(arm, action);
  }
  SimulatorTimes DoTimes() const override { return simulator_->times(); }
  std::string DoModelText() const override { return simulator_->ModelText(); }
  const std::vector<SceneFile>& DoSceneFiles() const override { return simulator_->SceneFiles(); }

  StepOutcome DoStep(const Action& action) override {
    const StepOutcome outcome = simulator_->Step(action);
    const void* nobody = nullptr;
    if (stage_->shown.compare_exchange_strong(nobody, this) || nobody == this) Show(action);
    return outcome;
  }

  void Show(const Action& action) {
    const Observation& now = simulator_->Observe();
    if (step_++ == 0) {
      // the steps of an episode keep time from its first on
      begin_ = Clock::now();
      stage_->link.Say({{"count", fmt::format("episode {}", ++episodes_)}});
      if (look_here != stage_->look) {
        stage_->look = look_here;
        stage_->link.Look(*stage_->look);
      }
    }
    simulator_->Save(&frame_.state);
    frame_.step = step_ - 1;
    ShowStep(stage_->link, frame_.state, now, action, &frame_);
    const std::chrono::duration<double> due(static_cast<double>(step_) / info().control_hz /
                                            stage_->speed);
    std::this_thread::sleep_until(begin_ + std::chrono::duration_cast<Clock::duration>(due));
  }

  const std::unique_ptr<Simulator> simulator_;
  const std::shared_ptr<Stage> stage_;
  LiveFrame frame_;
  Clock::time_point begin_;
  int64_t step_ = 0, episodes_ = 0;
};

}  // namespace

void ShowStep(BrowserLink& link, const SimState& state, const Observation& now,
              const Action& command, LiveFrame* frame) {
  frame->state = state;
  frame->arms.resize(command.arms.size());
  for (size_t i = 0; i < command.arms.size(); ++i) {
    frame->arms[i] = {command.arms[i].X_WE_cmd, command.arms[i].gripper, 0};
  }
  ++frame->step;
  frame->sim_time_s = now.sim_time_s;
  frame->success = now.success;
  link.Show(*frame);
}

std::unique_ptr<BrowserLink> OpenLivePage(const Twin& twin, const WatchFlags& flags,
                                          Progress& progress) {
#ifdef WITH_VIEW
  PageOptions page{.port = flags.watch_port, .network = flags.watch_network};
  std::string first_code;
  page.show_code = [&progress, &first_code,
                    later = std::make_shared<std::atomic<bool>>(false)](const std::string& code) {
    if (later->exchange(true)) {
      progress.Message("the code for pairing is now " + code);
    } else {
      first_code = code;
    }
  };
  auto link = std::make_unique<LiveView>(twin.views, LiveViewOptions{page});
  progress.Message("live: " + link->url());
  const PageServer& server = link->server();
  for (const std::string& address : server.addresses()) {
    progress.Message(fmt::format("live in the network: {}", address));
  }
  if (!server.addresses().empty()) {
    progress.Message(fmt::format("the code for pairing is {}", first_code));
    progress.Message("SHA-256 of its certificate: " + server.fingerprint());
    progress.Message(QrText(server.addresses().front() + "#" + first_code));
  }
  return link;
#else
  (void)twin, (void)flags, (void)progress;
  ThrowUsage(
      "this program was built without Boost, which pages need: install libboost-dev (`make setup` "
      "does), then configure with -DWITH_VIEW=ON and build again");
#endif
}

SimulatorFactory Watched(SimulatorFactory simulators, BrowserLink& link, double speed) {
  const auto stage = std::make_shared<Stage>(link, speed);
  return [simulators = std::move(simulators), stage] {
    return std::make_unique<WatchedSimulator>(simulators(), stage);
  };
}

void SetWatchedLook(const SceneVariation& look) {
  look_here = std::make_shared<const SceneVariation>(look);
}

std::unique_ptr<BrowserLink> WatchStage(const WatchFlags& flags, const std::string& title,
                                        Twin* twin, Progress& progress) {
  if (!flags.watch) return nullptr;
  std::unique_ptr<BrowserLink> link = OpenLivePage(*twin, flags, progress);
  link->Say({{"title", title},
             {"task", twin->task.name},
             {"instruction", twin->info.instruction},
             {"phase", title}});
  twin->simulators = Watched(std::move(twin->simulators), *link, flags.watch_speed);
  return link;
}

}  // namespace understudy
