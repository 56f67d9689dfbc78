// LeRobot folders whose lists and rows contradict each other, repaired: the data counts.

#include <fmt/format.h>

#include "data/formats/edit.h"
#include "data/formats/lerobot/lerobot_folder.h"
#include "data/formats/lerobot/lerobot_import.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "data/formats/lerobot/lerobot_verify.h"
#include "data/video/video_writer.h"
#include "tests/convert/lerobot_damage.h"

namespace understudy::store_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class LerobotRepairTest : public LerobotDamage {
 protected:
  void SetUp() override {
    LerobotOptions options;
    options.version = GetParam();
    options.extras = false;
    Convert(options);
  }
  // The first fault of the folder.
  std::string Fault() {
    const VerifyReport report = VerifyLerobot(folder_ / "out", {}, quiet_);
    return report.faults.empty() ? "" : report.faults[0].place + ": " + report.faults[0].what;
  }
  // Repairs it; the result has no fault.
  RepairReport Repair() {
    const RepairReport report = RepairAny(folder_ / "out", result_, true, {}, quiet_);
    for (const understudy::Fault& fault : VerifyLerobot(result_, {}, quiet_).faults) {
      ADD_FAILURE() << fault.place << ": " << fault.what;
    }
    EXPECT_EQ(OpenLerobotSource(result_)->episodes().size(),
              static_cast<size_t>(report.episodes_kept));
    return report;
  }
  void ExpectAllKept() {
    const auto before = OpenLerobotSource(folder_ / "sound");
    EXPECT_EQ(Repair().episodes_kept, 3);
    const auto after = OpenLerobotSource(result_);
    for (size_t e = 0; e < 3; ++e) {
      EXPECT_EQ(after->ReadMeta(e).instruction, before->ReadMeta(e).instruction);
      EXPECT_EQ(after->ReadImage(e, "wrist", 4), before->ReadImage(e, "wrist", 4));
      EXPECT_EQ(after->ReadColumns(e, before->ListColumns()),
                before->ReadColumns(e, before->ListColumns()));
    }
  }
  void KeepSound() { fs::copy(folder_ / "out", folder_ / "sound", fs::copy_options::recursive); }
  fs::path tasks() const {
    return folder_ / (v21() ? "out/meta/tasks.jsonl" : "out/meta/tasks.parquet");
  }
  const fs::path result_ = folder_ / "repaired";
};
INSTANTIATE_TEST_SUITE_P(Versions, LerobotRepairTest,
                         testing::Values(LerobotVersion::kV21, LerobotVersion::kV30),
                         [](const auto& info) {
                           return info.param == LerobotVersion::kV21 ? "V21" : "V30";
                         });

TEST_P(LerobotRepairTest, TotalsAreCounted) {
  KeepSound();
  EditJson(info(), [](Json& json) {
    json["total_episodes"] = 2;
    json["total_frames"] = 14;
  });
  EXPECT_THAT(Fault(), AllOf(HasSubstr("total_episodes = 2"), HasSubstr("understudy data repair")));
  ExpectAllKept();
  const Json repaired = LoadJson(result_ / "meta/info.json");
  EXPECT_EQ(repaired["total_episodes"], 3);
  EXPECT_EQ(repaired["total_frames"], 24);
}

TEST_P(LerobotRepairTest, TheRateIsThatOfTheTimes) {
  KeepSound();
  const Json was = LoadJson(info())["fps"];
  for (const Json& fps : {Json(), Json(-30), Json("fast")}) {
    EditJson(info(), [&](Json& json) {
      if (fps.is_null()) {
        json.erase("fps");
      } else {
        json["fps"] = fps;
      }
    });
    EXPECT_THAT(Fault(), AllOf(HasSubstr("fps"), HasSubstr("understudy data repair")));
    ExpectAllKept();
    EXPECT_EQ(LoadJson(result_ / "meta/info.json")["fps"].get<double>(), was.get<double>());
  }
}

