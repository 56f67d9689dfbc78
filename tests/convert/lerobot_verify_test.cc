// data verify on LeRobot datasets: nothing on sound ones, every fault at its place on damaged ones.

#include "data/formats/lerobot/lerobot_verify.h"

#include <fmt/format.h>

#include "data/video/video_writer.h"
#include "tests/convert/lerobot_damage.h"

namespace understudy::store_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

auto Is(const std::string& place, const std::string& what) {
  return AllOf(Field("place", &Fault::place, HasSubstr(place)),
               Field("what", &Fault::what, HasSubstr(what)));
}

class LerobotVerifyTest : public LerobotDamage {
 protected:
  std::vector<Fault> Faults(const LerobotImportOptions& options = {}) {
    return VerifyLerobot(folder_ / "out", options, quiet_).faults;
  }
  std::string rows_place() const { return rows().lexically_relative(folder_ / "out").string(); }
  fs::path dataset_statistics() const { return folder_ / "out/meta/stats.json"; }
  fs::path episode_statistics() const { return folder_ / "out/meta/episodes_stats.jsonl"; }
  // Edits the statistics of episode 1 of v2.1.
  void EditEpisodeStatistics(const std::function<void(Json&)>& edit) {
    std::istringstream lines(Bytes(episode_statistics()));
    std::string text, line;
    while (std::getline(lines, line)) {
      Json json = Json::parse(line);
      if (json["episode_index"] == 1) edit(json["stats"]);
      text += json.dump() + "\n";
    }
    PutBytes(episode_statistics(), text);
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, LerobotVerifyTest,
                         testing::Values(LerobotVersion::kV21, LerobotVersion::kV30),
                         [](const auto& info) {
                           return info.param == LerobotVersion::kV21 ? "V21" : "V30";
                         });

TEST_P(LerobotVerifyTest, SoundOnesHaveNone) {
  const VerifyReport report = VerifyLerobot(folder_ / "out", {}, quiet_);
  for (const Fault& fault : report.faults) ADD_FAILURE() << fault.place << ": " << fault.what;
  EXPECT_EQ(report.episodes, 3);
  EXPECT_EQ(report.steps, 24);
  EXPECT_GT(report.bytes_read, 1000);
}

// The rest of the dataset is looked at all the same.
TEST_P(LerobotVerifyTest, FaultsOfSeveralEpisodes) {
  EditAllRows([](std::vector<ParquetColumn>& columns, size_t length) {
    if (length == 6) return;  // episode 0
    Values<float>(columns, "action")[2 * 8] = std::numeric_limits<float>::quiet_NaN();
  });
  const std::vector<Fault> faults = Faults();
  EXPECT_THAT(faults, Contains(Is(rows_place(), "episode 1, row")));
  EXPECT_EQ(v21(), !testing::Value(faults, Contains(Is(rows_place(), "episode 2, row"))));
  EXPECT_THAT(faults, Each(Is(rows_place(), "action holds nan")));
}

TEST_P(LerobotVerifyTest, TimesAndIndices) {
  EditRows([](auto& columns) { Values<float>(columns, "timestamp")[4] += 0.01f; });
  EXPECT_THAT(Faults(), ElementsAre(Is(rows_place(), "episode 1, row 4: timestamp")));
  EditRows([](auto& columns) { Values<int64_t>(columns, "index")[5] = 7; });
  EXPECT_THAT(Faults(), ElementsAre(Is(rows_place(), "episode 1, row 5: index = 7")));
}

// A number that is as good as any other: the statistics do not fit it, nor the extras.
TEST_P(LerobotVerifyTest, NumbersThatWereEdited) {
  EditRows([](auto& columns) {
    float& number = Values<float>(columns, "action")[10];
    number = number > 0 ? -0.9f : 0.9f;
  });
  EXPECT_THAT(Faults(), AllOf(Contains(Is("meta/episodes", "number")),
                              Contains(Is("meta/stats.json: action", "number")),
                              Contains(Is(rows_place(), "extras/understudy.h5"))));
  const auto statistics_alone = AllOf(Not(IsEmpty()), Each(Is("meta/", "number")));
  EXPECT_THAT(Faults({.extras = false}), statistics_alone);
  fs::remove_all(folder_ / "out/extras");
  EXPECT_THAT(Faults(), statistics_alone);
}

TEST_P(LerobotVerifyTest, StatisticsOfTheDataset) {
  const std::string whole = Bytes(dataset_statistics());
  const auto with = [&](const std::function<void(Json&)>& edit) {
    PutBytes(dataset_statistics(), whole);
    EditJson(dataset_statistics(), edit);
    return Faults();
  };
  const std::string place = "meta/stats.json: action";
  const std::string picture = "meta/stats.json: observation.images.wrist";
  for (const char* name : {"min", "max", "mean", "std"}) {
    EXPECT_THAT(with([&](Json& json) {
                  json["action"][name][0] = json["action"][name][0].get<double>() + 0.05;
                }),
                ElementsAre(Is(place, fmt::format("number 0: {}", name))));
    EXPECT_THAT(with([&](Json& json) { json["action"].erase(name); }),
                ElementsAre(Is(place, fmt::format("has no {}", name))));
  }
  EXPECT_THAT(with([](Json& json) { json.erase("observation.state"); }),
              ElementsAre(Is("observation.state", "has no statistics")));
  EXPECT_THAT(with([](Json& json) { json["action"]["std"].erase(0); }),
              ElementsAre(Is(place, "std of")));
  EXPECT_THAT(with([](Json& json) { std::swap(json["action"]["q10"], json["action"]["q90"]); }),
              ElementsAre(Is(place, "is above q")));
  EXPECT_THAT(with([](Json& json) { json["action"]["count"] = {23}; }),
              ElementsAre(Is(place, "count = 23")));
  EXPECT_THAT(with([](Json& json) { json["action"]["mean"][1] = "high"; }),
              ElementsAre(Is("meta/stats.json", "is no number")));
  EXPECT_THAT(with([](Json& json) { json["action"] = 3; }),
              ElementsAre(Is("meta/stats.json", "must be a mapping")));
  // of pictures: another one's, or in [0, 255]
  EXPECT_THAT(with([](Json& json) {
                for (Json& v : json["observation.images.wrist"]["mean"]) v[0][0] = 0.9;
              }),
              Contains(Is(picture, "mean")));
  EXPECT_THAT(with([](Json& json) {
                for (Json& v : json["observation.images.wrist"]["max"]) v[0][0] = 255;
              }),
              ElementsAre(Is(picture, "[0, 1]")));
  EXPECT_THAT(with([](Json& json) { json["observation.images.wrist"]["count"] = {25}; }),
              ElementsAre(Is(picture, "count = 25")));
  PutBytes(dataset_statistics(), "{");
  EXPECT_THAT(Faults(), ElementsAre(Is("meta/stats.json", "")));
  // v2.1 does without
  fs::remove(dataset_statistics());
  if (v21()) {
    EXPECT_THAT(Faults(), IsEmpty());
  } else {
    EXPECT_THAT(Faults(), ElementsAre(Is("meta/stats.json", "is missing")));
  }
}

// What lerobot 0.3.3 and 0.4.4 write of numbers that stand still: quantiles beyond the ends, a
// deviation from sums in single precision; and counters that its tools leave as they were.
TEST_P(LerobotVerifyTest, StatisticsAsLerobotSumsThem) {
  for (Episode& episode : episodes_) {
    for (Step& step : episode.steps) step.delta[0].value.tail<2>() << 0.7, 0;
  }
  LerobotOptions options{.overwrite = true};
  options.version = GetParam();
  Convert(options);
  const std::string whole = Bytes(dataset_statistics());
  const auto with = [&](const std::function<void(Json&)>& edit) {
    PutBytes(dataset_statistics(), whole);
    EditJson(dataset_statistics(), edit);
    return Faults();
  };
  EXPECT_THAT(with([](Json& json) {
                json["action"]["q99"][6] = 4e-14;
                json["action"]["std"][5] = 3e-4;
                json["action"]["mean"][5] = json["action"]["mean"][5].get<double>() + 5e-6;
                json["index"]["mean"] = {3};
                json["episode_index"]["max"] = {17};
                json.erase("task_index");
              }),
              IsEmpty());
  EXPECT_THAT(with([](Json& json) { json["action"]["std"][5] = 0.01; }),
              ElementsAre(Is("meta/stats.json: action", "number 5: std = 0.01")));
  EXPECT_THAT(with([](Json& json) { json["action"]["q99"][6] = 1e-6; }),
              ElementsAre(Is("meta/stats.json: action", "number 6: q99")));
}

// v3.0's stand in Parquet: NumbersThatWereEdited.
class LerobotVerifyLinesTest : public LerobotVerifyTest {};
INSTANTIATE_TEST_SUITE_P(Versions, LerobotVerifyLinesTest, testing::Values(LerobotVersion::kV21),
                         [](const auto&) { return "V21"; });

TEST_P(LerobotVerifyLinesTest, StatisticsOfAnEpisode) {
  const std::string whole = Bytes(episode_statistics());
  EditEpisodeStatistics([](Json& stats) { stats["action"]["max"][3] = 2; });
  EXPECT_THAT(Faults(),
              ElementsAre(Is("meta/episodes_stats.jsonl: episode 1: action", "number 3: max = 2")));
  PutBytes(episode_statistics(), whole.substr(0, whole.find('\n') + 1));
  // once for a feature
  EXPECT_THAT(Faults(), AllOf(Contains(Is("episode 1: action", "has no statistics")),
                              Contains(Is("episode 1: observation.images.wrist", "no statistics")),
                              Each(Is("meta/episodes_stats.jsonl: episode 1", ""))));
  PutBytes(episode_statistics(), "[]\n" + whole);
  EXPECT_THAT(Faults(), ElementsAre(Is("meta/episodes_stats.jsonl", "episode_index")));
  // the last line need not end
  PutBytes(episode_statistics(), whole.substr(0, whole.size() - 1));
  EXPECT_THAT(Faults(), IsEmpty());
  fs::remove(episode_statistics());
  EXPECT_THAT(Faults(), ElementsAre(Is("meta/episodes_stats.jsonl", "is missing")));
}

TEST_P(LerobotVerifyTest, Films) {
  const size_t length = v21() ? 8 : 24;
  const std::string place = film().lexically_relative(folder_ / "out").string();
  const std::string whole = Bytes(film());
  const auto shoot = [&](size_t frames, const Image& image) {
    VideoWriter writer(film(), {.fps = 20, .gop = 2});
    for (size_t k = 0; k < frames; ++k) writer.Add({image});
    writer.Finish();
  };
  PutBytes(film(), whole.substr(0, whole.size() / 2));
  // each episode whose rows lack a frame; the others in the film are read on
  EXPECT_THAT(Faults(), Each(Is(place, "")));
  EXPECT_THAT(Faults(), Not(IsEmpty()));
  shoot(length - 1, Picture(1, 1, 0));
  EXPECT_THAT(Faults(), Contains(Is(place, "frames")));
  // another film: only the statistics know
  Image white(kWidth, kHeight);
  std::fill(white.rgb.begin(), white.rgb.end(), uint8_t{255});
  shoot(length, white);
  EXPECT_THAT(Faults(), AllOf(Contains(Is("episode 1: observation.images.wrist", "mean")),
                              Each(Is("observation.images.wrist", "mean"))));
  if (!v21()) return;
  shoot(length, Image(64, 48));
  EXPECT_THAT(Faults(), Contains(Is(place, "64 x 48")));
}

// Nothing is known any more of what stands where.
TEST_P(LerobotVerifyTest, ListsThatContradictThemselvesEndTheCheck) {
  EditJson(info(), [](Json& json) { json["total_frames"] = 25; });
  EXPECT_THAT(Faults(), ElementsAre(Is("meta/info.json", "total_frames = 25")));
  EXPECT_THAT(VerifyLerobot(folder_ / "out/", {}, quiet_).faults,
              ElementsAre(Is("meta/info.json", "total_frames = 25")));
  fs::remove(info());
  EXPECT_THAT(Faults(), ElementsAre(Is("/", "is no LeRobot dataset")));
}

TEST_P(LerobotVerifyTest, DamagedExtras) {
  const fs::path extras = folder_ / "out/extras/understudy.h5";
  const std::string whole = Bytes(extras);
  PutBytes(extras, whole.substr(0, whole.size() / 2));
  EXPECT_THAT(Faults(), ElementsAre(Is("extras/understudy.h5", "faults")));
  EXPECT_THAT(Faults({.extras = false}), IsEmpty());
}

// Other people's: pyarrow and ffmpeg wrote them, without statistics.
TEST(LerobotVerify, GoldenFolders) {
  Progress quiet;
  for (const char* name : {"lerobot_v21", "lerobot_v30"}) {
    const fs::path folder = fs::path(UNDERSTUDY_SOURCE_DIR) / "tests/golden" / name;
    const VerifyReport report = VerifyLerobot(folder, {}, quiet);
    EXPECT_EQ(report.episodes, 2) << name;
    EXPECT_EQ(report.steps, 10) << name;
    EXPECT_THAT(report.faults, Not(IsEmpty())) << name;
    for (const Fault& fault : report.faults) {
      EXPECT_THAT(fault.place, StartsWith("meta/"));
      EXPECT_THAT(fault.what,
                  testing::AnyOf(HasSubstr("has no statistics"), HasSubstr("is missing")));
    }
  }
}

}  // namespace
}  // namespace understudy::store_test
