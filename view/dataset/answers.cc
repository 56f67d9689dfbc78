#include "view/dataset/answers.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/version.h"
#include "data/formats/formats.h"
#include "data/store/files.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFrames = 256;  // of one answer

// A whole number without sign, of at most nine digits; nothing else.
bool ReadNumber(const std::string& text, size_t* number) {
  const bool digits =
      !text.empty() && text.size() <= 9 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits) *number = std::stoul(text);
  return digits;
}

// Names of subtasks for their bands: the instruction, otherwise the object.
Json SubtaskNames(const Json& task) {
  Json names = Json::array();
  if (!task.is_object() || !task.contains("subtasks") || !task["subtasks"].is_array()) return names;
  for (const Json& subtask : task["subtasks"]) {
    std::string name;
    for (const char* field : {"instruction", "signal", "object"}) {
      const bool stated = subtask.is_object() && subtask.contains(field) &&
                          subtask[field].is_string() && name.empty();
      if (stated) name = subtask[field];
    }
    names.push_back(name.empty() ? fmt::format("subtask {}", names.size()) : name);
  }
  return names;
}

struct ApplyRequest {
  std::string name;
  Mark unmarked = Mark::kNone;
  bool by_reference = false;
  template <class V>
  void Visit(V& v) {
    v("name", name, "of the file");
    v("unmarked", unmarked, "which key episodes without a mark go to");
    v("by_reference", by_reference, "links instead of a copy");
  }
};

}  // namespace

Parameters::Parameters(const Values& values, const std::vector<std::string>& known) {
  for (const auto& [name, value] : values) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw RequestError(400, UnknownName("parameter", name, known));
    }
    if (!values_.emplace(name, value).second) {
      throw RequestError(400, fmt::format("parameter '{}' is given twice", name));
    }
  }
}

size_t Parameters::Number(const std::string& name, size_t fallback, size_t low, size_t high) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return fallback;
  size_t number = 0;
  if (!ReadNumber(found->second, &number) || number < low || number > high) {
    throw RequestError(400, fmt::format("{} = '{}': must be a whole number in [{}, {}]", name,
                                        found->second, low, high));
  }
  return number;
}

std::string Parameters::Text(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? "" : found->second;
}

Answers::Answers(const fs::path& dataset, const fs::path& marks, const ReadOptions& read)
    : read_(read),
      reader_(OpenDataset(dataset, read)),
      marks_(*reader_, marks),
      views_(*reader_),
      catalogue_(*reader_) {}

Json Answers::Dataset() const {
  const DatasetHeader& header = reader_->header();
  Json episodes = Json::array();
  std::map<std::string, size_t> place;
  for (const EpisodeSummary& episode : reader_->episodes()) {
    place[episode.name] = episodes.size();
    episodes.push_back({{"name", episode.name},
                        {"uuid", episode.uuid},
                        {"steps", episode.length},
                        {"success", episode.success},
                        {"variant_index", episode.variant_index}});
  }
  Json masks = Json::object();
  for (const std::string& key : reader_->MaskNames()) {
    masks[key] = Json::array();
    for (const std::string& name : reader_->ReadMask(key)) {
      if (place.contains(name)) masks[key].push_back(place[name]);
    }
  }
  Json sizes = Json::array();
  for (size_t c = 0; c < header.cameras.size(); ++c) {
    sizes.push_back({header.size_of(c).width, header.size_of(c).height});
  }
  std::error_code none;
  const bool own = !reader_->content_hash().empty();
  return {{"file", reader_->path().filename().string()},
          {"path", fs::absolute(reader_->path(), none).string()},
          {"bytes", BytesOnDisk(reader_->path())},
          {"written_by", own ? "understudy" : "another program"},
          {"content_hash", reader_->content_hash()},
          {"stage", header.stage},
          {"task", header.simulator.task},
          {"robot", header.simulator.robot},
          {"control_hz", header.simulator.control_hz},
          {"cameras", header.cameras},
          {"image_sizes", sizes},
          {"subtasks", SubtaskNames(header.task)},
          {"masks", masks},
          {"program", ProgramVersion()},
          {"episodes", episodes}};
}

