#include "core/base/module_entry.h"
#include "data/formats/lerobot/lerobot_copy.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "data/formats/lerobot/module.h"
#include "data/formats/parquet/parquet_writer.h"

namespace understudy {
namespace {
bool IsLerobot(const EpisodeSource& source) { return FolderOf(source) != nullptr; }
constexpr LerobotModule kFunctions{
    LostInLerobot, WriteLerobot, LostFromLerobot,   ReadLerobot,
    VerifyLerobot, ArrowVersion, OpenLerobotSource, OpenLerobotSourceToMend,
    IsLerobot,     LostInCopy,   CopyLerobot,       EditLerobot};
}  // namespace
}  // namespace understudy

extern "C" understudy::ModuleEntry understudy_module_v1() {
  return understudy::EntryOf(understudy::kFunctions);
}
