// LeRobot folders where they lie, and from one version to the other.

#include "data/formats/lerobot/lerobot_source.h"

#include "data/formats/formats.h"
#include "data/formats/lerobot/feature_names.h"
#include "data/formats/lerobot/lerobot_copy.h"
#include "data/formats/lerobot/lerobot_verify.h"
#include "data/store/hdf5/file.h"
#include "tests/convert/lerobot_damage.h"

namespace understudy::store_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class LerobotSourceTest : public LerobotDamage {
 protected:
  static size_t Number(const EpisodeSource& source, const std::string& column) {
    const std::vector<ColumnSpec> columns = source.ListColumns();
    for (size_t c = 0; c < columns.size(); ++c) {
      if (columns[c].name == column) return c;
    }
    throw std::runtime_error("no column " + column);
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, LerobotSourceTest,
                         testing::Values(LerobotVersion::kV21, LerobotVersion::kV30),
                         [](const auto& info) {
                           return info.param == LerobotVersion::kV21 ? "V21" : "V30";
                         });

TEST_P(LerobotSourceTest, SaysWhatTheFolderHolds) {
  const auto source = OpenLerobotSource(folder_ / "out");
  EXPECT_EQ(source->header().cameras, (std::vector<std::string>{"agentview", "wrist"}));
  EXPECT_EQ(source->header().size_of(1), (PictureSize{kWidth, kHeight}));
  EXPECT_EQ(source->header().simulator.control_hz, 20);
  ASSERT_EQ(source->episodes().size(), 3u);
  EXPECT_EQ(source->episodes()[1].name, "demo_1");
  EXPECT_EQ(source->ReadMeta(1).instruction, "another task");

  const std::vector<ColumnSpec> columns = source->ListColumns();
  const ColumnSpec& action = columns[Number(*source, "action")];
  EXPECT_EQ(action.role, ColumnRole::kAction);
  EXPECT_EQ(action.dtype, "float32");
  EXPECT_EQ(action.parts.at(6), "robot0_gripper");
  EXPECT_EQ(columns[Number(*source, "observation.state")].role, ColumnRole::kState);
  const auto values = source->ReadColumns(1, std::vector{action});
  const Episode episode = source->ReadEpisode(1);
  for (size_t k = 0; k < episode.length(); ++k) {
    const Step& wanted = episodes_[1].steps[k];
    EXPECT_EQ(values[0][7 * k + 2], static_cast<float>(wanted.delta[0].value[2]));
    EXPECT_TRUE(episode.steps[k].observation.arms.at(0).X_WE.translation().isApprox(
        wanted.observation.arms[0].X_WE.translation(), 1e-5));
  }
}

// In any order, by several readers at once: the same pictures as in order.
TEST_P(LerobotSourceTest, FramesInAnyOrder) {
  const auto source = OpenLerobotSource(folder_ / "out");
  std::vector<Image> in_order;
  for (size_t k = 0; k < source->episodes()[2].length; ++k) {
    in_order.push_back(source->ReadImage(2, "wrist", k));
  }
  for (const size_t k : {9, 0, 7, 3, 3, 8, 1}) {
    EXPECT_EQ(source->ReadImage(2, "wrist", k), in_order[k]) << k;
  }
}

TEST_P(LerobotSourceTest, BecomesTheOtherVersion) {
  const auto source = OpenLerobotSource(folder_ / "out");
  EditJson(info(), [](Json& json) { json["made_by"] = "somebody"; });
  const auto edited = OpenLerobotSource(folder_ / "out");
  LerobotOptions options;
  options.version = v21() ? LerobotVersion::kV30 : LerobotVersion::kV21;
  EXPECT_EQ(CopyLerobot(*edited, folder_ / "other", options, {}, quiet_).episodes, 3);
  if (v21()) {
    EXPECT_THAT(LostInCopy(*edited, options), testing::Each(HasSubstr("extras/")));
    EXPECT_EQ(Bytes(folder_ / "other/videos/observation.images.wrist/chunk-000/file-001.mp4"),
              Bytes(film()))
        << "films are copied as they are";
  } else {
    EXPECT_THAT(LostInCopy(*edited, options), Contains(HasSubstr("encoding them anew")));
  }
  EXPECT_EQ(LoadJson(folder_ / "other/meta/info.json")["made_by"], "somebody");
  const VerifyReport verified = VerifyLerobot(folder_ / "other", {}, quiet_);
  for (const Fault& fault : verified.faults) ADD_FAILURE() << fault.place << ": " << fault.what;

  const auto other = OpenLerobotSource(folder_ / "other");
  const std::vector<ColumnSpec> columns = source->ListColumns();
  EXPECT_EQ(other->ListColumns(), columns);
  for (size_t e = 0; e < 3; ++e) {
    EXPECT_EQ(other->ReadColumns(e, columns), source->ReadColumns(e, columns));
    EXPECT_EQ(other->ReadMeta(e).instruction, source->ReadMeta(e).instruction);
  }
}

// HDF5 takes a '/' for a group; the way back gives it again.
TEST_P(LerobotSourceTest, NamesWithSlashes) {
  const fs::path films = folder_ / (v21() ? "out/videos/chunk-000" : "out/videos");
  fs::create_directory(films / "observation.images");
  const auto rename = [&](Json& features) {
    for (const std::string& camera : header_.cameras) {
      features["observation.images/" + camera] = features["observation.images." + camera];
      features.erase("observation.images." + camera);
    }
    features["arm/target"] = features["action.target"];
    features.erase("action.target");
  };
  for (const std::string& camera : header_.cameras) {
    fs::rename(films / ("observation.images." + camera), films / "observation.images" / camera);
  }
  EditJson(info(), [&](Json& json) {
    rename(json["features"]);
    json["features"]["observation.state"]["names"][3] = "arm/x";
  });
  EditJson(folder_ / "out/meta/stats.json", rename);
  ListEpisodes({6, 8, 10}, {.films = "observation.images/", .edit = [](auto& columns) {
                              for (ParquetColumn& column : columns) {
                                if (column.name == "action.target") column.name = "arm/target";
                              }
                            }});
  fs::remove_all(folder_ / "out/extras");
  fs::remove(folder_ / "out/meta/modality.json");
  const auto source = OpenLerobotSource(folder_ / "out");
  const ColumnSpec target = source->ListColumns()[Number(*source, "arm/target")];
  EXPECT_EQ(source->ListColumns()[Number(*source, "observation.state")].parts.at(3), "arm/x");
  const auto values = source->ReadColumns(1, std::vector{target});
  const Image picture = source->ReadImage(1, "images%2Fwrist", 4);
  EXPECT_LT(Distance(picture, Picture(1, 1, 4)), 4);

  Import();
  {
    const h5::Group demo = h5::OpenForReading(folder_ / "back.h5").Open("data").Open("demo_1");
    EXPECT_THAT(demo.Open("lerobot").Names(), Contains("arm%2Ftarget"));
    EXPECT_THAT(demo.Open("obs").Names(),
                AllOf(Contains("images%2Fwrist_image"), Not(Contains("images"))));
  }
  LerobotOptions options;
  options.version = v21() ? LerobotVersion::kV30 : LerobotVersion::kV21;
  WriteLerobot(*OpenDataset(folder_ / "back.h5"), folder_ / "again", options, quiet_);
  CopyLerobot(*source, folder_ / "other", options, {}, quiet_);
  for (const char* name : {"again", "other"}) {
    const VerifyReport verified = VerifyLerobot(folder_ / name, {}, quiet_);
    for (const Fault& fault : verified.faults) ADD_FAILURE() << fault.place << ": " << fault.what;
    const auto result = OpenLerobotSource(folder_ / name);
    const Json features = LoadJson(folder_ / name / "meta/info.json")["features"];
    EXPECT_TRUE(features.contains("observation.images/wrist")) << name << features;
    const ColumnSpec column = result->ListColumns()[Number(*result, "arm/target")];
    EXPECT_EQ(column.dtype, target.dtype);
    EXPECT_EQ(result->ReadColumns(1, std::vector{column}), values);
    EXPECT_LT(Distance(result->ReadImage(1, "images%2Fwrist", 4), picture), 4);
  }
}

TEST(FeatureNames, MembersOfGroups) {
  for (const char* name : {"a", "a/b", "a%2Fb", "a%b", "a%25b", "100%", "a/%25/b"}) {
    EXPECT_EQ(NameOfMember(AsMember(name)), name);
    EXPECT_EQ(AsMember(name).find('/'), std::string::npos);
  }
  EXPECT_EQ(AsMember("a%b"), "a%b");
}

TEST_P(LerobotSourceTest, FaultsOfModality) {
  WriteTextAtomically(folder_ / "out/meta/modality.json",
                      R"({"state": {"arm": {"start": 0, "end": 99}},
                          "video": {"webcam": {"original_key": "observation.images.webcam"}}})");
  const VerifyReport report = VerifyLerobot(folder_ / "out", {}, quiet_);
  ASSERT_EQ(report.faults.size(), 2u);
  EXPECT_THAT(report.faults[0].what, HasSubstr("numbers 0 to 99"));
  EXPECT_THAT(report.faults[1].what, HasSubstr("observation.images.webcam"));
}

// NaN in stats.json, as Python writes it, is read and told.
TEST_P(LerobotSourceTest, StatisticsWithNaN) {
  const fs::path file = folder_ / "out/meta/stats.json";
  Json json = LoadJson(file);
  json["action"]["max"][0] = 12345;
  std::string text = json.dump();
  text.replace(text.find("12345"), 5, "NaN");
  WriteTextAtomically(file, text);
  const VerifyReport report = VerifyLerobot(folder_ / "out", {}, quiet_);
  ASSERT_EQ(report.faults.size(), 1u);
  EXPECT_THAT(report.faults[0].what, HasSubstr("max is not finite"));
}

}  // namespace
}  // namespace understudy::store_test
