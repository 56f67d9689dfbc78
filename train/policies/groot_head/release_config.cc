#include "train/policies/groot_head/release_config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <set>

#include "core/base/error.h"
#include "core/base/file_bytes.h"
#include "core/base/json.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHead = "action_head.";
constexpr const char* kBackbone = "backbone.";

// The first few of a list that can be long.
std::string Few(const std::vector<std::string>& names) {
  const size_t shown = std::min<size_t>(names.size(), 5);
  return fmt::format("{}{}",
                     fmt::join(names.begin(), names.begin() + static_cast<long>(shown), ", "),
                     shown < names.size() ? fmt::format(" and {} more", names.size() - shown) : "");
}

// Nearest numbers of a shorter kind, ties to even.
uint16_t ToBfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
uint16_t ToHalf(float value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::abs(static_cast<double>(value));
  if (magnitude >= 65520) return sign | 0x7c00;
  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude < 2^exponent
  const int step = std::max(exponent - 11, -24);
  const auto units = static_cast<uint32_t>(std::nearbyint(std::ldexp(magnitude, -step)));
  // of the least step, and of each larger one from 1024 units on; 2048 carry over by themselves
  const uint32_t bits = step == -24 ? units : (static_cast<uint32_t>(step + 24) << 10) + units;
  return static_cast<uint16_t>(sign | bits);
}

std::vector<uint8_t> Narrowed(const std::vector<float>& values, const std::string& dtype) {
  const size_t unit = DtypeSize(dtype);
  std::vector<uint8_t> bytes(values.size() * unit);
  for (size_t i = 0; i < values.size(); ++i) {
    if (dtype == "F32") {
      std::memcpy(&bytes[i * unit], &values[i], unit);
    } else {
      const uint16_t narrow = dtype == "BF16" ? ToBfloat16(values[i]) : ToHalf(values[i]);
      std::memcpy(&bytes[i * unit], &narrow, unit);
    }
  }
  return bytes;
}

// Open for writing in place.
class Patched {
 public:
  explicit Patched(const fs::path& file)
      : file_(file.string()), fd_(::open(file.c_str(), O_WRONLY | O_CLOEXEC)) {
    if (fd_ < 0) Fail("open for writing");
  }
  ~Patched() { ::close(fd_); }
  Patched(const Patched&) = delete;
  Patched& operator=(const Patched&) = delete;

  void Put(uint64_t at, const std::vector<uint8_t>& bytes) {
    if (!WriteAt(fd_, bytes.data(), bytes.size(), at)) Fail("write");
  }
  void Sync() {
    if (::fsync(fd_) != 0) Fail("fsync");
  }

 private:
  [[noreturn]] void Fail(const char* what) const {
    ThrowFailed(fmt::format("{}: {} failed: {}", file_, what, std::strerror(errno)));
  }
  std::string file_;
  int fd_;
};

// Statistics of columns in the form of Isaac-GR00T's processor: by key, by kind, number by number.
Json StatisticsOf(const std::vector<EmbodimentColumn>& columns, const Normalizer& all) {
  Json result = Json::object();
  size_t first = 0;
  for (const EmbodimentColumn& column : columns) {
    const auto own = [&](const std::vector<double>& numbers) {
      const auto begin = numbers.begin() + static_cast<std::ptrdiff_t>(first);
      return std::vector<double>(begin, begin + column.size);
    };
    const std::string key = column.name.substr(column.name.find_last_of("/.") + 1);
    result[key] = {{"min", own(all.min)}, {"max", own(all.max)}, {"mean", own(all.mean)},
                   {"std", own(all.std)}, {"q01", own(all.q01)}, {"q99", own(all.q99)}};
    first += static_cast<size_t>(column.size);
  }
  return result;
}

// What a checkpoint holds beside the model: the state of its training.
bool IsOfTraining(const fs::path& name) {
  const std::string extension = name.extension();
  return extension == ".pt" || extension == ".pth" || extension == ".bin" ||
         name == "trainer_state.json" || name == "latest" ||
         name.string().starts_with("global_step");
}

}  // namespace

ReleasedHead::ReleasedHead(const GrootHeadConfig& config)
    : tensors_(config.release), slot_(SlotOfRelease(config)) {}

void ReleasedHead::RequireNames(const std::vector<std::string>& names) const {
  std::vector<std::string> unknown, foreign;
  const std::set<std::string> known(names.begin(), names.end());
  for (const auto& [name, place] : tensors_.tensors()) {
    if (name.starts_with(kHead)) {
      if (!known.contains(name.substr(std::strlen(kHead)))) unknown.push_back(name);
    } else if (!name.starts_with(kBackbone)) {
      foreign.push_back(name);
    }
  }
  const std::string folder = tensors_.folder().string();
  if (!unknown.empty()) {
    ThrowBadInput(
        fmt::format("{}: the head that its config.json describes has no {}", folder, Few(unknown)));
  }
  if (!foreign.empty()) {
    ThrowBadInput(fmt::format("{}: {} are neither of the action head nor of the backbone", folder,
                              Few(foreign)));
  }
}

