#include "data/formats/robosuite/fit_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <sstream>

#include "core/base/error.h"
#include "core/geometry/pose.h"
#include "data/formats/base/mjcf.h"
#include "data/formats/robosuite/mjcf_schema.h"

namespace understudy::mjcf {
namespace {

// The elements that one version of MuJoCo reads, by place; see mjcf_schema.cc.
class KnownElements {
 public:
  explicit KnownElements(const Schema& schema) : version_(schema.version) {
    std::istringstream lines(schema.text);
    std::vector<int> open;  // the elements around
    for (std::string line; std::getline(lines, line);) {
      if (line.empty()) continue;
      std::istringstream words(line);
      std::string word;
      words >> word;
      if (word != "+") {
        open.resize(line.find(word) / 2);
        const int place = static_cast<int>(elements_.size());
        if (!open.empty()) elements_[open.back()].children.emplace(word, place);
        elements_.emplace_back();
        open.push_back(place);
      }
      while (words >> word) elements_[open.back()].attributes.insert(word);
    }
  }

  const std::string& version() const { return version_; }

  // Of an element `name` in the one at `place` (called `in`); -1: the version has none there.
  int Child(int place, const std::string& in, const std::string& name) const {
    if (in == "worldbody") return Child(place, "body", name);
    if ((name == "body" || name == "frame" || name == "default") && in == name) return place;
    if (in == "frame") return Child(body_place(), "body", name);
    const std::string known = in == "mujoco" && name == "worldbody" ? "body" : name;
    const auto found = elements_[place].children.find(known);
    return found == elements_[place].children.end() ? -1 : found->second;
  }
  bool Has(int place, const std::string& attribute) const {
    return elements_[place].attributes.contains(attribute);
  }
  bool has_frames() const { return elements_[body_place()].children.contains("frame"); }

 private:
  int body_place() const { return elements_[0].children.at("body"); }

