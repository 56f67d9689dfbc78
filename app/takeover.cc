#include "app/takeover.h"

#include "core/base/error.h"
#include "teleop/webxr/page_buttons.h"

namespace understudy {
namespace {

Json SettingsOf(const TakeoverFlags& flags) { return {{"device", ToJson(*flags.takeover)}}; }

// The scripted operator, in a virtual time; who watches sees what the simulators do.
class ScriptBeside final : public PersonBeside {
 public:
  ScriptBeside(const TakeoverFlags& flags, const Twin& twin, Progress& progress)
      : person_(twin, flags.correction.retarget, flags.correction.patience, progress),
        settings_(SettingsOf(flags)) {
    settings_["operator"] = person_.spec();
    takeover_.emplace(person_.device(), person_.pacer(), flags.correction, nobody_, settings_);
  }
  Takeover& takeover() override { return *takeover_; }
  BrowserLink* link() override { return nullptr; }

 private:
  VirtualOperator person_;
  Json settings_;
  Announcer nobody_{nullptr, nullptr};
  std::optional<DeviceTakeover> takeover_;
};

// A person at a device of theirs.
class DeviceBeside final : public PersonBeside {
 public:
  DeviceBeside(const TakeoverFlags& flags, const Twin& twin, const WatchFlags& watch,
               Progress& progress) {
    const bool by_page = IsPage(*flags.takeover);
    if (by_page || watch.watch) link_ = OpenLivePage(twin, watch, progress);
    device_ = OpenDevice(*flags.takeover, link_.get(), flags.wait_for_headset_s, progress);
    // whoever stands beside an operator with a headset has buttons too
    if (link_ && !by_page) beside_.emplace(*device_, *link_);
    announcer_.emplace(link_.get(), &progress);
    TeleopDevice& device = beside_ ? static_cast<TeleopDevice&>(*beside_) : *device_;
    announcer_->Describe({{"title", "correcting " + twin.task.name},
                          {"task", twin.task.name},
                          {"instruction", twin.task.instruction},
                          {"placement", ToJson(flags.correction.retarget.placement)}});
    announcer_->Say(moments::DeviceFound(device.info()));
    takeover_.emplace(device, pacer_, flags.correction, *announcer_, SettingsOf(flags));
  }
  Takeover& takeover() override { return *takeover_; }
  BrowserLink* link() override { return link_.get(); }

 private:
  std::unique_ptr<BrowserLink> link_;
  std::unique_ptr<TeleopDevice> device_;
  std::optional<PageButtons> beside_;
  std::optional<Announcer> announcer_;
  RealPacer pacer_;
  std::optional<DeviceTakeover> takeover_;
};

}  // namespace

std::unique_ptr<PersonBeside> OpenPerson(const TakeoverFlags& flags, const Twin& twin,
                                         const WatchFlags& watch, Progress& progress) {
  Require(flags.takeover.has_value(), "somebody takes over");
  if (*flags.takeover == DeviceKind::kVirtual) {
    return std::make_unique<ScriptBeside>(flags, twin, progress);
  }
  return std::make_unique<DeviceBeside>(flags, twin, watch, progress);
}

}  // namespace understudy
