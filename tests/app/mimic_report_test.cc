#include "app/mimic_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/charts.h"
#include "app/sample_videos.h"

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// A run with two ways to fail, and names that try to be HTML.
MimicReport Report() {
  MimicReport report;
  report.task = "stack <u>&\"";
  report.variant = "D1";
  report.attempts = 20;
  report.successes = report.episodes = 12;
  report.failures = {{"dropped", {0, 5}}, {"grasp_missed", {3, 0}}};
  report.failure_kinds = {{{"dropped", 1}, {5, 500, {4, 7, 9}}},
                          {{"grasp_missed", 0}, {3, 90, {1, 2, 3}}}};
  report.first_successes = {0, 5, 6};
  report.subtasks = {{20, 17}, {17, 12}};
  report.lengths.successes = {0, 0, 0, 4, 8};
  report.lengths.failures = {0, 3, 0, 5, 0};
  report.sources = {{"/data/src.h5:demo_0</td><script>", "u", 20, 12}};
  report.skipped = {{"old.h5:demo_1", {"robot '<ur5>'"}}};
  Coverage coverage;
  coverage.object = "cube<A>";
  coverage.x = {-0.1, 0.1};
  coverage.y = {0.2, 0.4};
  coverage.bins_x = coverage.bins_y = 2;
  coverage.attempts = {10, 6, 4, 0};
  coverage.successes = {9, 3, 0, 0};
  report.coverage = {coverage};
  report.stop_reason = "20 attempts made";
  report.suggestions = {"lower <it>"};
  return report;
}

const Json kTask{
    {"subtasks", {{{"object", "cubeA"}, {"signal", "gr<asp>"}}, {{"object", "cubeB"}}}}};

std::string Page(const MimicReport& report, const SampleVideos& samples = {}) {
  return MimicPage(report.ToJson(), kTask, Json{{"seed", "<i>"}}, 20, samples);
}

TEST(MimicPage, HoldsEverySection) {
  const std::string page = Page(Report());
  for (const char* part :
       {"generation rate", "60.0 %", "95 % interval", "What to change", "How far attempts came",
        "Why attempts failed", "How long attempts were", "Where objects stood",
        "Use of each source demonstration", "Where the time went", "Exactly what was run",
        "Sample attempts", "id=\"report\""}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  // rates of subtasks, shares and mean lengths of causes, first attempts
  EXPECT_THAT(page, HasSubstr("85.0 %"));
  EXPECT_THAT(page, HasSubstr("62.5 %"));
  EXPECT_THAT(page, HasSubstr("<td>4, 7, 9</td>"));
  EXPECT_LT(page.find("<td>dropped</td>"), page.find("<td>grasp_missed</td>"))
      << "the most frequent cause comes first";
}

// Whatever a file or a user calls things, it is text.
TEST(MimicPage, EscapesNames) {
  SampleVideos samples;
  samples.videos = {{.attempt = 4, .cause = "<x1>", .subtask = 0, .detail = "<x2>", .mp4 = {1}}};
  samples.note = "<x3>";
  const std::string page = Page(Report(), samples);
  for (const char* raw : {"<u>", "</td><script>", "<ur5>", "cube<A>", "lower <it>", "gr<asp>",
                          "<i>", "<x1>", "<x2>", "<x3>"}) {
    EXPECT_THAT(page, Not(HasSubstr(raw)));
  }
  EXPECT_THAT(page, HasSubstr("cube&lt;A&gt;"));
  EXPECT_EQ(CountOf(page, "<script"), 1) << "the numbers";
}

TEST(MimicPage, NeedsNothingFromTheNetwork) {
  SampleVideos samples;
  samples.videos = {{.attempt = 0, .success = true, .mp4 = {1, 2, 3}}};
  const std::string page = Page(Report(), samples);
  EXPECT_THAT(page, HasSubstr("data:video/mp4;base64,AQID"));
  for (const char* part : {"http:", "https:", "src=\"/", "<link", "@import"}) {
    EXPECT_THAT(page, Not(HasSubstr(part)));
  }
}

TEST(MimicPage, TheNumbersCanBeReadBack) {
  const std::string page = Page(Report());
  const std::string open = "id=\"report\">";
  const size_t begin = page.find(open) + open.size();
  const Json read = Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  EXPECT_EQ(read, Report().ToJson());
}

TEST(MimicPage, ARunWithoutFailuresSaysSo) {
  MimicReport report;
  report.attempts = report.successes = 3;
  report.lengths.successes = {3};
  report.lengths.failures = {0};
  const std::string page = Page(report);
  EXPECT_THAT(page, HasSubstr("No attempt failed."));
  EXPECT_THAT(page, HasSubstr("Nothing stands out"));
}

// What an older version stored lacks the parts that came later.
TEST(MimicPage, TakesWhatThereIs) {
  const Json old{{"attempts", 3}, {"successes", 2}, {"failures", {{"dropped", {1}}}}};
  EXPECT_THAT(MimicNumbers(old), HasSubstr("66.7 %"));
  EXPECT_THAT(MimicSections(old, {}, 20), HasSubstr("Why attempts failed"));
}

TEST(SampleAttempts, ASuccessThenEveryWayToFail) {
  EXPECT_THAT(SampleAttempts(Report(), 12, 2), ElementsAre(0, 4, 7, 1, 2));
  EXPECT_THAT(SampleAttempts(Report(), 3, 2), ElementsAre(0, 4, 1)) << "each way once at first";
  EXPECT_THAT(SampleAttempts(Report(), 4, 2), ElementsAre(0, 4, 7, 1));
  EXPECT_THAT(SampleAttempts({}, 12, 2), ElementsAre());
}

// Bars stand for their counts whatever is joined.
TEST(Charts, AHistogramKeepsItsCounts) {
  HistogramSeries series{"n", "red", std::vector<int64_t>(500, 1)};
  series.counts[0] = 0;
  const std::string svg = HistogramSvg({series}, {.title = "t", .bin_width = 5});
  EXPECT_LE(CountOf(svg, "<g>"), 60);
  int64_t total = 0;
  for (size_t at = svg.find("<title>"); at != std::string::npos; at = svg.find("<title>", at + 1)) {
    total += std::stoll(svg.substr(svg.find(", ", at) + 2));
  }
  EXPECT_EQ(total, 499);
  EXPECT_THAT(HistogramSvg({{"n", "red", {0, 0}}}, {.title = "t"}), HasSubstr("nothing to show"));
}

TEST(Charts, AHeatMapNamesEveryBin) {
  const std::string svg = HeatMapSvg({"t", {0, 1}, {0, 1}, 2, 2, {10, 6, 4, 0}, {9, 3, 0, 0}});
  for (const char* part : {">9/10<", ">3/6<", ">0/4<", "x from 0.500, y from 0.500: 0 of 0"}) {
    EXPECT_THAT(svg, HasSubstr(part));
  }
}

}  // namespace
}  // namespace understudy