size_t Answers::RowFrom(const Parameters& parameters) const {
  return parameters.Number("from", 0, 0, reader_->episodes().size());
}

Json Answers::Where(const Parameters& parameters) const {
  const std::string condition = parameters.Text("condition");
  if (condition.empty()) throw RequestError(400, "condition: name one, such as success");
  return {{"episodes", catalogue_.Where(condition, marks_.All())}};
}

Answers::Frames Answers::FramesOf(size_t episode, const Parameters& parameters) const {
  const DatasetHeader& header = reader_->header();
  if (header.cameras.empty()) throw RequestError(404, "this dataset has no pictures");
  const size_t length = reader_->episodes().at(episode).length;
  Frames frames;
  frames.episode = episode;
  frames.camera = parameters.Number("camera", 0, 0, header.cameras.size() - 1);
  frames.from = parameters.Number("from", 0, 0, length - 1);
  frames.count = parameters.Number("count", 1, 1, kMaxFrames);
  frames.count = std::min(frames.count, length - frames.from);
  const PictureSize size = header.size_of(frames.camera);
  frames.frame_bytes = 3 * static_cast<size_t>(size.width) * static_cast<size_t>(size.height);
  return frames;
}

Json Answers::MarksNow() const {
  Json keep = Json::array(), drop = Json::array();
  const std::vector<Mark> marks = marks_.All();
  for (size_t i = 0; i < marks.size(); ++i) {
    if (marks[i] == Mark::kKeep) keep.push_back(i);
    if (marks[i] == Mark::kDrop) drop.push_back(i);
  }
  return {{"keep", keep},
          {"drop", drop},
          {"file", marks_.file().string()},
          {"notice", marks_.notice()}};
}

Json Answers::SetMarks(const Json& request) {
  const auto refuse = [](const std::string& what) {
    throw RequestError(400, what +
                                ": must be {\"marks\": {\"<episode>\": \"keep\", \"drop\" or "
                                "null}}");
  };
  if (!request.is_object() || request.size() != 1 || !request.contains("marks") ||
      !request["marks"].is_object()) {
    refuse("the request");
  }
  std::map<size_t, Mark> changes;
  for (const auto& [place, mark] : request["marks"].items()) {
    size_t episode = 0;
    if (!ReadNumber(place, &episode) || episode >= reader_->episodes().size()) {
      throw RequestError(400, fmt::format("episode '{}': must be a whole number below {}", place,
                                          reader_->episodes().size()));
    }
    if (mark == "keep") {
      changes[episode] = Mark::kKeep;
    } else if (mark == "drop") {
      changes[episode] = Mark::kDrop;
    } else if (mark.is_null()) {
      changes[episode] = Mark::kNone;
    } else {
      refuse("mark of episode " + place);
    }
  }
  marks_.Set(changes);
  return MarksNow();
}

Json Answers::Apply(const Json& request) {
  const ApplyRequest apply = FromJson<ApplyRequest>(request, "the request");
  // a file name beside the dataset, not a path
  const fs::path name = apply.name;
  const bool plain = !apply.name.empty() && name == name.filename() && name != "." &&
                     name != ".." && apply.name.find('\0') == std::string::npos &&
                     apply.name.size() < 200;
  if (!plain || (name.extension() != ".h5" && name.extension() != ".hdf5")) {
    throw RequestError(400, fmt::format("name '{}': must be the name of a file that ends in .h5, "
                                        "without a folder: it is written beside the dataset",
                                        apply.name));
  }
  // one at a time: each may copy gigabytes
  const std::scoped_lock lock(apply_);
  const fs::path output = reader_->path().parent_path() / name;
  const ApplyReport report =
      ApplyMarks(reader_->path(), marks_.All(), output,
                 {.unmarked = apply.unmarked, .by_reference = apply.by_reference, .read = read_});
  return {{"out", output.string()},
          {"episodes", report.episodes},
          {"keep", report.kept},
          {"drop", report.dropped}};
}

}  // namespace understudy
