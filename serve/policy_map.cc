#include "serve/policy_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "serve/answer_memory.h"
#include "serve/openpi_client.h"
#include "serve/served_policy.h"
#include "serve/wire_value.h"

namespace understudy {
namespace {

bool IsRotation(Quantity quantity) { return quantity == Quantity::kEefRotation; }
bool IsObject(Quantity quantity) {
  return quantity == Quantity::kObjectPosition || quantity == Quantity::kObjectRotation;
}

// That the state names, in its order.
std::vector<std::string> ObjectsOf(const PolicyMap& map) {
  std::vector<std::string> objects;
  for (const MappedState& part : map.state) {
    const bool listed = std::find(objects.begin(), objects.end(), part.object) != objects.end();
    if (IsObject(part.from) && !listed) objects.push_back(part.object);
  }
  return objects;
}

// Whether some of its actions are steps from where the arm is when they are done.
bool HasMeasured(const PolicyMap& map) {
  return std::any_of(map.action.begin(), map.action.end(), [](const MappedAction& part) {
    return part.meaning == ActionMeaning::kFromMeasured;
  });
}

// Numbers of a part of an action; joints are as many as the arm has.
int NumbersOf(const MappedAction& part, int joints) {
  switch (part.to) {
    case Quantity::kEefPosition:
      return 3;
    case Quantity::kEefRotation:
      return NumbersOf(part.form);
    case Quantity::kJoints:
      return joints;
    case Quantity::kGripper:
    case Quantity::kGripperWidth:
      return 1;
    case Quantity::kObjectPosition:
    case Quantity::kObjectRotation:
      break;  // no command
  }
  return 0;
}

// A server of either protocol: its address, and its answer to a request. Thread-safe.
struct AskedServer {
  std::string address;
  std::function<WireValue(const WireValue& request)> ask;
};

AskedServer Connect(RemoteOptions options, const PolicyMap& map) {
  if (map.layout == RequestLayout::kOpenpi) {
    const auto client = std::make_shared<OpenpiClient>(options);
    return {options.address, [client](const WireValue& request) { return client->Infer(request); }};
  }
  if (options.address.starts_with("ws")) {
    ThrowUsage(
        fmt::format("{} '{}': a ws:// server speaks openpi's protocol: the map needs "
                    "`layout: openpi`",
                    options.peer, options.address));
  }
  options.arrays = map.arrays;
  const auto client = std::make_shared<ZmqClient>(options);
  client->Ask("ping", {});
  return {options.address,
          [client](const WireValue& request) { return client->Ask("get_action", request); }};
}

class MappedPolicy : public Policy {
 public:
  MappedPolicy(AskedServer server, const PolicyMap& map, const SimulatorInfo& simulator)
      : server_(std::move(server)), map_(map), X_WB_(simulator.X_WB), measured_(HasMeasured(map)) {
    for (const auto& names : simulator.joint_names)
      joints_A_.push_back(static_cast<int>(names.size()));
    const bool joints = simulator.action_kind == ActionKind::kJoints;
    info_.name = "policy server";
    // what it answers with is not known here: its address and the map are all that names it
    Hasher hasher;
    hasher.Add(server_.address);
    hasher.Add(ToJson(map).dump());
    info_.hash = hasher.Hex();
    info_.robot = simulator.robot;
    for (const auto& [camera, key] : map.cameras) info_.cameras.push_back(camera);
    info_.image_width = map.image_width;
    info_.image_height = map.image_height;
    info_.control_hz = map.control_hz;
    info_.limits = simulator.limits;
    info_.horizon = map.horizon;
    info_.execute = std::min(map.execute, map.horizon);
    info_.action_meaning = joints ? "relative_joints" : "relative_eef";
    info_.arms = static_cast<int>(simulator.arms.size());
    info_.X_WB = simulator.base(0);
    info_.history = map.history;
    // each action is made of an observation of its own, and of the chunk that began `restart` and
    // fewer steps ago
    if (measured_) {
      info_.history = info_.restart = info_.execute;
      info_.horizon = info_.execute = 1;
    }
    info_.objects = ObjectsOf(map);
  }

 private:
  const PolicyInfo& DoInfo() const override { return info_; }

