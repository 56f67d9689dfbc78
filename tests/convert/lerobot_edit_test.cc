// LeRobot folders, edited as they are: filter, trim, merge, relabel.

#include "data/formats/lerobot/lerobot_copy.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "data/formats/lerobot/lerobot_verify.h"
#include "tests/convert/lerobot_damage.h"

namespace understudy::store_test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class LerobotEditTest : public LerobotDamage {
 protected:
  // Of the folder given so many times.
  void Edit(const CopyPlan& plan, size_t inputs = 1) {
    std::vector<std::unique_ptr<EpisodeSource>> sources;
    std::vector<const EpisodeSource*> readers;
    for (size_t i = 0; i < inputs; ++i) {
      readers.push_back(sources.emplace_back(OpenLerobotSource(folder_ / "out")).get());
    }
    EditLerobot(readers, plan, result_, {}, {}, quiet_);
    const VerifyReport verified = VerifyLerobot(result_, {}, quiet_);
    for (const Fault& fault : verified.faults) ADD_FAILURE() << fault.place << ": " << fault.what;
  }
  static std::vector<double> Values(const EpisodeSource& source, size_t episode,
                                    const std::string& name) {
    for (const ColumnSpec& column : source.ListColumns()) {
      if (column.name == name) return source.ReadColumns(episode, std::vector{column})[0];
    }
    throw std::runtime_error("no column " + name);
  }
  const fs::path result_ = folder_ / "edited";
};
INSTANTIATE_TEST_SUITE_P(Versions, LerobotEditTest,
                         testing::Values(LerobotVersion::kV21, LerobotVersion::kV30),
                         [](const auto& info) {
                           return info.param == LerobotVersion::kV21 ? "V21" : "V30";
                         });

TEST_P(LerobotEditTest, KeptEpisodesAreTheSameAndNumberedAnew) {
  Edit({.episodes = {{.episode = 0}, {.episode = 2}}});
  const auto before = OpenLerobotSource(folder_ / "out"), after = OpenLerobotSource(result_);
  ASSERT_EQ(after->episodes().size(), 2u);
  EXPECT_EQ(after->header().settings.at("codebase_version"),
            before->header().settings.at("codebase_version"))
      << "the same version";
  for (const size_t e : {0, 1}) {
    const size_t old = 2 * e;
    for (const char* column : {"action", "observation.state", "action.target", "timestamp",
                               "frame_index", "next.success", "next.done"}) {
      EXPECT_EQ(Values(*after, e, column), Values(*before, old, column)) << column;
    }
    EXPECT_EQ(Values(*after, e, "episode_index").at(3), static_cast<double>(e));
    EXPECT_EQ(after->ReadMeta(e).instruction, before->ReadMeta(old).instruction);
    EXPECT_EQ(after->ReadImage(e, "wrist", 3), before->ReadImage(old, "wrist", 3));
  }
  EXPECT_EQ(Values(*after, 1, "index").front(), static_cast<double>(episodes_[0].length()));
  // the task of the one that is gone went with it
  EXPECT_EQ(LoadJson(result_ / "meta/info.json")["total_tasks"], 1);
}