// The list of episodes is made of the rows and films where it is missing, empty or damaged.
TEST_P(LerobotRepairTest, TheListOfEpisodesIsThatOfTheData) {
  KeepSound();
  const fs::path meta = folder_ / "out/meta", list = meta / (v21() ? "episodes.jsonl" : "episodes");
  const fs::path file = v21() ? list : list / "chunk-000/file-000.parquet";
  const std::vector<std::function<void()>> damages{
      [&] { fs::remove_all(list); },
      [&] {
        fs::create_directories(file.parent_path());
        if (v21()) return PutBytes(file, "");
        ParquetWriter writer(file);
        writer.Append({{.name = "episode_index", .values = std::vector<int64_t>{}},
                       {.name = "length", .values = std::vector<int64_t>{}}});
        writer.Finish();
      },
      [&] { PutBytes(file, v21() ? "{\"episode" : "PAR1"); }};
  for (const auto& damage : damages) {
    damage();
    EXPECT_THAT(Fault(), AllOf(HasSubstr("meta/episodes"), HasSubstr("understudy data repair")));
    ExpectAllKept();
    const auto mended = OpenLerobotToMend(folder_ / "out");
    EXPECT_THAT(mended.faults, Contains(testing::Pair(HasSubstr("meta/episodes"),
                                                      HasSubstr("the 3 episodes of the data "
                                                                "are listed"))));
  }
}

// Films that hold other numbers of frames do not tell whose they are.
TEST_P(LerobotRepairTest, FilmsMustHoldTheEpisodesOfAMissingList) {
  if (v21()) return;
  fs::remove_all(folder_ / "out/meta/episodes");
  VideoWriter writer(film(), {.fps = 20, .gop = 2});
  for (size_t k = 0; k < 23; ++k) writer.Add({Picture(0, 0, k)});
  writer.Finish();
  EXPECT_THAT([&] { RepairAny(folder_ / "out", result_, true, {}, quiet_); },
              testing::ThrowsMessage<Error>(
                  AllOf(HasSubstr("the list of episodes is missing; and the data does not show the "
                                  "episodes"),
                        HasSubstr("23 frames, whole episodes have 14 of them"))));
  EXPECT_THAT(Fault(), testing::Not(HasSubstr("understudy data repair")));
}

// Films of another rate: the frames of the rows, at the times of the rows.
class LerobotFilmRateTest : public LerobotRepairTest {
 protected:
  void SetUp() override {
    LerobotRepairTest::SetUp();
    KeepSound();
    for (size_t e = 0; e < 3; ++e) {
      for (size_t k = 0; k < 6 + 2 * e; ++k) {
        if (!v21() || e == 1) rows_of_film_.emplace_back(e, k);
      }
    }
  }
  // Writes the film anew: frame i shows row i * step of those that it has, `again` times.
  void Film(double fps, size_t step, size_t again = 1, size_t most = 1000) {
    VideoWriter writer(film(), {.fps = fps, .quality = 10, .gop = 2});
    for (size_t i = 0; i < rows_of_film_.size() && i / step < most; i += step) {
      const auto [e, k] = rows_of_film_[i];
      for (size_t n = 0; n < again; ++n) writer.Add({Picture(e, 1, k)});
    }
    writer.Finish();
  }
  // Repairs it; row i of the film must show row i / step * step.
  void ExpectShown(size_t step, const std::string& said) {
    EXPECT_THAT(Fault(), AllOf(HasSubstr("is shown at"), HasSubstr("`understudy data repair`")));
    const RepairReport report = Repair();
    EXPECT_EQ(report.episodes_kept, 3);
    EXPECT_THAT(report.mended, ElementsAre(HasSubstr(said)));
    const auto repaired = OpenLerobotSource(result_);
    for (size_t i = 0; i < rows_of_film_.size(); ++i) {
      const auto [e, k] = rows_of_film_[i];
      const auto [from, shown] = rows_of_film_[i / step * step];
      EXPECT_LT(Distance(repaired->ReadImage(e, "wrist", k), Picture(from, 1, shown)), 2)
          << e << ", " << k;
    }
    // the others are as they were
    EXPECT_EQ(repaired->ReadImage(2, "agentview", 3),
              OpenLerobotSource(folder_ / "sound")->ReadImage(2, "agentview", 3));
  }
  std::vector<std::pair<size_t, size_t>> rows_of_film_;  // episode and row
};
INSTANTIATE_TEST_SUITE_P(Versions, LerobotFilmRateTest,
                         testing::Values(LerobotVersion::kV21, LerobotVersion::kV30),
                         [](const auto& info) {
                           return info.param == LerobotVersion::kV21 ? "V21" : "V30";
                         });

