// What every page looks like, and the page of a run.
#include "app/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <regex>

#include "app/pipeline.h"
#include "app/report.h"
#include "app/summary.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

TEST(Page, HasADarkStyleAndTablesThatScroll) {
  const std::string page = BeginPage("t", "");
  EXPECT_THAT(page, HasSubstr("color-scheme:light dark"));
  EXPECT_THAT(page, HasSubstr("@media (prefers-color-scheme:dark)"));
  EXPECT_TRUE(std::regex_search(page, std::regex("\ntable\\{[^}]*overflow-x:auto")));
  EXPECT_TRUE(std::regex_search(page, std::regex("svg\\.plot\\{max-width:100%")));
}

TEST(Page, AVideoThatStandsStillHasNoControls) {
  const std::string tag = VideoTag({1, 2, 3});
  EXPECT_THAT(tag, Not(HasSubstr("<video controls")));
  EXPECT_THAT(tag, HasSubstr("onplay=\"this.controls=true\""));
  EXPECT_THAT(tag, HasSubstr("onpause=\"this.controls=false\""));
}

class RunPage : public testing::Test {
 protected:
  void SetUp() override {
    out_ = fs::path(testing::TempDir()) / ("understudy_page_" + std::to_string(getpid()));
    fs::remove_all(out_);
    fs::create_directories(out_ / ".state");
  }
  void TearDown() override { fs::remove_all(out_); }
  void Done(const std::string& step, const Json& result, const Json& options = Json::object()) {
    const Json state{{"key", "k"},
                     {"command", "evaluate"},
                     {"options", options},
                     {"inputs", Json::array()},
                     {"output", (out_ / (step + ".json")).string()},
                     {"policy", step},
                     {"condition", "nominal"},
                     {"result", result}};
    WriteTextAtomically(out_ / ".state" / (step + ".json"), state.dump());
  }
  std::string Page(const std::vector<std::string>& order) {
    Pipeline pipeline;
    pipeline.name = "p";
    WriteReport(pipeline, order, Summarise(pipeline, order, out_), out_);
    return ReadText(out_ / "report.html");
  }
  Json Result() const { return {{"episodes", 100}, {"successes", 62}, {"interval", {0.52, 0.71}}}; }
  fs::path out_;
};

TEST_F(RunPage, SaysWhatOfAnUnfinishedRunIsMissing) {
  Done("a", Result());
  EXPECT_THAT(Page({"a", "b<", "c"}),
              HasSubstr("This run is not finished: 1 of 3 steps are done. Not done: b&lt;, c."));
  EXPECT_THAT(Page({"a"}), Not(HasSubstr("not finished")));
  Json partial = Result();
  partial["interrupted"] = true;
  Done("a", partial);
  EXPECT_THAT(Page({"a"}), HasSubstr("Interrupted: a part of the episodes."));
}

TEST_F(RunPage, ShowsTheComparisonOnTheSameSeeds) {
  Json result = Result();
  result["paired"] = {{"pairs", 100},  {"both", 20},         {"only_a", 42},   {"only_b", 8},
                      {"neither", 30}, {"difference", 0.34}, {"p_value", 1e-6}};
  Done("augmented", result, {{"compare", (out_ / "generated.json").string()}});
  const std::string page = Page({"augmented"});
  EXPECT_THAT(page, HasSubstr("<h3>Compared with generated on the same 100 seeds</h3>"));
  EXPECT_THAT(page, HasSubstr("only augmented"));
  EXPECT_THAT(page,
              HasSubstr("Difference +34.0 percentage points; exact McNemar test: p &lt; 0.0001."));
  EXPECT_THAT(page, Not(HasSubstr("<summary>compared on the same seeds")));
}

}  // namespace
}  // namespace understudy