TEST_P(LerobotEditTest, CutRowsBeginAndEndAnew) {
  Edit(
      {.episodes = {{.episode = 0}, {.episode = 1, .first_row = 2, .end_row = 6}, {.episode = 2}}});
  const auto before = OpenLerobotSource(folder_ / "out"), after = OpenLerobotSource(result_);
  ASSERT_EQ(after->episodes()[1].length, 4u);
  const std::vector<double> all = Values(*before, 1, "action"), cut = Values(*after, 1, "action");
  EXPECT_EQ(cut, std::vector<double>(all.begin() + 2 * 7, all.begin() + 6 * 7));
  EXPECT_THAT(Values(*after, 1, "frame_index"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Values(*after, 1, "timestamp"),
              ElementsAre(0, float{1.0 / 20}, float{2.0 / 20}, float{3.0 / 20}));
  EXPECT_THAT(Values(*after, 1, "next.done"), ElementsAre(0, 0, 0, 1));
  // v2.1's film is cut by encoding it anew
  for (const size_t k : {0, 1, 2, 3}) {
    EXPECT_LT(Distance(after->ReadImage(1, "wrist", k), before->ReadImage(1, "wrist", 2 + k)),
              v21() ? 2 : 1e-9);
  }
  EXPECT_EQ(after->ReadImage(2, "wrist", 5), before->ReadImage(2, "wrist", 5));
}

TEST_P(LerobotEditTest, SeveralBecomeOneAndShareTheirTasks) {
  CopyPlan plan;
  for (const size_t input : {0, 1}) {
    for (const size_t e : {0, 1, 2}) plan.episodes.push_back({.input = input, .episode = e});
  }
  Edit(plan, 2);
  const auto before = OpenLerobotSource(folder_ / "out"), after = OpenLerobotSource(result_);
  ASSERT_EQ(after->episodes().size(), 6u);
  EXPECT_EQ(LoadJson(result_ / "meta/info.json")["total_tasks"], 2);
  EXPECT_EQ(Values(*after, 4, "action"), Values(*before, 1, "action"));
  EXPECT_EQ(after->ReadMeta(4).instruction, "another task");
  EXPECT_EQ(after->ReadImage(4, "agentview", 2), before->ReadImage(1, "agentview", 2));
}

TEST_P(LerobotEditTest, LabelsGoWhereTheFormatHasAPlace) {
  CopyPlan plan{.episodes = {{.episode = 0}, {.episode = 1, .relabel = true}}};
  plan.instruction = "put it down";
  plan.success = true;
  Edit(plan);
  const auto before = OpenLerobotSource(folder_ / "out"), after = OpenLerobotSource(result_);
  EXPECT_EQ(after->ReadMeta(0).instruction, before->ReadMeta(0).instruction);
  EXPECT_EQ(after->ReadMeta(1).instruction, "put it down");
  EXPECT_TRUE(after->episodes()[1].success);
  const std::vector<double> success = Values(*after, 1, "next.success");
  EXPECT_EQ(std::count(success.begin(), success.end(), 1.0), 1);
}

TEST_P(LerobotEditTest, WhatHasNoPlaceOrDoesNotFitIsNamed) {
  const auto source = OpenLerobotSource(folder_ / "out");
  const auto edit = [&](const std::vector<const EpisodeSource*>& inputs, const CopyPlan& plan) {
    return [=, this] { EditLerobot(inputs, plan, result_, {}, {}, quiet_); };
  };
  CopyPlan plan{.episodes = {{.episode = 0}}};
  plan.masks["train"] = {0};
  EXPECT_THAT(edit({source.get()}, plan), ThrowsMessage<Error>(HasSubstr("--files")));
  plan.masks.clear();
  plan.cause = "dropped";
  EXPECT_THAT(edit({source.get()}, plan), ThrowsMessage<Error>(HasSubstr("cause of failure")));
  plan.cause.reset();
  // another folder with another rate and one feature less
  fs::copy(folder_ / "out", folder_ / "second", fs::copy_options::recursive);
  EditJson(folder_ / "second/meta/info.json", [](Json& json) {
    json["robot_type"] = "Sawyer";
    json["features"].erase("next.reward");
  });
  const auto second = OpenLerobotSource(folder_ / "second");
  EXPECT_THAT(edit({source.get(), second.get()}, plan),
              ThrowsMessage<Error>(AllOf(HasSubstr("robot Sawyer"), HasSubstr("next.reward"))));
  EXPECT_FALSE(fs::exists(result_));
  EXPECT_FALSE(fs::exists(folder_ / "edited.part"));
}

// An episode whose rows hold a NaN is left out on request, and copies are of the others.
TEST_P(LerobotEditTest, BadEpisodesAreLeftOut) {
  EditRows([](std::vector<ParquetColumn>& columns) {
    for (ParquetColumn& column : columns) {
      if (column.name != "action") continue;
      std::get<std::vector<float>>(column.values)[5] = NAN;
    }
  });
  const auto source = OpenLerobotSource(folder_ / "out", {.skip_bad = true});
  ASSERT_EQ(source->skipped().size(), 1u);
  EXPECT_EQ(source->skipped()[0].name, "demo_1");
  EXPECT_THAT(source->skipped()[0].reason, HasSubstr("action"));
  ASSERT_EQ(source->episodes().size(), 2u);
  EXPECT_EQ(source->episodes()[1].name, "demo_2");
  EditLerobot({source.get()}, {.episodes = {{.episode = 0}, {.episode = 1}}}, result_, {}, {},
              quiet_);
  const auto after = OpenLerobotSource(result_);
  EXPECT_EQ(Values(*after, 1, "action"), Values(*source, 1, "action"));
}

}  // namespace
}  // namespace understudy::store_test
