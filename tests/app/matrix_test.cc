// Steps of a pipeline that stand for many, and the table over what they found.
#include "app/matrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "app/planned_steps.h"
#include "app/summary.h"
#include "core/base/error.h"
#include "train/evaluate/evaluate.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Matrix : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("understudy_matrix_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  ExpandedPipeline Expand(const std::string& yaml) {
    const fs::path file = folder_ / "p.yaml";
    std::ofstream(file) << yaml;
    return ExpandMatrix(FromJson<Pipeline>(LoadYaml(file), "p.yaml"), "p.yaml");
  }
  std::string Complaint(const std::string& yaml) {
    try {
      Expand(yaml);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      return error.what();
    }
    return "accepted";
  }
  fs::path folder_;
};

TEST_F(Matrix, AStepIsRunForEveryCombination) {
  const auto [pipeline, instances] = Expand(R"(
steps:
  a:
    command: train
    matrix: {seed: [1, 2], net: {small: {width: 8}, large: {width: 64}}}
    with: {seed: "${matrix.seed}", policy: "${matrix.net}", text: "s${matrix.seed}-${matrix.net}"}
    policy: "${matrix.net}"
)");
  EXPECT_THAT(instances.at("a"), ElementsAre("a_1_small", "a_1_large", "a_2_small", "a_2_large"));
  const PipelineStep& step = pipeline.steps.at("a_2_large");
  EXPECT_EQ(step.with["seed"], 2);  // a number stays one
  EXPECT_EQ(step.with["policy"], (Json{{"width", 64}}));
  EXPECT_EQ(step.with["text"], "s2-large");
  EXPECT_EQ(step.policy, "large");
  EXPECT_TRUE(step.matrix.is_null());
  EXPECT_EQ(pipeline.steps.size(), 4u);
}

TEST_F(Matrix, AReaderIsRunForWhatItReads) {
  const auto [pipeline, instances] = Expand(R"(
order: [test, sources]
steps:
  sources: {command: teleop, matrix: {task: [stack, square]}, with: {task: "${matrix.task}"}}
  made:
    command: mimic
    matrix: [{task: stack, variant: D0}, {task: square, variant: [D0, D2]}]
    with: {source: ["${sources}"], variant: "${matrix.variant}"}
  policy: {command: train, matrix: {seed: [1, 2]}, with: {datasets: ["${made}"], seed: "${matrix.seed}"}}
  test: {command: evaluate, with: {checkpoint: "${policy}"}, condition: "${matrix.task} ${matrix.variant}"}
  one: {command: train, with: {datasets: ["${made:all}"]}}
  each: {command: train, matrix: {task: [square]}, with: {datasets: ["x", "${made:all}"]}}
)");
  EXPECT_THAT(instances.at("made"),
              ElementsAre("made_stack_D0", "made_square_D0", "made_square_D2"));
  EXPECT_EQ(pipeline.steps.at("made_square_D2").with["source"], Json::array({"${sources_square}"}));
  EXPECT_THAT(instances.at("policy"),
              ElementsAre("policy_stack_D0_1", "policy_square_D0_1", "policy_square_D2_1",
                          "policy_stack_D0_2", "policy_square_D0_2", "policy_square_D2_2"));
  const PipelineStep& test = pipeline.steps.at("test_square_D2_2");
  EXPECT_EQ(test.with["checkpoint"], "${policy_square_D2_2}");
  EXPECT_EQ(test.condition, "square D2");
  // all of them, or those that the reader's own values leave
  EXPECT_EQ(pipeline.steps.at("one").with["datasets"],
            Json::array({"${made_stack_D0}", "${made_square_D0}", "${made_square_D2}"}));
  EXPECT_EQ(pipeline.steps.at("each_square").with["datasets"],
            Json::array({"x", "${made_square_D0}", "${made_square_D2}"}));
  EXPECT_THAT(pipeline.order, testing::Contains("test_stack_D0_1"));
  EXPECT_EQ(pipeline.order.size(), 8u);
}