  ActionChunk DoAct(const PolicyInput& input, const RngKey&) const override {
    if (!measured_) {
      const Answer answer = Read(server_.ask(Request(input)));
      return Follow(answer, 0, answer.steps, input);
    }
    // where the chunk began
    PolicyInput start;
    start.instruction = input.instruction;
    static_cast<PolicyObservation&>(start) = input.earlier.empty() ? input : input.earlier.front();
    const std::shared_ptr<const Answer> answer =
        answers_.Get(Request(start), input.earlier.empty(),
                     [&](const WireValue& request) { return Read(server_.ask(request)); });
    const size_t step = input.earlier.size();
    if (step >= answer->steps) {
      ThrowFailed(
          fmt::format("policy server {}: its answer has {} actions, of which the map executes {}",
                      server_.address, answer->steps, info_.restart));
    }
    return Follow(*answer, step, step + 1, input);
  }

  // The numbers of one part over the chunk.
  struct Track {
    std::vector<double> numbers;
    size_t rows = 0, width = 0;
    const double* Row(size_t k, int first) const {
      return &numbers[k * width + static_cast<size_t>(first)];
    }
  };
  struct Answer {
    std::vector<Track> tracks;  // of each mapped action
    size_t steps = 0;
  };

  Answer Read(const WireValue& message) const {
    // [actions, info], or the actions alone
    const WireList* list = message.As<WireList>();
    const WireValue& actions = list && !list->empty() ? list->front() : message;
    Answer answer;
    for (const MappedAction& part : map_.action) {
      const Track& track = answer.tracks.emplace_back(ReadTrack(actions, part));
      answer.steps = answer.steps == 0 ? track.rows : std::min(answer.steps, track.rows);
    }
    return answer;
  }

  WireValue Request(const PolicyInput& input) const {
    std::vector<const PolicyObservation*> moments = MomentsOf(input);
    // before the first observation is the first one
    while (moments.size() < static_cast<size_t>(map_.history)) {
      moments.insert(moments.begin(), moments.front());
    }
    const auto count = static_cast<int64_t>(moments.size());

    const bool openpi = map_.layout == RequestLayout::kOpenpi;
    WireMap video, state;
    size_t camera = 0;
    for (const auto& [ours, key] : map_.cameras) {
      WireArray pictures = PicturesOf(moments, camera++);
      if (openpi) pictures.shape.erase(pictures.shape.begin(), pictures.shape.begin() + 2);
      video.emplace_back(key, std::move(pictures));
    }
    for (const std::string& key : KeysInOrder()) {
      std::vector<double> numbers;
      for (const PolicyObservation* moment : moments) {
        for (const MappedState& part : map_.state) {
          if (part.key == key) AppendState(*moment, part, &numbers);
        }
      }
      const int64_t size = static_cast<int64_t>(numbers.size()) / count;
      const std::vector<int64_t> shape =
          openpi ? std::vector{size} : std::vector{int64_t{1}, count, size};
      state.emplace_back(key, WireArray::Float32(shape, numbers));
    }
    WireMap observation;
    if (openpi) {
      observation = std::move(video);
      for (auto& part : state) observation.push_back(std::move(part));
      observation.emplace_back(map_.language, input.instruction);
      return observation;
    }
    if (map_.layout == RequestLayout::kNested) {
      WireMap language{{map_.language, WireList{WireValue(WireList{input.instruction})}}};
      observation.emplace_back("video", std::move(video));
      observation.emplace_back("state", std::move(state));
      observation.emplace_back("language", std::move(language));
    } else {
      for (auto& [key, value] : video) observation.emplace_back("video." + key, std::move(value));
      for (auto& [key, value] : state) observation.emplace_back("state." + key, std::move(value));
      observation.emplace_back(map_.language, WireList{input.instruction});
    }
    if (map_.layout == RequestLayout::kFlat) return observation;
    return WireMap{{"observation", std::move(observation)}, {"options", WireValue()}};
  }

  std::vector<std::string> KeysInOrder() const {
    std::vector<std::string> keys;
    for (const MappedState& part : map_.state) {
      if (std::find(keys.begin(), keys.end(), part.key) == keys.end()) keys.push_back(part.key);
    }
    return keys;
  }