TEST_P(LerobotFilmRateTest, AsManyFramesAsRowsAreTakenOneByOne) {
  const size_t rows = rows_of_film_.size();
  for (const double fps : {25.0, 10.0, 60.0}) {
    Film(fps, 1);
    ExpectShown(1, fmt::format("{0} frames at {1} per second, of {0} rows at 20: taken one by one, "
                               "encoded anew at the times of the rows",
                               rows, fps));
  }
  // where each begins may be told by the film's own clock
  if (v21()) return;
  Film(10, 1);
  fs::remove_all(folder_ / "out/meta/episodes");
  const RepairReport report = Repair();
  EXPECT_EQ(report.episodes_kept, 3);
  EXPECT_LT(Distance(OpenLerobotSource(result_)->ReadImage(2, "wrist", 9), Picture(2, 1, 9)), 2);
}

TEST_P(LerobotFilmRateTest, OtherNumbersOfFramesAreMatchedByTime) {
  Film(10, 2);
  ExpectShown(2, "each row has the frame nearest to its time, encoded anew");
  Film(40, 1, 2);
  ExpectShown(1, fmt::format("{} frames at 40 per second, of {} rows at 20",
                             2 * rows_of_film_.size(), rows_of_film_.size()));
}

TEST_P(LerobotFilmRateTest, FramesThatAreNoRowsAreNot) {
  Film(10, 1, 1, 2);
  const std::string why =
      "2 frames at 10 per second, of " +
      fmt::format("{} rows at 20, 0.200 s and {:.3f} s", rows_of_film_.size(),
                  static_cast<double>(rows_of_film_.size()) / 20) +
      ": neither as many nor as long, so that no frame is known to be a row's; where fps in "
      "meta/info.json is wrong, write the right one there and repair again";
  if (!v21()) {
    EXPECT_THAT([&] { RepairAny(folder_ / "out", result_, true, {}, quiet_); },
                testing::ThrowsMessage<Error>(HasSubstr(why)));
    return;
  }
  const RepairReport report = Repair();
  EXPECT_EQ(report.episodes_kept, 2);
  ASSERT_EQ(report.dropped.size(), 1u);
  EXPECT_EQ(report.dropped[0].place, "demo_1");
  EXPECT_THAT(report.dropped[0].what, AllOf(HasSubstr(film().string()), HasSubstr(why)));
}

// Two witnesses against one.
TEST_P(LerobotFilmRateTest, RowsAndFilmsThatAgreeTellTheRate) {
  EditJson(info(), [](Json& json) { json["fps"] = 30; });
  const RepairReport report = Repair();
  EXPECT_EQ(report.episodes_kept, 3);
  EXPECT_THAT(report.mended, Contains(HasSubstr("meta/info.json: fps = 30: it is 20 by the times "
                                                "of the rows and films")));
  EXPECT_EQ(LoadJson(result_ / "meta/info.json")["fps"], 20);
  EXPECT_EQ(OpenLerobotSource(result_)->ReadImage(1, "wrist", 5),
            OpenLerobotSource(folder_ / "sound")->ReadImage(1, "wrist", 5));
}

