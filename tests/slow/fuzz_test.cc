// The fuzz targets on bytes of a fixed seed, for about a minute in all. libFuzzer looks further:
// preset `fuzz`.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "tests/fuzz/targets.h"

namespace understudy {
namespace {

using Target = void (*)(const uint8_t*, size_t);

// Runs `target` on inputs first … first + count - 1 of `input` with a gigabyte of memory, in a
// child so that a crash is told with its input. Returns the input that ended it, or -1.
template <class Input>
int64_t EndedBy(Target target, int64_t count, const Input& input) {
  int pipe_fds[2];
  if (pipe(pipe_fds) != 0) return 0;
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{1 << 30, 1 << 30};
    setrlimit(RLIMIT_DATA, &limit);
    for (int64_t i = 0; i < count; ++i) {
      if (write(pipe_fds[1], &i, sizeof(i)) != sizeof(i)) _exit(3);
      const std::vector<uint8_t> bytes = input(i);
      try {
        target(bytes.data(), bytes.size());
      } catch (const std::exception& error) {
        std::cerr << "input " << i << ": " << error.what() << std::endl;
        _exit(4);
      }
    }
    _exit(0);
  }
  close(pipe_fds[1]);
  int64_t last = -1, i = 0;
  while (read(pipe_fds[0], &i, sizeof(i)) == sizeof(i)) last = i;
  close(pipe_fds[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? -1 : last;
}

std::vector<uint8_t> RandomBytes(int64_t i, size_t most) {
  Rng rng(RngKey{.seed = 77, .parent = static_cast<uint64_t>(i)});
  std::vector<uint8_t> bytes(rng.UniformInt(uint64_t{most}) + 1);
  for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng.NextU32());
  return bytes;
}

// Text that nearly holds: a sound one with some letters changed, moved or repeated.
std::vector<uint8_t> NearlyText(int64_t i) {
  static const std::vector<std::string> seeds{
      R"({"a": [1, -2.5e3, "x\u00e9", null, true], "b": {"c": {}}})",
      "a: &x {b: [1, 2.5, yes], c: \"t\"}\nd: *x\ne:\n  - f: 1\n    g: |\n      text\n  - ~\n",
      "success && steps < 200 && (dr.light.0 + 1) * 2 >= min(3, 4) || !contains(dr.name, 'x')"};
  Rng rng(RngKey{.seed = 78, .parent = static_cast<uint64_t>(i)});
  const uint64_t kind = rng.UniformInt(uint64_t{3});
  std::string text = seeds[kind];
  for (uint64_t n = rng.UniformInt(uint64_t{6}); n > 0; --n) {
    const size_t at = rng.UniformInt(uint64_t{text.size()});
    switch (rng.UniformInt(uint64_t{4})) {
      case 0:
        text[at] = static_cast<char>(rng.NextU32());
        break;
      case 1:
        text.erase(at, 1 + rng.UniformInt(uint64_t{4}));
        break;
      case 2:
        text.insert(at, text.substr(rng.UniformInt(uint64_t{text.size()}), 8));
        break;
      default:
        // deep nesting
        text.insert(at, std::string(rng.UniformInt(uint64_t{3000}), "[{(-!&*"[at % 7]));
    }
    if (text.empty()) text = "x";
  }
  std::vector<uint8_t> bytes{static_cast<uint8_t>(kind)};
  bytes.insert(bytes.end(), text.begin(), text.end());
  return bytes;
}

TEST(SlowFuzz, TextIsAnsweredByAnError) {
  EXPECT_EQ(EndedBy(FuzzText, 100'000, NearlyText), -1) << "input (see NearlyText)";
}

TEST(SlowFuzz, InjuredDatasetsAreAnsweredByAnError) {
  EXPECT_EQ(EndedBy(FuzzDataset, 2000, [](int64_t i) { return RandomBytes(i, 200); }), -1)
      << "input (see RandomBytes)";
}

TEST(SlowFuzz, ChangedBytesOfAFileAreAFaultOfIt) {
  EXPECT_EQ(EndedBy(FuzzFile, 1000, [](int64_t i) { return RandomBytes(i, 60); }), -1)
      << "input (see RandomBytes)";
}

TEST(SlowFuzz, WeightsThatNearlyHoldAreReadOrRefused) {
  EXPECT_EQ(EndedBy(FuzzTensors, 3000, [](int64_t i) { return RandomBytes(i, 80); }), -1)
      << "input (see RandomBytes)";
}

TEST(SlowFuzz, WhatPagesSendMovesNothingThatItShouldNot) {
  EXPECT_EQ(EndedBy(FuzzPage, 200'000, [](int64_t i) { return RandomBytes(i, 3000); }), -1)
      << "input (see RandomBytes)";
}

}  // namespace
}  // namespace understudy
