// LeRobot datasets for the checks in Python: tests/CMakeLists.txt says which.

#include <cstdlib>

#include "data/formats/formats.h"
#include "tests/convert/lerobot_fixture.h"

namespace understudy::store_test {
namespace {

class LerobotPythonFiles : public LerobotTest {};

TEST_F(LerobotPythonFiles, AreWritten) {
  const char* named = std::getenv("UNDERSTUDY_PYTHON_FILES");
  if (named == nullptr) GTEST_SKIP() << "UNDERSTUDY_PYTHON_FILES names no folder";
  const fs::path folder(named);
  fs::remove_all(folder);
  fs::create_directories(folder);
  fs::copy_file(Write(), folder / "own.h5");
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(folder / "own.h5");
  const EpisodeSource& reader = *reader_source;
  WriteLerobot(reader, folder / "v30", {}, quiet_);
  WriteLerobot(reader, folder / "v21", {.version = LerobotVersion::kV21}, quiet_);
}

}  // namespace
}  // namespace understudy::store_test
