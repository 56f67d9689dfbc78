#pragma once

#include <array>

namespace understudy::mjcf {

// Elements and attributes that one version of MuJoCo reads.
struct Schema {
  const char* version = "";
  const char* text = "";  // see mjcf_schema.cc
};

// Oldest first: that of robosuite 1.4.1, that of robosuite 1.5.1, that of this program.
const std::array<Schema, 3>& Schemas();

}  // namespace understudy::mjcf
