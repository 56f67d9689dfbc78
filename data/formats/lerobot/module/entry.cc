#include "core/base/module_entry.h"
#include "data/formats/lerobot/module.h"
#include "data/formats/parquet/parquet_writer.h"

namespace understudy {
namespace {
constexpr LerobotModule kFunctions{LostInLerobot, WriteLerobot,  LostFromLerobot,
                                   ReadLerobot,   VerifyLerobot, ArrowVersion};
}  // namespace
}  // namespace understudy

extern "C" understudy::ModuleEntry understudy_module_v1() {
  return understudy::EntryOf(understudy::kFunctions);
}
