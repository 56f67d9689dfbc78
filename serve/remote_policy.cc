#include "serve/remote_policy.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "core/base/error.h"
#include "serve/requests.h"
#include "serve/served_policy.h"
#include "serve/wire_value.h"

namespace understudy {
namespace {

// Fields of what a server says of itself.
class Card {
 public:
  Card(const WireValue& card, const std::string& address) : card_(card), address_(address) {}

  template <class T>
  T Get(const char* key) const {
    const WireValue* value = card_.Find(key);
    if (const T* held = value ? value->As<T>() : nullptr) return *held;
    if constexpr (std::is_same_v<T, double>) {
      if (const int64_t* whole = value ? value->As<int64_t>() : nullptr) {
        return static_cast<double>(*whole);
      }
    }
    Bad(key);
  }
  std::vector<std::string> Texts(const char* key) const {
    std::vector<std::string> texts;
    for (const WireValue& item : Get<WireList>(key)) {
      const std::string* text = item.As<std::string>();
      if (!text) Bad(key);
      texts.push_back(*text);
    }
    return texts;
  }
  std::vector<double> Numbers(const char* key, size_t size) const {
    std::vector<double> numbers;
    for (const WireValue& item : Get<WireList>(key)) {
      const int64_t* whole = item.As<int64_t>();
      const double* real = item.As<double>();
      if (!whole && !real) Bad(key);
      numbers.push_back(whole ? static_cast<double>(*whole) : *real);
    }
    if (numbers.size() != size) Bad(key);
    return numbers;
  }
  [[noreturn]] void Bad(const char* key) const {
    ThrowBadInput(fmt::format(
        "policy server {}: what it says of its policy lacks '{}': it is of another version",
        address_, key));
  }

 private:
  const WireValue& card_;
  const std::string& address_;
};

ServedContract ReadContract(const WireValue& config, const std::string& address) {
  const WireValue* ours = config.Find("understudy");
  if (!ours || !ours->As<WireMap>()) {
    ThrowBadInput(
        fmt::format("policy server {}: it is not `understudy serve` and does not say what "
                    "its parts are: --policy-map FILE does (docs/deploy.md)",
                    address));
  }
  const Card card(*ours, address);
  if (card.Get<int64_t>("version") != kOurVersion) {
    ThrowBadInput(
        fmt::format("policy server {}: speaks version {} of this program's words, this "
                    "is {}",
                    address, card.Get<int64_t>("version"), kOurVersion));
  }
  PolicyInfo info;
  info.name = card.Get<std::string>("policy");
  info.hash = card.Get<std::string>("hash");
  info.robot = card.Get<std::string>("robot");
  info.tasks = card.Texts("instructions");
  info.objects = card.Texts("objects");
  info.control_hz = card.Get<double>("control_hz");
  info.limits = {card.Get<double>("max_linear_delta"), card.Get<double>("max_angular_delta")};
  info.action_meaning = card.Get<std::string>("action_meaning");
  info.execute = static_cast<int>(card.Get<int64_t>("execute"));
  info.restart = static_cast<int>(card.Get<int64_t>("restart"));
  info.max_delay = static_cast<int>(card.Get<int64_t>("max_delay"));
  for (const auto& [camera, size] : card.Get<WireMap>("cameras")) {
    const WireValue sizes = WireMap{{"size", size}};
    const std::vector<double> shape = Card(sizes, address).Numbers("size", 3);
    info.cameras.push_back(camera);
    info.image_height = static_cast<int>(shape[0]);
    info.image_width = static_cast<int>(shape[1]);
  }
  const WireValue base = card.Get<WireMap>("base");
  const std::vector<double> p = Card(base, address).Numbers("p", 3);
  const std::vector<double> q = Card(base, address).Numbers("q", 4);
  info.X_WB = Pose({q[0], q[1], q[2], q[3]}, {p[0], p[1], p[2]});
  const auto steps = [&](const char* modality) {
    const WireValue* of = config.Find(modality);
    const WireValue* indices = of ? of->Find("delta_indices") : nullptr;
    const WireList* list = indices ? indices->As<WireList>() : nullptr;
    if (!list || list->empty()) card.Bad(modality);
    return static_cast<int>(list->size());
  };
  info.history = steps("state");
  info.horizon = steps("action");

  std::vector<ServedArm> arms;
  for (const WireValue& item : card.Get<WireList>("arms")) {
    const Card arm(item, address);
    arms.push_back({arm.Get<std::string>("name"), static_cast<int>(arm.Get<int64_t>("joints")),
                    static_cast<int>(arm.Get<int64_t>("fingers"))});
  }
  if (arms.empty()) {
    ThrowBadInput(
        fmt::format("policy server {}: its policy answers with columns of a dataset: no "
                    "arm of a simulator can follow them",
                    address));
  }
  info.arms = static_cast<int>(arms.size());
  return ContractOf(info, arms);
}

class RemotePolicy : public Policy {
 public:
  explicit RemotePolicy(const RemoteOptions& options) : client_(options) {
    contract_ = ReadContract(client_.Ask("get_modality_config", {}), options.address);
  }

