// Files for the checks in Python: tests/CMakeLists.txt says which.

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/data/foreign_support.h"

namespace understudy {
namespace {

using namespace store_test;

TEST(PythonFiles, AreWritten) {
  const char* named = std::getenv("UNDERSTUDY_PYTHON_FILES");
  if (named == nullptr) GTEST_SKIP() << "UNDERSTUDY_PYTHON_FILES names no folder";
  const std::filesystem::path folder(named);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::filesystem::path own = WriteConvertible(folder / "own.h5");
  ForeignWriteOptions options;
  options.robosuite.next_obs = true;
  options.isaaclab.double_precision = true;
  const Names names;
  Export(&foreign::kRobomimicWriter, own, folder / "robomimic.hdf5", options,
         names.For(kRobosuiteFamily));
  Export(&foreign::kMimicgenWriter, own, folder / "mimicgen.hdf5", options,
         names.For(kRobosuiteFamily));
  Export(&foreign::kIsaacLabWriter, own, folder / "isaaclab.hdf5", options, Translation());
}

}  // namespace
}  // namespace understudy