ReleasedHead::Part ReleasedHead::Find(const std::string& name,
                                      const std::vector<int64_t>& shape) const {
  const TensorFolder::Place* place = tensors_.Find(kHead + name);
  const std::string folder = tensors_.folder().string();
  if (place == nullptr) {
    ThrowBadInput(fmt::format("{}: tensor '{}{}' is missing", folder, kHead, name));
  }
  const std::vector<int64_t>& found = place->tensor.shape;
  const uint64_t unit = DtypeSize(place->tensor.dtype);
  const uint64_t bytes =
      std::accumulate(shape.begin(), shape.end(), unit, std::multiplies<uint64_t>());
  const bool table = name.ends_with(".W") || name.ends_with(".b");
  const bool floats =
      place->tensor.dtype == "F32" || place->tensor.dtype == "F16" || place->tensor.dtype == "BF16";
  const bool fits = table ? found.size() == shape.size() &&
                                std::equal(found.begin() + 1, found.end(), shape.begin() + 1)
                          : found == shape;
  if (!floats || !fits) {
    ThrowBadInput(
        fmt::format("{}: tensor '{}{}' is {} {}, the head needs {}{}", folder, kHead, name,
                    place->tensor.dtype, found, table ? "for each embodiment " : "",
                    table ? std::vector<int64_t>(shape.begin() + 1, shape.end()) : shape));
  }
  if (!table) return {place, 0, bytes};
  if (slot_ >= found[0]) {
    ThrowBadInput(fmt::format("{}: embodiment_slot {}: '{}{}' has rows 0 to {}", folder, slot_,
                              kHead, name, found[0] - 1));
  }
  return {place, bytes * static_cast<uint64_t>(slot_), bytes};
}

std::vector<float> ReleasedHead::Read(const std::string& name,
                                      const std::vector<int64_t>& shape) const {
  const Part part = Find(name, shape);
  return WidenedFloats(ReadPart(*part.place, shape, part.first, part.bytes));
}

void WriteReleasedHead(const PolicyArtefact& policy, const fs::path& folder, bool plan) {
  const GrootHeadConfig config = ReadGrootHeadConfig(policy.config.network);
  if (config.release.empty()) {
    ThrowBadInput(
        fmt::format("{}: was not started from a checkpoint of GR00T (--policy.release), "
                    "so that there is none to put it back into",
                    policy.folder.string()));
  }
  if (!fs::is_directory(config.release)) {
    ThrowBadInput(
        fmt::format("{}: the checkpoint that the policy was started from is not there: "
                    "put it back, or a link to it",
                    config.release));
  }
  const ReleasedHead released(config);
  std::vector<std::string> names;
  for (const auto& [name, blob] : policy.weights) {
    names.push_back(name);
    released.Find(name, blob.shape);
  }
  released.RequireNames(names);
  if (fs::exists(folder) && !fs::is_empty(folder)) {
    ThrowBadInput(
        fmt::format("{}: holds something: name a folder that is new or empty", folder.string()));
  }
  if (plan) return;

  try {
    fs::create_directories(folder);
    for (const fs::directory_entry& entry : fs::directory_iterator(config.release)) {
      if (IsOfTraining(entry.path().filename())) continue;
      fs::copy(entry.path(), folder / entry.path().filename(), fs::copy_options::recursive);
    }
  } catch (const fs::filesystem_error& error) {
    ThrowFailed(fmt::format("{}: {}", folder.string(), error.what()));
  }
  std::map<fs::path, std::vector<std::string>> by_file;
  for (const auto& [name, blob] : policy.weights) {
    by_file[released.Find(name, blob.shape).place->file].push_back(name);
  }
  for (const auto& [file, of_file] : by_file) {
    Patched patched(folder / file.filename());
    for (const std::string& name : of_file) {
      const TensorBlob& blob = policy.weights.at(name);
      const ReleasedHead::Part part = released.Find(name, blob.shape);
      patched.Put(part.place->tensor.begin + part.first,
                  Narrowed(FloatsOf(blob), part.place->tensor.dtype));
    }
    patched.Sync();
  }
  const Embodiment& embodiment = policy.config.embodiment;
  const fs::path statistics = folder / "statistics.json";
  if (!fs::exists(statistics) || !embodiment.of_columns()) return;
  Json all = LoadJson(statistics);
  all["new_embodiment"] = {
      {"state", StatisticsOf(embodiment.state_columns, policy.config.state)},
      {"action", StatisticsOf(embodiment.action_columns, policy.config.action)}};
  WriteTextAtomically(statistics, all.dump(2));
}

}  // namespace understudy
