#pragma once

// cpp-httplib, behind Eigen: what it includes (<resolv.h>) makes a macro of `_res`, a name in
// Eigen's templates, which Clang then rejects.
// clang-format off
#include <Eigen/Core>
#include <httplib.h>
// clang-format on