  void AppendState(const PolicyObservation& moment, const MappedState& part,
                   std::vector<double>* numbers) const {
    const auto place = static_cast<size_t>(part.arm);
    const ArmObservation& arm = moment.arms.at(place);
    Pose X_W = arm.X_WE * map_.X_SE.Inverse() * map_.X_SH;  // of the hand or the object
    if (IsObject(part.from)) {
      const auto object = std::find(info_.objects.begin(), info_.objects.end(), part.object);
      X_W = moment.X_WO.at(static_cast<size_t>(object - info_.objects.begin()));
    }
    const Pose X_F = part.frame == PartFrame::kBase ? X_WB_.at(place).Inverse() * X_W : X_W;
    const auto append = [&](const auto& values) {
      for (const double value : values) numbers->push_back(part.scale * value + part.offset);
    };
    switch (part.from) {
      case Quantity::kEefPosition:
      case Quantity::kObjectPosition:
        return append(X_F.translation());
      case Quantity::kEefRotation:
      case Quantity::kObjectRotation:
        return append(WriteRotation(X_F.rotation(), part.form));
      case Quantity::kJoints:
        return append(arm.joint_q);
      case Quantity::kGripper:
        return append(arm.gripper_q);
      case Quantity::kGripperWidth:
        return append(std::array{arm.gripper_q.cwiseAbs().sum()});
    }
  }

  Track ReadTrack(const WireValue& actions, const MappedAction& part) const {
    const bool openpi = map_.layout == RequestLayout::kOpenpi;
    const bool flat = map_.layout != RequestLayout::kNested && !openpi;
    const std::string name = (flat ? "action." : "") + part.key;
    const WireValue* value = actions.Find(name);
    if (!value && !openpi) value = actions.Find(flat ? part.key : "action." + part.key);
    const WireArray* array = value ? value->As<WireArray>() : nullptr;
    if (!array) {
      std::vector<std::string> given;
      const WireMap* map = actions.As<WireMap>();
      for (const auto& [key, item] : map ? *map : WireMap()) given.push_back(key);
      ThrowFailed(fmt::format(
          "policy server {}: its answer has no '{}'; it has {}", server_.address, name,
          given.empty() ? std::string("no parts") : fmt::format("{}", fmt::join(given, ", "))));
    }
    std::vector<int64_t> shape = array->shape;
    const int64_t needed =
        part.first + NumbersOf(part, joints_A_.at(static_cast<size_t>(part.arm)));
    // GR00T's servers send [1, T, D], [T, D], or [1, T] and [T] of single numbers
    if (!openpi) {
      if (shape.size() == 3 && shape[0] == 1) shape.erase(shape.begin());
      if (shape.size() == 1) shape.push_back(1);
      if (shape.size() == 2 && shape[0] == 1 && shape[1] > 1 && needed == 1 && part.first == 0) {
        std::swap(shape[0], shape[1]);
      }
    }
    if (shape.size() != 2 || shape[0] < 1 || shape[1] < needed) {
      ThrowFailed(fmt::format(
          "policy server {}: '{}' of its answer has the shape [{}]: [{}T, D] "
          "with D of {} and more is what the map says",
          server_.address, name, fmt::join(array->shape, ", "), openpi ? "" : "1, ", needed));
    }
    return {FiniteNumbers(*array, server_.address, name), static_cast<size_t>(shape[0]),
            static_cast<size_t>(shape[1])};
  }

  // The targets that steps `first` to `end` of the answer mean.
  ActionChunk Follow(const Answer& answer, size_t first, size_t end,
                     const PolicyInput& input) const {
    ActionChunk chunk;
    // their control frame, until the end
    Action last;
    const Pose X_ES = map_.X_SE.Inverse();
    for (const ArmObservation& arm : input.arms) {
      last.arms.push_back({arm.X_WE * X_ES, -1, {}});
      if (info_.action_meaning == "relative_joints") last.arms.back().q_cmd = arm.joint_q;
    }
    const Action observed = last;
    for (size_t k = first; k < end; ++k) {
      Action target = last;
      for (size_t i = 0; i < map_.action.size(); ++i) {
        const MappedAction& part = map_.action[i];
        const auto arm = static_cast<size_t>(part.arm);
        const ArmAction& from =
            part.meaning == ActionMeaning::kFromLast ? last.arms.at(arm) : observed.arms.at(arm);
        Apply(part, answer.tracks[i].Row(k, part.first), from, &target.arms.at(arm));
      }
      Action& done = chunk.emplace_back(target);
      for (ArmAction& arm : done.arms) arm.X_WE_cmd = arm.X_WE_cmd * map_.X_SE;
      last = std::move(target);
    }
    return chunk;
  }

