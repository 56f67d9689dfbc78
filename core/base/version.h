#pragma once

#include <string>

namespace understudy {

// Of the program: "0.1.0".
std::string ProgramVersion();

}  // namespace understudy