  struct Place {
    std::set<std::string> attributes;
    std::map<std::string, int> children;
  };
  std::string version_;
  std::vector<Place> elements_;
};

const std::array<KnownElements, 3>& KnownVersions() {
  static const std::array<KnownElements, 3> known{
      KnownElements(Schemas()[0]), KnownElements(Schemas()[1]), KnownElements(Schemas()[2])};
  return known;
}

// Keywords that only newer versions have, of attributes that all of them have.
struct NewerKeyword {
  const char *element, *attribute, *keyword, *since;
};
constexpr NewerKeyword kNewerKeywords[] = {
    {"geom", "type", "sdf", "3.0"},
    {"general", "dyntype", "filterexact", "3.0"},
    {"general", "dyntype", "dcmotor", "4.0"},
    {"general", "dyntype", "pid", "4.0"},
    {"general", "gaintype", "dcmotor", "4.0"},
    {"general", "gaintype", "pid", "4.0"},
    {"general", "gaintype", "so3", "4.0"},
    {"general", "biastype", "dcmotor", "4.0"},
    {"general", "biastype", "so3", "4.0"},
};

bool HasKeyword(const KnownElements& known, const std::string& element,
                const std::string& attribute, const std::string& value) {
  return std::none_of(std::begin(kNewerKeywords), std::end(kNewerKeywords),
                      [&](const NewerKeyword& newer) {
                        return element == newer.element && attribute == newer.attribute &&
                               value == newer.keyword && known.version() < newer.since;
                      });
}

// What a version does not read of an element at `place`, and of those in it, in words.
void FindUnknown(const KnownElements& known, const Element& element, int place,
                 std::set<std::string>* unknown) {
  for (const auto& [attribute, value] : element.attributes) {
    if (!known.Has(place, attribute)) {
      unknown->insert(element.name + " " + attribute);
    } else if (!HasKeyword(known, element.name, attribute, value)) {
      unknown->insert(fmt::format("{} {}=\"{}\"", element.name, attribute, value));
    }
  }
  for (const Element& child : element.children) {
    const int inner = known.Child(place, element.name, child.name);
    if (inner < 0) {
      unknown->insert("<" + child.name + ">");
    } else {
      FindUnknown(known, child, inner, unknown);
    }
  }
}

std::set<std::string> UnknownIn(const KnownElements& known, const Element& root) {
  std::set<std::string> unknown;
  FindUnknown(known, root, 0, &unknown);
  return unknown;
}

// ---- frames: children in the frame of the body around ----

std::optional<Eigen::VectorXd> Numbers(const Element& element, const char* attribute,
                                       const Eigen::VectorXd& absent) {
  const std::string* text = element.Find(attribute);
  if (text == nullptr) return absent;
  std::istringstream words(*text);
  Eigen::VectorXd numbers(absent.size());
  for (double& number : numbers) {
    if (!(words >> number)) return {};
  }
  return numbers;
}

std::optional<Pose> PoseOf(const Element& element) {
  for (const char* other : {"euler", "axisangle", "xyaxes", "zaxis", "fromto"}) {
    if (element.Find(other) != nullptr) return {};
  }
  const auto p = Numbers(element, "pos", Eigen::Vector3d::Zero());
  const auto q = Numbers(element, "quat", Eigen::Vector4d(1, 0, 0, 0));
  if (!p || !q || !p->allFinite() || !q->allFinite() || q->norm() < 1e-6) return {};
  return Pose(Eigen::Quaterniond((*q)[0], (*q)[1], (*q)[2], (*q)[3]), Eigen::Vector3d(*p));
}

std::string Words(const Eigen::VectorXd& numbers) {
  return fmt::format("{}", fmt::join(numbers.begin(), numbers.end(), " "));
}

// Moves a child of a frame out of it; false where it cannot be said in a pos and a quat.
bool MoveOut(const Pose& X_BF, const std::string* childclass, bool plain_defaults, Element* child) {
  const std::set<std::string> placed{"body", "frame", "geom", "site", "camera"};
  const bool light = child->name == "light", body = child->name == "body";
  if (!placed.contains(child->name) && !light) return false;
  // classes may place elements too
  if (!plain_defaults && !body && child->name != "frame") return false;
  if (childclass != nullptr) {
    const char* kind = body || child->name == "frame" ? "childclass" : "class";
    if (child->Find(kind) == nullptr) child->Set(kind, *childclass);
  }
  if (X_BF == Pose()) return true;
  if (light) {
    const auto p = Numbers(*child, "pos", Eigen::Vector3d::Zero());
    const auto direction = Numbers(*child, "dir", Eigen::Vector3d(0, 0, -1));
    if (!p || !direction) return false;
    child->Set("pos", Words(X_BF * Eigen::Vector3d(*p)));
    child->Set("dir", Words(X_BF.rotation() * Eigen::Vector3d(*direction)));
    return true;
  }
  const std::optional<Pose> X_FC = PoseOf(*child);
  if (!X_FC) return false;
  const Pose X_BC = X_BF * *X_FC;
  const Eigen::Quaterniond& q = X_BC.rotation();
  child->Set("pos", Words(X_BC.translation()));
  child->Set("quat", Words(Eigen::Vector4d(q.w(), q.x(), q.y(), q.z())));
  return true;
}

void Flatten(bool plain_defaults, Element* element) {
  std::vector<Element> children;
  for (Element& child : element->children) {
    Flatten(plain_defaults, &child);
    if (child.name != "frame") {
      children.push_back(std::move(child));
      continue;
    }
    const std::optional<Pose> X_BF = PoseOf(child);
    const std::string* childclass = child.Find("childclass");
    std::vector<Element> moved = child.children;
    const bool can = X_BF && std::all_of(moved.begin(), moved.end(), [&](Element& inner) {
                       return MoveOut(*X_BF, childclass, plain_defaults, &inner);
                     });
    if (can) {
      std::move(moved.begin(), moved.end(), std::back_inserter(children));
    } else {
      children.push_back(std::move(child));
    }
  }
  element->children = std::move(children);
}

// Whether no default class places what belongs to it.
bool HasPlainDefaults(const Element& root, bool in_default = false) {
  return std::all_of(root.children.begin(), root.children.end(), [&](const Element& child) {
    const bool inside = in_default || child.name == "default";
    if (in_default && child.name != "default") {
      for (const char* place :
           {"pos", "quat", "euler", "axisangle", "xyaxes", "zaxis", "fromto", "dir"}) {
        if (child.name != "joint" && child.Find(place) != nullptr) return false;
      }
    }
    return HasPlainDefaults(child, inside);
  });
}

// ---- attributes ----

enum class Part {
  kNothing,   // a declaration, or what the older version does anyway
  kPictures,  // how things look
  kSolver,    // bounds and methods of the engine: nearly the same physics
  kReadings,  // sensors: nothing acts on them
  kMeaning,   // anything else: it must not be left out
};

bool OneOf(const std::string& word, std::initializer_list<const char*> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Part PartOf(const std::string& element, const std::string& attribute, const std::string& value) {
  if (element == "general" && attribute == "input") {
    return OneOf(value, {"", "pos", "vel", "pressure"}) ? Part::kNothing : Part::kMeaning;
  }
  if (element == "freejoint" && attribute == "align" && value != "true") return Part::kNothing;
  if (element == "texture") {
    if (attribute == "colorspace" && value == "auto") return Part::kNothing;
    if (OneOf(attribute, {"colorspace", "embed"})) return Part::kPictures;
  }
  if (element == "material" && OneOf(attribute, {"roughness", "metallic"})) return Part::kPictures;
  if (element == "geom" && attribute == "castshadow") return Part::kPictures;
  if (element == "light" && attribute != "type") return Part::kPictures;
  if (element == "camera" && OneOf(attribute, {"output", "resolution"})) return Part::kPictures;
  if (OneOf(element, {"global", "quality", "headlight", "map", "scale", "rgba"})) {
    return Part::kPictures;
  }
  if (element == "flag") {
    if (OneOf(attribute, {"spring", "damper", "eulerdamp"}) && value == "enable") {
      return Part::kNothing;
    }
    if (OneOf(attribute, {"speculative", "ipc", "invdiscrete", "sleep", "diagexact"}) &&
        value == "disable") {
      return Part::kNothing;
    }
    if (OneOf(attribute, {"autoreset", "nativeccd", "multiccd", "midphase", "island"})) {
      return Part::kSolver;
    }
  }
  if (element == "option" &&
      OneOf(attribute, {"ls_iterations", "ls_tolerance", "ccd_iterations", "ccd_tolerance",
                        "sdf_iterations", "sdf_initpoints"})) {
    return Part::kSolver;
  }
  if (element == "mesh" && attribute == "maxhullvert") return Part::kSolver;
  return Part::kMeaning;
}

// Names that changed with the versions, either way.
constexpr std::array<std::array<const char*, 3>, 4> kRenamed{
    {{"joint", "actuatorfrcrange", "actuatorforcerange"},
     {"joint", "actuatorfrclimited", "actuatorforcelimited"},
     {"option", "ccd_iterations", "mpr_iterations"},
     {"option", "ccd_tolerance", "mpr_tolerance"}}};

class Fitting {
 public:
  explicit Fitting(const KnownElements& known) : known_(known) {}

  void Fit(Element* root) {
    if (!known_.has_frames()) Flatten(HasPlainDefaults(*root), root);
    FitElement(root, 0);
    // before 3.0 a range without a word was an error
    if (known_.version() < "3" && root->name == "mujoco") {
      auto compiler = std::find_if(root->children.begin(), root->children.end(),
                                   [](const Element& child) { return child.name == "compiler"; });
      if (compiler == root->children.end()) {
        compiler = root->children.insert(root->children.begin(), Element{"compiler", {}, {}});
      }
      if (compiler->Find("autolimits") == nullptr) compiler->Set("autolimits", "true");
    }
  }

  std::vector<std::string> Lost() const {
    std::vector<std::string> lost;
    const auto say = [&](Part part, const char* what) {
      const auto found = left_out_.find(part);
      if (found == left_out_.end()) return;
      lost.push_back(fmt::format("the model's {}: MuJoCo {} has none of them, {}",
                                 fmt::join(found->second, ", "), known_.version(), what));
    };
    say(Part::kSolver, "physics is nearly the same, not bit for bit");
    say(Part::kPictures, "pictures look a little different");
    say(Part::kReadings, "nothing else depends on it");
    return lost;
  }

 private:
  void FitElement(Element* element, int place) {
    const std::vector<std::pair<std::string, std::string>> attributes = element->attributes;
    for (const auto& [attribute, value] : attributes) {
      if (!known_.Has(place, attribute)) FitAttribute(attribute, value, place, element);
    }
    std::vector<Element> children;
    for (Element& child : element->children) {
      const int inner = known_.Child(place, element->name, child.name);
      if (inner >= 0) {
        FitElement(&child, inner);
      } else if (element->name == "sensor") {
        left_out_[Part::kReadings].insert("sensor " + child.name);
        continue;
      } else if (FitLayer(child, place, element)) {
        continue;
      }
      children.push_back(std::move(child));
    }
    element->children = std::move(children);
  }

  void FitAttribute(const std::string& attribute, const std::string& value, int place,
                    Element* element) {
    for (const auto& [name, one, other] : kRenamed) {
      if (element->name != name) continue;
      const char* older = attribute == one ? other : attribute == other ? one : nullptr;
      if (older == nullptr || !known_.Has(place, older)) continue;
      element->Erase(attribute);
      element->Set(older, value);
      return;
    }
    if (element->name == "light" && attribute == "type") {
      if (!OneOf(value, {"directional", "spot"})) return;
      element->Erase(attribute);
      element->Set("directional", value == "directional" ? "true" : "false");
      return;
    }
    const Part part = PartOf(element->name, attribute, value);
    if (part == Part::kMeaning) return;
    element->Erase(attribute);
    if (part != Part::kNothing) left_out_[part].insert(element->name + " " + attribute);
  }

  // Materials of several textures: the one of the colour is the older version's.
  bool FitLayer(const Element& layer, int place, Element* material) {
    if (material->name != "material" || layer.name != "layer") return false;
    const std::string* role = layer.Find("role");
    const std::string* texture = layer.Find("texture");
    if (role == nullptr || texture == nullptr || !known_.Has(place, "texture")) return false;
    if (OneOf(*role, {"rgb", "rgba"})) {
      material->Set("texture", *texture);
    } else {
      left_out_[Part::kPictures].insert("material layer " + *role);
    }
    return true;
  }

  const KnownElements& known_;
  std::map<Part, std::set<std::string>> left_out_;
};

}  // namespace

FittedModel FitModel(const std::string& text, const std::string& version) {
  const auto& versions = KnownVersions();
  const auto wanted = std::find_if(versions.begin(), versions.end(),
                                   [&](const auto& known) { return known.version() == version; });
  Require(wanted != versions.end(), "models are fitted to the versions of Schemas()");
  std::optional<Element> root = Parse(text);
  if (!root || root->name != "mujoco") {
    return {text, "", {"the model is no MJCF: model_file keeps the text as it is"}};
  }
  if (UnknownIn(*wanted, *root).empty()) return {text, version, {}};

  Element fitted = *root;
  Fitting fitting(*wanted);
  fitting.Fit(&fitted);
  const std::set<std::string> left = UnknownIn(*wanted, fitted);
  if (left.empty()) return {Write(fitted), version, fitting.Lost()};

  // nothing truthful in the words of that version: say which one it needs
  const auto reads = std::find_if(versions.begin(), versions.end(), [&](const auto& known) {
    return UnknownIn(known, *root).empty();
  });
  const std::string needed = reads == versions.end() ? "" : reads->version();
  return {text,
          needed,
          {fmt::format("loading the model in MuJoCo {}, which has no {}: model_file needs {}",
                       version, fmt::join(left, ", "),
                       needed.empty() ? "another version" : "MuJoCo " + needed)}};
}

std::string PlaceFixtures(const std::string& text, const std::map<std::string, Pose>& X_WB) {
  if (X_WB.empty() || text.find("mocap=") == std::string::npos) return text;
  std::optional<Element> root = Parse(text);
  if (!root) return text;
  bool moved = false;
  for (Element& world : root->children) {
    if (world.name != "worldbody") continue;
    // MuJoCo wants mocap bodies to be children of the world
    for (Element& body : world.children) {
      const std::string* name = body.Find("name");
      const std::string* mocap = body.Find("mocap");
      if (name == nullptr || mocap == nullptr || *mocap != "true") continue;
      const auto found = X_WB.find(*name);
      if (found == X_WB.end()) continue;
      const Pose& X = found->second;
      const Eigen::Quaterniond& q = X.rotation();
      for (const char* other : {"euler", "axisangle", "xyaxes", "zaxis"}) body.Erase(other);
      body.Set("pos", Words(X.translation()));
      body.Set("quat", Words(Eigen::Vector4d(q.w(), q.x(), q.y(), q.z())));
      moved = true;
    }
  }
  return moved ? Write(*root) : text;
}

}  // namespace understudy::mjcf