TEST_F(Matrix, EverythingThatIsWrongIsSaidAtOnce) {
  const std::string all = Complaint(R"(
steps:
  a: {command: train, matrix: {seed: [1, 1], net: [{width: 8}], path: ["a/b"], none: []}}
  b: {command: train, matrix: 3}
)");
  for (const char* part :
       {"p.yaml: steps.a: matrix.seed: 1 is listed twice",
        "steps.a: matrix.net: {\"width\":8} needs a name: `net: {name: value}` in the place of a "
        "list",
        "steps.a: matrix.path: 'a/b' is part of a file name: letters, digits and '_.+-' only; give "
        "values names: `path: {name: value}` in the place of a list",
        "steps.a: matrix.none: has no values",
        "steps.b: matrix: 3 is not a list of values for each axis, such as {seed: [1, 2, 3]}"}) {
    EXPECT_THAT(all, HasSubstr(part));
  }
  EXPECT_THAT(Complaint(R"(
steps:
  a: {command: train, matrix: {seed: [1]}, with: {seed: "${matrix.sed}"}}
  b: {command: evaluate, matrix: {seed: [2]}, with: {checkpoint: "${a}"}}
  c: {command: evaluate, with: {checkpoint: "${a:all}"}}
)"),
              testing::AllOf(HasSubstr("steps.b: there is no 'a' with seed 2")));
  EXPECT_THAT(
      Complaint(R"(
steps:
  a: {command: train, matrix: {seed: [1]}, with: {seed: "${matrix.sed}"}}
  c: {command: evaluate, with: {checkpoint: "${a:all}"}}
)"),
      testing::AllOf(HasSubstr("steps.a: unknown axis 'sed'"), HasSubstr("'seed'"),
                     HasSubstr("steps.c: 'a:all' stands for several outputs: it must be an item")));
  EXPECT_THAT(Complaint(R"(
steps:
  a: {command: train, matrix: {net: {x: 1}}}
  b: {command: train, matrix: {net: {x: 2}}}
)"),
              HasSubstr("matrix.net: x is 2 here and 1 in another step"));
  EXPECT_THAT(Complaint(R"(
steps:
  a: {command: train, matrix: {seed: [1]}}
  a_1: {command: train}
)"),
              HasSubstr("two steps would be 'a_1'"));
}

// Where nothing is a matrix, nothing changes.
TEST_F(Matrix, PipelinesWithoutOneAreThemselves) {
  for (const char* name : {"stack.yaml", "stack_full.yaml"}) {
    const Json file = LoadYaml(HomeFolder() / "demo" / name);
    const Pipeline pipeline = FromJson<Pipeline>(file, name);
    EXPECT_EQ(ToJson(ExpandMatrix(pipeline, name).pipeline), ToJson(pipeline)) << name;
  }
}

// A report of `evaluate` on starts of seed 1, as far as the table reads it.
Json ReportOf(const std::string& outcomes, const std::string& task = "stack") {
  EvalReport report;
  report.task = task;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    EvalEpisode episode;
    episode.index = static_cast<int64_t>(i);
    episode.success = outcomes[i] == '1';
    report.successes += episode.success;
    report.episodes.push_back(episode);
  }
  return report.ToJson();
}

TEST_F(Matrix, TheTableHasMeansSpreadsAndPairedDifferences) {
  Pipeline pipeline;
  std::vector<std::string> order;
  fs::create_directories(folder_ / ".state");
  const auto add = [&](const std::string& step, const std::string& policy,
                       const std::string& condition, const Json& report) {
    pipeline.steps[step] = {.command = "evaluate", .policy = policy, .condition = condition};
    order.push_back(step);
    const fs::path file = folder_ / (step + ".json");
    std::ofstream(file) << report;
    std::ofstream(folder_ / ".state" / (step + ".json"))
        << Json{{"command", "evaluate"}, {"result", report}, {"output", file.string()}};
  };
  add("a1", "plain", "D0", ReportOf("1000"));
  add("a2", "plain", "D0", ReportOf("1100"));
  add("b1", "better", "D0", ReportOf("1110"));
  add("b2", "better", "D0", ReportOf("1110"));
  add("c", "better", "D1", ReportOf("11"));
  add("d", "other", "D1", ReportOf("11", "square"));

  const Json table = Summarise(pipeline, order, folder_);
  ASSERT_EQ(table["means"].size(), 4u);
  EXPECT_EQ(table["means"][0]["evaluations"], 2);
  EXPECT_DOUBLE_EQ(table["means"][0]["mean"], 0.375);
  EXPECT_DOUBLE_EQ(table["means"][0]["deviation"], 0.125 * std::sqrt(2));  // of 0.25 and 0.5
  EXPECT_DOUBLE_EQ(table["means"][0]["least"], 0.25);
  EXPECT_DOUBLE_EQ(table["means"][0]["most"], 0.5);
  EXPECT_DOUBLE_EQ(table["means"][1]["deviation"], 0);
  EXPECT_TRUE(table["means"][2]["deviation"].is_null());

  // by start: 1, 1, 1, 0 less 1, 0.5, 0, 0
  ASSERT_EQ(table["paired"].size(), 2u);
  const Json& pair = table["paired"][0];
  EXPECT_EQ(pair["policy"], "better");
  EXPECT_EQ(pair["against"], "plain");
  EXPECT_DOUBLE_EQ(pair["difference"], 0.375);
  const double half = 1.959963984540054 * std::sqrt(0.6875 / 3 / 4);
  EXPECT_NEAR(pair["interval"][0], 0.375 - half, 1e-12);
  EXPECT_NEAR(pair["interval"][1], 0.375 + half, 1e-12);
  // other tasks are no pairs
  EXPECT_THAT(table["paired"][1]["reason"], HasSubstr("tasks square and stack"));

  const std::string text = DescribeSummary(table);
  EXPECT_THAT(
      text,
      HasSubstr("plain        D0                     2    37.5 %     17.7 %   25.0 %, 50.0 %"));
  EXPECT_THAT(text, HasSubstr("D0: better against plain: +37.5 [-9.4, +84.4], 4 starts"));
}

}  // namespace
}  // namespace understudy
