#include "core/base/version.h"

namespace understudy {

std::string ProgramVersion() { return UNDERSTUDY_VERSION; }

}  // namespace understudy