  void Apply(const MappedAction& part, const double* row, const ArmAction& from,
             ArmAction* target) const {
    const int size = NumbersOf(part, static_cast<int>(from.q_cmd.size()));
    std::vector<double> n(row, row + size);
    for (double& number : n) number = part.scale * number + part.offset;
    const bool absolute = part.meaning == ActionMeaning::kAbsolute;
    const Pose& X_WB = X_WB_.at(static_cast<size_t>(part.arm));
    // axes of the step, or the frame of the pose
    const Eigen::Quaterniond R_WF = part.frame == PartFrame::kBase ? X_WB.rotation()
                                    : part.frame == PartFrame::kHand
                                        ? from.X_WE_cmd.rotation()
                                        : Eigen::Quaterniond::Identity();
    const Pose& old = target->X_WE_cmd;
    switch (part.to) {
      case Quantity::kEefPosition: {
        const Eigen::Vector3d p(n[0], n[1], n[2]);
        const Eigen::Vector3d p_WE = !absolute ? from.X_WE_cmd.translation() + R_WF * p
                                     : part.frame == PartFrame::kBase ? X_WB * p
                                     : part.frame == PartFrame::kHand ? from.X_WE_cmd * p
                                                                      : p;
        target->X_WE_cmd = Pose(old.rotation(), p_WE);
        return;
      }
      case Quantity::kEefRotation: {
        const std::optional<Eigen::Quaterniond> R = ReadRotation(n.data(), part.form);
        if (!R) {
          ThrowFailed(fmt::format("policy server {}: '{}' of its answer is no rotation",
                                  server_.address, part.key));
        }
        // a turn is about the axes of F
        const Eigen::Quaterniond R_WE =
            absolute ? R_WF * *R : R_WF * *R * R_WF.conjugate() * from.X_WE_cmd.rotation();
        target->X_WE_cmd = Pose(R_WE, old.translation());
        return;
      }
      case Quantity::kJoints:
        for (int j = 0; j < size; ++j) {
          target->q_cmd[j] = n[static_cast<size_t>(j)] + (absolute ? 0 : from.q_cmd[j]);
        }
        return;
      case Quantity::kGripper:
      case Quantity::kGripperWidth:
        target->gripper = std::clamp(n[0], -1.0, 1.0);
        return;
      case Quantity::kObjectPosition:
      case Quantity::kObjectRotation:
        return;  // CheckMap refuses it
    }
  }