 private:
  const PolicyInfo& DoInfo() const override { return contract_.info; }

  ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const override {
    const std::vector<const PolicyObservation*> moments = MomentsOf(input);
    const auto count = static_cast<int64_t>(moments.size());

    WireMap video, state;
    for (size_t c = 0; c < contract_.cameras.size(); ++c) {
      video.emplace_back(contract_.cameras[c].name, PicturesOf(moments, c));
    }
    std::vector<std::vector<double>> parts(contract_.state.size());
    for (const PolicyObservation* moment : moments) AppendState(*moment, &parts);
    for (size_t i = 0; i < parts.size(); ++i) {
      const int64_t size = contract_.state[i].size;
      state.emplace_back(contract_.state[i].name, WireArray::Float64({1, count, size}, parts[i]));
    }
    WireMap language{
        {"annotation.human.task_description", WireList{WireValue(WireList{input.instruction})}}};
    WireMap options{{"noise", ToWire(key)}, {"dtype", "float64"}};
    if (!input.committed.empty()) options.emplace_back("committed", Committed(input.committed));
    const WireValue answer = client_.Ask(
        "get_action", WireMap{{"observation", WireMap{{"video", std::move(video)},
                                                      {"state", std::move(state)},
                                                      {"language", std::move(language)}}},
                              {"options", std::move(options)}});
    return ReadChunk(answer, input);
  }

  WireMap Committed(const ActionChunk& actions) const {
    const ServedChunk numbers = NumbersOf(contract_, actions);
    WireMap committed;
    for (size_t i = 0; i < numbers.size(); ++i) {
      std::vector<double> all;
      for (const std::vector<double>& step : numbers[i]) {
        all.insert(all.end(), step.begin(), step.end());
      }
      const ServedPart& part = contract_.action[i];
      committed.emplace_back(
          part.name, WireArray::Float64({1, static_cast<int64_t>(actions.size()), part.size}, all));
    }
    return committed;
  }

  void AppendState(const PolicyObservation& moment, std::vector<std::vector<double>>* parts) const {
    auto part = parts->begin();
    const auto append = [&](const auto& numbers) {
      part->insert(part->end(), numbers.begin(), numbers.end());
      ++part;
    };
    const auto append_pose = [&](const Pose& X) {
      const Eigen::Quaterniond& q = X.rotation();
      append(X.translation());
      append(std::array{q.w(), q.x(), q.y(), q.z()});
    };
    for (size_t a = 0; a < contract_.arms.size(); ++a) {
      const ArmObservation& arm = moment.arms.at(a);
      if (contract_.arms[a].joints > 0) {
        append(arm.joint_q);
      } else {
        append_pose(arm.X_WE);
      }
      if (contract_.arms[a].fingers > 0) append(arm.gripper_q);
    }
    for (const Pose& X_WO : moment.X_WO) append_pose(X_WO);
  }

  // The numbers of every part, checked.
  ActionChunk ReadChunk(const WireValue& answer, const PolicyInput& input) const {
    const WireList* reply = answer.As<WireList>();
    const WireValue* actions = reply && !reply->empty() ? &reply->front() : nullptr;
    ServedChunk numbers;
    int64_t steps = 0;
    for (const ServedPart& part : contract_.action) {
      const WireValue* value = actions ? actions->Find(part.name) : nullptr;
      const WireArray* array = value ? value->As<WireArray>() : nullptr;
      const bool fits = array && array->shape.size() == 3 && array->shape[0] == 1 &&
                        array->shape[1] > 0 && array->shape[2] == part.size &&
                        (steps == 0 || array->shape[1] == steps);
      if (!fits) {
        ThrowFailed(fmt::format("policy server {}: its answer has no [1, T, {}] of '{}'",
                                client_.address(), part.size, part.name));
      }
      steps = array->shape[1];
      const std::vector<double> all = FiniteNumbers(*array, client_.address(), part.name);
      std::vector<std::vector<double>>& of_part = numbers.emplace_back();
      for (auto at = all.begin(); at != all.end(); at += part.size) {
        of_part.emplace_back(at, at + part.size);
      }
    }
    return TargetsOf(contract_, numbers, input.arms,
                     "policy server " + client_.address() + ": action");
  }

  mutable ZmqClient client_;
  ServedContract contract_;
};

}  // namespace

std::unique_ptr<Policy> OpenRemotePolicy(const RemoteOptions& options) {
  if (options.address.starts_with("ws")) {
    ThrowUsage(
        fmt::format("{} '{}': openpi's protocol does not say what the parts of a policy "
                    "are: --policy-map FILE does (docs/deploy.md)",
                    options.peer, options.address));
  }
  return std::make_unique<RemotePolicy>(options);
}

}  // namespace understudy
