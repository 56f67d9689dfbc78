// The page of a generation run, with films of a real simulator.
#include "core/base/json.h"
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

// The numbers that the page carries for scripts.
Json NumbersOf(const std::string& page) {
  const std::string open = "id=\"report\">";
  const size_t begin = page.find(open);
  if (begin == std::string::npos) return Json();
  const size_t start = begin + open.size();
  return Json::parse(page.substr(start, page.find("</script>", start) - start));
}

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_F(Cli, ThePageOfARunShowsEveryCause) {
  ASSERT_EQ(Run("teleop --task stack --demos 3 --seed 1 --out sources.h5 --quiet").exit_code, 0);
  // noise that spoils some attempts
  const std::string mimic =
      "mimic --source sources.h5 --variant D1 --seed 3 --attempts 16 --generate.noise-scale 12 ";
  Expect(mimic + "--out g.h5 --report pages/run.html", 0, "report: pages/run.html");
  const std::string page = ReadText(folder_ / "pages/run.html");
  for (const char* part :
       {"How far attempts came", "Why attempts failed", "How long attempts were", "start of cubeA",
        "Use of each source demonstration", "Where the time went"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(page, Not(HasSubstr("http:")));
  EXPECT_THAT(page, Not(HasSubstr("https:")));

  // one film of a success, one or two of every way to fail
  const Json numbers = NumbersOf(page);
  ASSERT_TRUE(numbers.is_object());
  ASSERT_GT(numbers["failure_kinds"].size(), 0u) << "this test needs attempts that fail";
  int films = numbers["successes"] > 0 ? 1 : 0;
  for (const Json& kind : numbers["failure_kinds"]) {
    films += std::min(2, kind["count"].get<int>());
    EXPECT_THAT(page, HasSubstr("attempt " + kind["first_attempts"][0].dump() + ", "));
  }
  EXPECT_EQ(CountOf(page, "data:video/mp4;base64,"), std::min(films, 12));

  // the dataset is what it is without a page
  Expect(mimic + "--out plain.h5 --quiet", 0, "");
  const auto hash = [&](const std::string& file) {
    return Json::parse(Run("data info --json " + file).output)["content_hash"];
  };
  EXPECT_EQ(hash("g.h5"), hash("plain.h5"));

  // without OpenGL the page says so and has the rest; parts of a run have pages of their own
  Expect(mimic + "--out s.h5 --shard 1/4 --report s.html", 0, "report: s.shard-001-of-004.html",
         "__EGL_VENDOR_LIBRARY_FILENAMES=/nowhere/egl.json");
  const std::string blind = ReadText(folder_ / "s.shard-001-of-004.html");
  EXPECT_THAT(blind, HasSubstr("No videos: "));
  EXPECT_THAT(blind, HasSubstr("libegl-mesa0"));
  EXPECT_THAT(blind, HasSubstr("start of cubeA"));
  EXPECT_EQ(NumbersOf(blind)["attempts"], 4);

  // so it does without a folder for the films
  for (const auto& [folder, shard] : {std::pair{"/nowhere", "2"}, {"/proc", "3"}}) {
    const std::string part = shard;
    Expect(mimic + "--out s.h5 --report s.html --shard " + part + "/4", 0, "report: s.shard-00",
           std::string("TMPDIR=") + folder);
    const std::string still = ReadText(folder_ / ("s.shard-00" + part + "-of-004.html"));
    EXPECT_THAT(still, HasSubstr("No videos: "));
    EXPECT_THAT(still, HasSubstr("TMPDIR"));
    EXPECT_EQ(NumbersOf(still)["attempts"], 4);
  }

  // a place that cannot be written to is told before the work
  Expect(mimic + "--out x.h5 --report sources.h5/page.html", 2, "report: 'sources.h5/page.html'");
  EXPECT_FALSE(fs::exists(folder_ / "x.h5"));
}

}  // namespace
}  // namespace understudy
