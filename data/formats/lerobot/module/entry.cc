#include "core/base/version.h"
#include "data/formats/lerobot/module.h"
#include "data/formats/parquet/parquet_writer.h"

namespace understudy {
namespace {
constexpr LerobotModule kFunctions{LostInLerobot, WriteLerobot,  LostFromLerobot,
                                   ReadLerobot,   VerifyLerobot, ArrowVersion};
}  // namespace
}  // namespace understudy

extern "C" understudy::ModuleEntry understudy_module_v1() {
  static const std::string version = understudy::ProgramVersion();
  return {understudy::kModuleInterface, version.c_str(), &understudy::kFunctions};
}