// Features that nothing of the dataset has: films that were not downloaded, columns of another one.
TEST_P(LerobotRepairTest, FeaturesThatAreNowhereAreLeftOut) {
  KeepSound();
  EditJson(info(), [](Json& json) {
    json["features"]["observation.force"] = {
        {"dtype", "float32"}, {"shape", {3}}, {"names", nullptr}};
  });
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "out/videos")) {
    const bool wrist = entry.path().string().find("images.wrist") != std::string::npos;
    if (wrist && entry.is_regular_file()) fs::remove(entry.path());
  }
  const RepairReport report = Repair();
  EXPECT_EQ(report.episodes_kept, 3);
  EXPECT_THAT(
      report.mended,
      testing::IsSupersetOf(
          {"meta/info.json: feature 'observation.images.wrist': none of its films is there: left "
           "out",
           "meta/info.json: feature 'observation.force': no row has it: left out"}));
  const auto repaired = OpenLerobotSource(result_);
  EXPECT_THAT(repaired->header().cameras, ElementsAre("agentview"));
  EXPECT_EQ(repaired->ReadImage(1, "agentview", 4),
            OpenLerobotSource(folder_ / "sound")->ReadImage(1, "agentview", 4));
}

// A modality.json keeps what is sound in it.
TEST_P(LerobotRepairTest, ModalitiesThatAreWrongAreLeftOut) {
  const fs::path file = folder_ / "out/meta/modality.json",
                 repaired = result_ / "meta/modality.json";
  const Json sound{{"state", {{"hand", {{"start", 0}, {"end", 3}}}}},
                   {"action", {{"all", {{"start", 0}, {"end", 7}}}}},
                   {"video", {{"top", {{"original_key", "observation.images.agentview"}}}}},
                   {"annotation", {{"human.task", {{"original_key", "task_index"}}}}}};
  Json wrong = sound;
  wrong["state"]["gripper"] = {{"start", 5}, {"end", 700}};
  wrong["action"]["none"] = 5;
  wrong["video"]["webcam"] = {{"original_key", "observation.images.webcam"}};
  wrong["annotation"]["mood"] = {{"original_key", "mood"}};
  WriteTextAtomically(file, wrong.dump());
  EXPECT_THAT(Fault(), AllOf(HasSubstr("state.gripper: numbers 5 to 700"),
                             HasSubstr("`understudy data repair` leaves it out")));
  RepairReport report = Repair();
  EXPECT_EQ(report.episodes_kept, 3);
  EXPECT_THAT(report.mended,
              testing::UnorderedElementsAre(
                  AllOf(HasSubstr("meta/modality.json: state.gripper: numbers 5 to 700"),
                        HasSubstr(": left out")),
                  HasSubstr("action.none must be a mapping: left out"),
                  HasSubstr("video.webcam: 'observation.images.webcam' is no camera"),
                  HasSubstr("annotation.mood: 'mood' is no feature")));
  EXPECT_EQ(LoadJson(repaired), sound);
  // what is sound stays byte for byte, and what is no JSON goes
  WriteTextAtomically(file, " " + sound.dump());
  EXPECT_TRUE(Repair().mended.empty());
  EXPECT_EQ(Bytes(repaired), " " + sound.dump());
  PutBytes(file, "{\"state\": ");
  report = Repair();
  EXPECT_THAT(report.mended,
              ElementsAre(AllOf(HasSubstr("meta/modality.json"), HasSubstr("left out"))));
  EXPECT_FALSE(fs::exists(repaired));
}

