#include "train/samples/columns.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr std::string_view kImages = "images.";

// Whether a policy that acts sees the column.
bool IsSeen(const ColumnInfo& info) { return !info.training_only && info.name != kActionColumn; }

}  // namespace

std::string ImageColumn(const std::string& camera) { return std::string(kImages) + camera; }

bool IsImageColumn(std::string_view column) { return column.starts_with(kImages); }

size_t CameraOf(std::string_view column, std::span<const std::string> cameras) {
  size_t camera = 0;
  while (camera < cameras.size() && ImageColumn(cameras[camera]) != column) ++camera;
  Require(camera < cameras.size(), fmt::format("column '{}' is offered", column));
  return camera;
}

int ColumnInfo::size() const {
  return std::accumulate(shape.begin(), shape.end(), 1, std::multiplies<>());
}

int ColumnInfo::SizeOf(size_t embodiment) const {
  return embodiment < by_embodiment.size() ? by_embodiment[embodiment] : size();
}

void OfferFeatures(int tokens, int width, std::vector<ColumnInfo>* offered) {
  if (width == 0) return;
  offered->push_back({kFeaturesColumn, {tokens, width}});
  offered->push_back({kFeatureKindsColumn, {tokens}});
}

const ColumnLayout* SampleLayout::Find(std::string_view name) const {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const ColumnLayout& column) {
    return column.info.name == name;
  });
  return found == columns.end() ? nullptr : &*found;
}

const ColumnLayout& SampleLayout::operator[](std::string_view name) const {
  const ColumnLayout* found = Find(name);
  Require(found != nullptr, fmt::format("column '{}' was asked for", name));
  return *found;
}

std::vector<int> ChunkOffsets(int horizon) {
  std::vector<int> offsets(static_cast<size_t>(horizon));
  std::iota(offsets.begin(), offsets.end(), 0);
  return offsets;
}

int SampleLayout::history() const {
  if (memory > 1) return memory;
  int earliest = 0;
  for (const ColumnLayout& column : columns) {
    if (!IsSeen(column.info)) continue;
    earliest = std::min(earliest, *std::min_element(column.offsets.begin(), column.offsets.end()));
  }
  return 1 - earliest;
}

SampleLayout LayoutOf(std::span<const ColumnRequest> requests, std::span<const ColumnInfo> offered,
                      int memory) {
  std::vector<std::string> names, problems;
  for (const ColumnInfo& info : offered) names.push_back(info.name);
  SampleLayout layout;
  layout.memory = memory;
  for (const ColumnRequest& request : requests) {
    const auto complain = [&](const std::string& what) {
      problems.push_back(fmt::format("column '{}': {}", request.name, what));
    };
    const auto found = std::find(names.begin(), names.end(), request.name);
    if (found == names.end()) {
      problems.push_back(UnknownName("column", request.name, names));
      continue;
    }
    const ColumnInfo& info = offered[static_cast<size_t>(found - names.begin())];
    if (layout.Find(request.name) != nullptr) complain("is asked for twice");
    if (request.offsets.empty()) complain("is asked for at no time step");
    const std::vector<int>& offsets = request.offsets;
    const auto refuse = [&](const std::string& allowed) {
      complain(fmt::format("is asked for at steps {}: a policy that acts gets it {}",
                           fmt::join(offsets, ", "), allowed));
    };
    if (info.name == kInstructionColumn) {
      if (offsets != std::vector{0}) refuse("at step 0 only");
    } else if (IsSeen(info) && memory > 1) {
      if (offsets != ChunkOffsets(memory)) {
        refuse(fmt::format("at steps 0 to {}, its memory", memory - 1));
      }
    } else if (IsSeen(info) && std::ranges::any_of(offsets, [](int step) { return step > 0; })) {
      refuse("at step 0 and earlier");
    }
    layout.columns.push_back({info, request.offsets});
  }
  if (!problems.empty()) {
    ThrowBadInput(fmt::format("the policy's columns: {}", fmt::join(problems, "; ")));
  }
  return layout;
}

}  // namespace understudy
