#pragma once

// Commands of the built program in a folder of their own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/base/json.h"
#include "data/store/reader.h"
#include "tests/support/subprocess.h"

namespace understudy {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

// UNDERSTUDY_PROGRAM names another one (tools/mutate.py).
inline const std::string kProgram = [] {
  const char* other = std::getenv("UNDERSTUDY_PROGRAM");
  return std::string(other != nullptr ? other : UNDERSTUDY_BINARY_DIR "/understudy");
}();
inline const std::string kSource = UNDERSTUDY_SOURCE_DIR;

// A fresh folder in which commands run; nobody's headset or settings leak in.
class Cli : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              (std::string("understudy_") +
               testing::UnitTest::GetInstance()->current_test_info()->name() + "_" +
               std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override {
    if (!HasFailure()) fs::remove_all(folder_);
  }
  CommandResult Run(const std::string& arguments, const std::string& environment = "") const {
    return RunShell("cd " + folder_.string() + " && " + environment + " " + kProgram + " " +
                    arguments + " 2>&1");
  }
  // Runs and expects exit code and text.
  void Expect(const std::string& arguments, int exit_code, const std::string& text,
              const std::string& environment = "") const {
    const CommandResult result = Run(arguments, environment);
    EXPECT_EQ(result.exit_code, exit_code) << arguments << "\n" << result.output;
    EXPECT_THAT(result.output, HasSubstr(text)) << arguments;
    EXPECT_THAT(result.output, Not(HasSubstr("bug in Understudy"))) << arguments;
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  fs::path folder_;
};

// `text` with every `from` replaced.
inline std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Identities, states and actions of all episodes, in order; not when they were recorded.
inline void ExpectSameEpisodes(const DatasetReader& a, const DatasetReader& b) {
  ASSERT_EQ(a.episodes().size(), b.episodes().size());
  for (size_t i = 0; i < a.episodes().size(); ++i) {
    const Episode x = a.ReadEpisode(i), y = b.ReadEpisode(i);
    ASSERT_EQ(x.length(), y.length()) << i;
    EXPECT_EQ(x.meta.uuid, y.meta.uuid) << i;
    EXPECT_EQ(x.final_state, y.final_state) << i;
    for (size_t t = 0; t < x.length(); ++t) {
      EXPECT_EQ(x.steps[t].state, y.steps[t].state) << i << ", " << t;
      EXPECT_TRUE(x.steps[t].action == y.steps[t].action) << i << ", " << t;
    }
  }
}

inline std::string TinyPipeline() {
  return Replaced(ReadText(kSource + "/tests/cli/tiny.yaml"), "PLAN",
                  kSource + "/demo/randomised.yaml");
}

}  // namespace understudy