// Features without a number, or of a name that no path may have, are named, and the rest is read.
TEST_P(LerobotRepairTest, FeaturesThatAreNoneStopNothing) {
  EditJson(info(), [](Json& json) {
    json["features"]["none"] = {{"dtype", "float32"}, {"shape", {0}}, {"names", nullptr}};
    json["features"]["up/../x"] = {{"dtype", "float32"}, {"shape", {1}}, {"names", nullptr}};
    json["features"]["action"]["names"] = {"a", "b"};
  });
  const auto source = OpenLerobotSource(folder_ / "out");
  EXPECT_EQ(source->episodes().size(), 3u);
  EXPECT_EQ(Fault(), "");
  EXPECT_THAT(OpenLerobot(folder_ / "out").notes,
              ElementsAre(HasSubstr("feature 'action': 7 numbers, and its 'names' are 2 texts")));
  const std::vector<std::string> lost = LostFromLerobot(folder_ / "out", {});
  EXPECT_THAT(lost, Contains(HasSubstr("none (no number in a row)")));
  EXPECT_THAT(lost, Contains(HasSubstr("up/../x (a name holds no '\\' and")));
}

TEST_P(LerobotRepairTest, LengthsAreThoseOfTheData) {
  if (!v21()) return;
  KeepSound();
  const fs::path list = folder_ / "out/meta/episodes.jsonl";
  std::string text = Bytes(list);
  const size_t at = text.find("\"length\":8");
  ASSERT_NE(at, std::string::npos);
  PutBytes(list, text.replace(at, 10, "\"length\":7"));
  EXPECT_THAT(Fault(), HasSubstr("understudy data repair"));
  ExpectAllKept();
}

TEST_P(LerobotRepairTest, ShuffledRowsAreSorted) {
  KeepSound();
  EditRows([](std::vector<ParquetColumn>& columns) {
    for (ParquetColumn& column : columns) {
      std::visit(
          [&](auto& values) {
            if constexpr (requires { values.values; }) {
              std::reverse(values.values.begin(), values.values.end());
            } else {
              const size_t width = values.size() / 8;
              auto old = values;
              for (size_t k = 0; k < 8; ++k) {
                std::copy_n(old.begin() + static_cast<std::ptrdiff_t>((7 - k) * width), width,
                            values.begin() + static_cast<std::ptrdiff_t>(k * width));
              }
            }
          },
          column.values);
    }
  });
  EXPECT_THAT(Fault(), HasSubstr("row 0: frame_index = 7, must be 0"));
  ExpectAllKept();
}

TEST_P(LerobotRepairTest, TimesAreThoseOfTheFrames) {
  KeepSound();
  EditRows([](std::vector<ParquetColumn>& columns) {
    std::vector<float>& times = Values<float>(columns, "timestamp");
    times[3] += 0.02F;
    for (size_t k = 5; k < times.size(); ++k) times[k] += 1000;
  });
  EXPECT_THAT(Fault(), HasSubstr("timestamp"));
  ExpectAllKept();
}

TEST_P(LerobotRepairTest, AnEpisodeWhoseTaskHasNoTextIsLeftOut) {
  EditRows([](std::vector<ParquetColumn>& columns) {
    Values<int64_t>(columns, "task_index").assign(8, 7);
  });
  const RepairReport report = Repair();
  EXPECT_EQ(report.episodes_kept, 2);
  ASSERT_EQ(report.dropped.size(), 1u);
  EXPECT_EQ(report.dropped[0].place, "demo_1");
  EXPECT_THAT(report.dropped[0].what, HasSubstr("task_index = 7"));
}

TEST_P(LerobotRepairTest, TasksComeFromTheListOfEpisodes) {
  KeepSound();
  fs::remove(tasks());
  EXPECT_THAT(Fault(), HasSubstr("understudy data repair"));
  ExpectAllKept();
  if (!v21()) return;
  PutBytes(tasks(), "{\"task_index\": 0, \"task\": \"a\"}\n{\"task_index\": 0, \"task\": \"b\"}\n");
  ExpectAllKept();
}

// A list of tasks that is there and names none is as good as missing.
TEST_P(LerobotRepairTest, AnEmptyListOfTasksIsThatOfTheEpisodes) {
  KeepSound();
  if (v21()) {
    PutBytes(tasks(), "");
  } else {
    ParquetWriter writer(tasks(), "task");
    writer.Append({{.name = "task_index", .values = std::vector<int64_t>{}},
                   {.name = "task", .values = std::vector<std::string>{}}});
    writer.Finish();
  }
  EXPECT_THAT(Fault(), AllOf(HasSubstr("meta/tasks"), HasSubstr("names no task"),
                             HasSubstr("understudy data repair")));
  ExpectAllKept();
}

