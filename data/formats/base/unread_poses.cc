#include "data/formats/base/unread_poses.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/base/error.h"

namespace understudy {
namespace {

std::vector<std::string> UnreadOf(const DatasetHeader& header) {
  if (!header.settings.is_object() || !header.settings.contains(kUnreadPoses)) return {};
  return header.settings[kUnreadPoses]["of"];
}

std::string Given(const DatasetHeader& header) { return header.settings[kUnreadPoses]["give"]; }

}  // namespace

bool HasUnread(const DatasetHeader& header, const char* what) {
  const std::vector<std::string> unread = UnreadOf(header);
  return std::find(unread.begin(), unread.end(), what) != unread.end();
}

void ForgetUnread(const char* what, DatasetHeader* header) {
  std::vector<std::string> unread = UnreadOf(*header);
  if (unread.empty()) return;
  std::erase(unread, what);
  header->settings[kUnreadPoses]["of"] = unread;
  if (unread.empty()) header->settings.erase(kUnreadPoses);
}

void RequirePoses(const EpisodeSource& source, bool joints, const std::string& also) {
  const DatasetHeader& header = source.header();
  const std::vector<std::string> unread = UnreadOf(header);
  const bool hand = joints || !header.simulator.arms.empty() || HasUnread(header, kHandPoses);
  if (unread.empty() || !hand) return;
  ThrowUsage(fmt::format("{}: poses are needed ({}): give {}{}{}", source.path().string(),
                         fmt::join(unread, ", "), Given(header),
                         header.simulator.control_hz > 0
                             ? ""
                             : ", and its rows per second (--control-hz, or control_hz in a --map)",
                         also.empty() ? "" : "; " + also));
}

std::string UnreadPosesNote(const EpisodeSource& source) {
  const std::vector<std::string> unread = UnreadOf(source.header());
  if (unread.empty()) return "";
  return fmt::format("{}: read without poses ({}), which need {}", source.path().string(),
                     fmt::join(unread, ", "), Given(source.header()));
}

void SayUnreadPoses(const EpisodeSource& source, Progress& progress) {
  if (const std::string note = UnreadPosesNote(source); !note.empty()) progress.Message(note);
}

}  // namespace understudy
