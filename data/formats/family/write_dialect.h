#pragma once

#include <string>
#include <vector>

#include "data/formats/family/foreign_columns.h"

namespace understudy::foreign {

// What is known of a dataset before it is written, for what a format loses of it.
struct WrittenFacts {
  const DatasetHeader* header = nullptr;
  const ForeignWriteOptions* options = nullptr;
  bool own = false;         // a dataset of this program
  bool generated = false;   // some episode has source demonstrations
  bool instructed = false;  // some episode has an instruction
  bool final_known = true;  // episodes have the state after their last action
  bool velocities = false;  // those of objects are known
};

// How one format of the family is written, beside what all of them share.
struct WriteDialect {
  // Changes what all episodes share into what the format's programs read; null: nothing.
  void (*prepare)(Target* target) = nullptr;
  // env_args of the whole file; `variant` of all its episodes, or empty.
  Json (*arguments)(const Target& target, const std::string& variant) = nullptr;
  // Attributes of the root; null: none.
  void (*root)(const Target& target, const h5::Group& root) = nullptr;
  // Columns of one episode, and attributes beyond those of all formats (null: none).
  std::vector<Column> (*columns)(const Target& target, const Episode& episode) = nullptr;
  void (*attributes)(const Target& target, const Episode& episode, const h5::Group& demo) = nullptr;
  // Where a camera's pictures are; and whether they are written a second time, one row later, below
  // next_ (null: never).
  std::string (*pictures)(const std::string& camera) = nullptr;
  bool (*next_pictures)(const ForeignWriteOptions& options) = nullptr;
  // Rows hold the states after their actions: the last row needs one.
  bool states_after_actions = false;
  // Steps name their source demonstrations by number (Target::sources).
  bool numbers_sources = false;
  // What the format loses, and what it changes, beside what all formats lose; each in words.
  std::vector<std::string> (*lost)(const WrittenFacts& facts) = nullptr;
};

}  // namespace understudy::foreign