TEST_P(LerobotRepairTest, AnEpisodeThatIsListedTwiceIsOne) {
  if (!v21()) return;
  KeepSound();
  const fs::path list = folder_ / "out/meta/episodes.jsonl";
  const std::string text = Bytes(list);
  PutBytes(list, text + text.substr(0, text.find('\n') + 1));
  EXPECT_THAT(Fault(), AllOf(HasSubstr("episode 0 stands there twice"),
                             HasSubstr("understudy data repair")));
  EXPECT_THAT(
      OpenLerobotToMend(folder_ / "out").faults,
      Contains(testing::Pair("meta/episodes.jsonl", HasSubstr("episode 0 stands there twice"))));
  ExpectAllKept();
}

TEST_P(LerobotRepairTest, TextsInLatin1AreReadAndMended) {
  if (!v21()) return;
  const std::string old = episodes_[1].meta.instruction;
  for (const char* name : {"out/meta/tasks.jsonl", "out/meta/episodes.jsonl"}) {
    std::string text = Bytes(folder_ / name);
    const size_t at = text.find(old);
    ASSERT_NE(at, std::string::npos);
    PutBytes(folder_ / name, text.replace(at, old.size(),
                                          "\xF6"
                                          "ffnen"));
  }
  EXPECT_THAT(Fault(), AllOf(HasSubstr("meta/tasks.jsonl: is no UTF-8"),
                             HasSubstr("understudy data repair")));
  EXPECT_EQ(OpenLerobotSource(folder_ / "out")->ReadMeta(1).instruction, "öffnen");
  EXPECT_EQ(Repair().episodes_kept, 3);
  EXPECT_EQ(OpenLerobotSource(result_)->ReadMeta(1).instruction, "öffnen");
}

TEST_P(LerobotRepairTest, AnEpisodeWithoutRowsIsLeftOut) {
  if (!v21()) return;
  fs::remove(rows());
  EditJson(info(), [](Json& json) { json["total_frames"] = 16; });
  const RepairReport report = Repair();
  EXPECT_EQ(report.episodes_kept, 2);
  ASSERT_EQ(report.dropped.size(), 1u);
  EXPECT_THAT(report.dropped[0].what, HasSubstr("episode_000001.parquet: is missing"));
}

TEST_P(LerobotRepairTest, SizesAreThoseOfTheFilms) {
  const std::string key = "observation.images.wrist";
  EditJson(info(), [&](Json& json) { json["features"][key]["shape"] = {96, 128, 3}; });
  EXPECT_THAT(Fault(), AllOf(HasSubstr("meta/info.json: feature '" + key + "'"),
                             HasSubstr("128 x 96"), HasSubstr("they have 32 x 24")));
  EXPECT_EQ(Repair().episodes_kept, 3);
  EXPECT_EQ(LoadJson(result_ / "meta/info.json")["features"][key]["shape"],
            Json({kHeight, kWidth, 3}));
  // dimensions in another order are no fault
  EditJson(info(), [&](Json& json) {
    json["features"][key]["shape"] = {3, kHeight, kWidth};
    json["features"][key]["names"] = {"channels", "height", "width"};
  });
  EXPECT_EQ(Fault(), "");
  EditJson(info(), [&](Json& json) { json["features"][key]["info"]["video.height"] = 480; });
  EXPECT_THAT(Fault(), HasSubstr("video.height = 480"));
  Repair();
  EXPECT_EQ(LoadJson(result_ / "meta/info.json")["features"][key]["info"]["video.height"], kHeight);
  EXPECT_EQ(LoadJson(result_ / "meta/info.json")["features"][key]["shape"],
            Json({3, kHeight, kWidth}));
}

}  // namespace
}  // namespace understudy::store_test
