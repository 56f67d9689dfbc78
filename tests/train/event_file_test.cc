#include "train/run/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "core/base/error.h"
#include "training_fixture.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

std::string OnlyFile(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  EXPECT_EQ(files.size(), 1u);
  std::ifstream file(files.at(0), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// RFC 3720, appendix B.4.
TEST(EventFile, ChecksumIsCastagnolis) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
}

TEST(EventFile, HoldsRecordsOneAfterAnother) {
  const fs::path folder = FreshFolder("events") / "tensorboard";
  EventFile file(folder, 300);
  EXPECT_FALSE(fs::exists(folder));
  file.Append(350, {{"loss", 0.25}, {"loss/gripper", 2}});
  file.Append(400, {{"loss", 0.125}}, {{"rollout", 320, 200, "GIF89a of a film"}});

  const std::string bytes = OnlyFile(folder);
  std::vector<std::string> records;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t length = 0;
    ASSERT_LE(at + 12, bytes.size());
    std::memcpy(&length, &bytes[at], 8);
    ASSERT_LE(at + 16 + length, bytes.size());
    records.push_back(bytes.substr(at + 12, length));
    at += 16 + length;
  }
  ASSERT_EQ(records.size(), 4u);
  EXPECT_THAT(records[0], testing::HasSubstr("brain.Event:2"));
  EXPECT_THAT(records[2], testing::HasSubstr("loss/gripper"));
  const float loss = 0.125f;
  EXPECT_THAT(records[3], testing::HasSubstr(std::string(reinterpret_cast<const char*>(&loss), 4)));
  // summary.proto: Value {tag = 1, image = 4 {height = 1, width = 2, colorspace = 3, bytes = 4}}
  EXPECT_THAT(records[3],
              testing::HasSubstr("\x0a\x07rollout\x22\x1a\x08\xc8\x01\x10\xc0\x02\x18\x03"
                                 "\x22\x10GIF89a of a film"));
}

TEST(EventFile, AFolderThatCannotBeMadeIsNamed) {
  const fs::path folder = FreshFolder("events");
  std::ofstream(folder / "taken") << "a file";
  EventFile file(folder / "taken", 0);
  try {
    file.Append(1, {{"loss", 1}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("taken"));
  }
}

}  // namespace
}  // namespace understudy