  AskedServer server_;
  mutable AnswerMemory<Answer> answers_;  // of chunks that are under way
  PolicyMap map_;
  std::vector<Pose> X_WB_;
  const bool measured_;  // HasMeasured
  PolicyInfo info_;
  std::vector<int> joints_A_;  // of each arm
};

// Faults of what the layout allows.
void CheckLayout(const PolicyMap& map, Problems* problems) {
  if (map.layout != RequestLayout::kOpenpi) {
    if (map.arrays == ArrayForm::kOpenpi) {
      problems->push_back("arrays: openpi is of layout openpi");
    }
    return;
  }
  if (map.arrays == ArrayForm::kMsgpackNumpy) {
    problems->push_back("arrays: layout openpi has its own form: leave arrays out");
  }
  if (map.history > 1) problems->push_back("history: layout openpi sends one observation: 1");
  // one map holds all keys
  std::map<std::string, std::string> owners{{map.language, "language"}};
  const auto claim = [&](const std::string& key, const std::string& place) {
    const auto [owner, added] = owners.emplace(key, place);
    if (added) return;
    problems->push_back(fmt::format("{}: '{}' is the key of {} too", place, key, owner->second));
  };
  for (const auto& [camera, key] : map.cameras) claim(key, "cameras." + camera);
  std::set<std::string> state;
  for (const MappedState& part : map.state) {
    if (state.insert(part.key).second) claim(part.key, "state");
  }
}

}  // namespace

Problems CheckMap(const PolicyMap& map, const SimulatorInfo& simulator) {
  Problems problems;
  for (const auto& [camera, key] : map.cameras) {
    if (std::find(simulator.cameras.begin(), simulator.cameras.end(), camera) ==
        simulator.cameras.end()) {
      problems.push_back("cameras: " + UnknownName("camera", camera, simulator.cameras));
    }
  }
  const auto arms = static_cast<int>(simulator.arms.size());
  const auto check_arm = [&](int arm, const std::string& place) {
    if (arm < arms) return true;
    problems.push_back(
        fmt::format("{}: arm {}: {} has {}, numbered from 0", place, arm, simulator.robot, arms));
    return false;
  };
  for (size_t i = 0; i < map.state.size(); ++i) {
    const std::string place = fmt::format("state[{}]", i);
    check_arm(map.state[i].arm, place);
    const MappedState& part = map.state[i];
    const bool known = std::find(simulator.objects.begin(), simulator.objects.end(), part.object) !=
                       simulator.objects.end();
    if (IsObject(part.from) && !known) {
      problems.push_back(place + ": " + UnknownName("object", part.object, simulator.objects));
    } else if (!IsObject(part.from) && !part.object.empty()) {
      problems.push_back(place + ": object: is of object_position and object_rotation");
    }
    if (part.frame == PartFrame::kHand) {
      problems.push_back(place + ": frame: hand is of steps; base or world");
    }
  }
  CheckLayout(map, &problems);
  const bool measured = HasMeasured(map);
  if (measured && map.history > 1) {
    problems.push_back("history: with from_measured a server sees the newest observation: 1");
  }
  // every arm is commanded whole, once, in the way that the robot takes
  const bool joints = simulator.action_kind == ActionKind::kJoints;
  std::map<std::pair<int, Quantity>, int> commanded;
  for (size_t i = 0; i < map.action.size(); ++i) {
    const MappedAction& part = map.action[i];
    const std::string place = fmt::format("action[{}]", i);
    if (!check_arm(part.arm, place)) continue;
    if (IsObject(part.to)) {
      problems.push_back(place + ": to: nothing commands an object");
      continue;
    }
    if (part.to == Quantity::kGripperWidth) {
      problems.push_back(place +
                         ": to: a gripper takes a command in [-1, 1]: gripper, with scale "
                         "and offset");
    }
    if (part.to == Quantity::kGripper && part.meaning != ActionMeaning::kAbsolute) {
      problems.push_back(place + ": meaning: a gripper's command is absolute");
    }
    if (IsRotation(part.to) && part.scale != 1 && part.form != RotationForm::kAxisAngle) {
      problems.push_back(place + ": scale is of turns in the form axis_angle");
    }
    if (IsRotation(part.to) && part.offset != 0)
      problems.push_back(place + ": a rotation has no offset");
    const bool of_chunk =
        part.meaning == ActionMeaning::kFromLast || part.meaning == ActionMeaning::kFromObservation;
    if (measured && of_chunk) {
      problems.push_back(place +
                         ": meaning: beside from_measured a part is from_measured or absolute");
    }
    ++commanded[{part.arm, part.to}];
  }
  for (int arm = 0; arm < arms; ++arm) {
    std::vector<Quantity> needed{Quantity::kGripper};
    if (joints) {
      needed.push_back(Quantity::kJoints);
    } else {
      needed.insert(needed.end(), {Quantity::kEefPosition, Quantity::kEefRotation});
    }
    for (const auto& [place, count] : commanded) {
      if (place.first != arm) continue;
      const bool known = std::find(needed.begin(), needed.end(), place.second) != needed.end();
      const char* name = EnumNames<Quantity>::kNames[static_cast<size_t>(place.second)];
      if (!known && place.second != Quantity::kGripperWidth) {
        problems.push_back(
            fmt::format("action: arm {} takes no {}: the robot {} is commanded by {}", arm, name,
                        simulator.robot, joints ? "joints" : "poses"));
      } else if (count > 1) {
        problems.push_back(fmt::format("action: arm {}: {} comes {} times", arm, name, count));
      }
    }
    for (const Quantity quantity : needed) {
      if (commanded.contains({arm, quantity})) continue;
      problems.push_back(fmt::format("action: arm {} has no {}", arm,
                                     EnumNames<Quantity>::kNames[static_cast<size_t>(quantity)]));
    }
  }
  return problems;
}

std::unique_ptr<Policy> OpenMappedPolicy(const RemoteOptions& options, const PolicyMap& map,
                                         const SimulatorInfo& simulator, const std::string& name) {
  const Problems problems = CheckMap(map, simulator);
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", name, fmt::join(problems, "; ")));
  return std::make_unique<MappedPolicy>(Connect(options, map), map, simulator);
}

}  // namespace understudy
