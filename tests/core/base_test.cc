#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <thread>

#include "core/base/hash.h"
#include "core/base/options.h"
#include "core/base/ordered_pool.h"
#include "core/base/phases.h"
#include "core/base/rng.h"
#include "core/geometry/pose.h"

namespace understudy {

enum class Mode { kFast, kExact };
template <>
struct EnumNames<Mode> {
  static constexpr std::array kNames{"fast", "exact"};
};

namespace {

using testing::HasSubstr;

// Known answers of Philox 4x32-10 published with Random123 (kat_vectors).
TEST(Rng, PhiloxKnownAnswers) {
  using A = std::array<uint32_t, 4>;
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}), (A{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (A{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (A{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, EveryFieldOfTheKeyChangesTheStream) {
  const RngKey key{.seed = 1, .stage = 2, .parent = 3, .variant = 4, .term = 5};
  Rng same(key);
  EXPECT_EQ(Rng(key).NextU64(), same.NextU64());
  for (const RngKey& other : {key.WithStage("x"), key.WithParent(9), key.WithVariant(9),
                              key.WithTerm(9), RngKey{2, 2, 3, 4, 5}, RngKey{1, 2, 4, 3, 5}}) {
    EXPECT_NE(Rng(key).NextU64(), Rng(other).NextU64());
  }
}

TEST(Rng, MomentsOfTheDistributions) {
  Rng rng(RngKey{.seed = 3});
  const int n = 200000;
  double sum = 0, squares = 0, beta = 0, beta_squares = 0;
  for (int i = 0; i < n; ++i) {
    const double x = rng.Normal();
    const double b = rng.Beta(1.5, 1.0);
    sum += x;
    squares += x * x;
    beta += b;
    beta_squares += b * b;
    const int64_t k = rng.UniformInt(-3, 3);
    ASSERT_TRUE(k >= -3 && k <= 3);
  }
  // five standard errors
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(beta / n, 0.6, 5 * 0.262 / std::sqrt(n));
  EXPECT_NEAR(beta_squares / n - 0.36, 0.06857, 0.002);  // ab / ((a+b)^2 (a+b+1))
}

TEST(Rng, WholeNumbersAreFairAndReachBothEnds) {
  Rng rng(RngKey{.seed = 4});
  // 2^64 holds this count one and a third times: a remainder alone would favour the first third
  const uint64_t third = uint64_t{1} << 62;
  const int n = 3000;
  int first = 0;
  std::set<int64_t> seen;
  for (int i = 0; i < n; ++i) {
    first += rng.UniformInt(3 * third) < third;
    seen.insert(rng.UniformInt(-1, 1));
  }
  EXPECT_NEAR(first / double{n}, 1.0 / 3, 5 * std::sqrt(2.0 / 9 / n));
  EXPECT_EQ(seen, (std::set<int64_t>{-1, 0, 1}));
}

struct Inner {
  double gain = 1;
  Mode mode = Mode::kFast;
  template <class V>
  void Visit(V& v) {
    v("gain", gain, "how much", Limits{0, 10});
    v("mode", mode, "which");
  }
};
struct A {
  static constexpr const char* kTag = "a";
  int k = 3;
  template <class V>
  void Visit(V& v) {
    v("k", k, "", Limits{1, 5});
  }
};
struct B {
  static constexpr const char* kTag = "b";
  template <class V>
  void Visit(V&) {}
};
struct Outer {
  int count = 2;
  std::string name = "x";
  Inner inner;
  std::vector<double> list{1, 2};
  std::optional<double> maybe;
  std::variant<A, B> choice;
  Pose X_WB;
  std::map<std::string, Inner> named;
  template <class V>
  void Visit(V& v) {
    v("count", count, "", Limits{0, 9});
    v("name", name, "");
    v("inner", inner, "");
    v("list", list, "");
    v("maybe", maybe, "");
    v("choice", choice, "");
    v("pose", X_WB, "");
    v("named", named, "");
  }
};

std::string YamlError(const std::string& yaml) {
  try {
    FromJson<Outer>(ParseYaml(yaml, "t.yaml"), "t.yaml");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Options, RoundTripThroughJson) {
  Outer outer;
  outer.choice = B{};
  outer.maybe = 0.25;
  outer.named["k"].gain = 7;
  outer.X_WB = PoseFromYaw(1, {1, 2, 3});
  const Json json = ToJson(outer);
  EXPECT_EQ(ToJson(FromJson<Outer>(json, "t")), json);
}

TEST(Options, EveryViolationIsListedAtOnce) {
  const std::string error =
      YamlError("count: 12\ninner: {gian: 3, mode: slow}\nchoice: {type: a, k: 9}\nlist: 3\n");
  EXPECT_THAT(error, HasSubstr("count: = 12 must lie in [0, 9]"));
  EXPECT_THAT(error, HasSubstr("inner.gian: unknown key 'gian': did you mean 'gain'?"));
  EXPECT_THAT(error, HasSubstr("unknown choice 'slow'"));
  EXPECT_THAT(error, HasSubstr("choice.k: = 9"));
  EXPECT_THAT(error, HasSubstr("list: must be a list, not 3"));
}

struct Numbers {
  uint64_t seed = 3;
  int64_t signed_ = 0;
  int small = 0;
  template <class V>
  void Visit(V& v) {
    v("seed", seed, "");
    v("signed", signed_, "");
    v("small", small, "");
  }
};

// Whole numbers are read exactly or not at all: as doubles, 2^64 - 1 and 2^64 are equal.
TEST(Options, WholeNumbersAreExactOrRefused) {
  const auto read = [](const std::string& yaml) {
    return FromJson<Numbers>(ParseYaml(yaml, "t.yaml"), "t.yaml");
  };
  EXPECT_EQ(read("seed: 18446744073709551615").seed, UINT64_MAX);
  EXPECT_EQ(read("seed: 9223372036854775808").seed, uint64_t{1} << 63);
  EXPECT_EQ(read("seed: 9007199254740993").seed, (uint64_t{1} << 53) + 1);
  EXPECT_EQ(read("seed: 1e3").seed, 1000u);
  EXPECT_EQ(read("signed: 9223372036854775807").signed_, INT64_MAX);
  EXPECT_EQ(read("signed: -9223372036854775808").signed_, INT64_MIN);
  EXPECT_EQ(read("small: -2147483648").small, INT32_MIN);
  for (const char* yaml :
       {"seed: 18446744073709551616", "seed: 99999999999999999999999999999", "seed: -1",
        "seed: 1e19", "seed: 1e300", "seed: .inf", "signed: 9223372036854775808",
        "signed: -9223372036854775809", "small: 2147483648", "small: -2147483649"}) {
    try {
      read(yaml);
      FAIL() << yaml;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("is out of range: whole numbers from")) << yaml;
    }
  }
}

struct Worker {
  int threads = 0;
  double reach = 1;
  template <class V>
  void Visit(V& v) {
    v("threads", threads, "0: one per core", Limits{0, 8}, Effect::kSpeed);
    v("reach", reach, "m, at most");
  }
};
struct Job {
  std::string input, out;
  Worker worker, log;
  bool resume = false;
  template <class V>
  void Visit(V& v) {
    v("input", input, "what is read", kRequired);
    v("out", out, "what is written", kRequired, kOutput);
    v("worker", worker, "who works");
    v("log", log, "where it is written down", Effect::kPlace);
    v("resume", resume, "go on", Effect::kPlace);
  }
};

TEST(Options, FieldsSayWhatAChangeOfThemChanges) {
  std::map<std::string, FieldInfo> fields;
  for (const FieldInfo& field : ListFields(Job{})) fields[field.path] = field;
  EXPECT_EQ(fields.at("input").effect, Effect::kResults);
  EXPECT_TRUE(fields.at("input").required);
  EXPECT_FALSE(fields.at("input").output);
  EXPECT_EQ(fields.at("out").effect, Effect::kPlace);
  EXPECT_TRUE(fields.at("out").output);
  EXPECT_EQ(fields.at("worker.threads").effect, Effect::kSpeed);
  EXPECT_EQ(fields.at("worker.threads").limits.high, 8);
  EXPECT_EQ(fields.at("worker.reach").effect, Effect::kResults);
  EXPECT_EQ(fields.at("worker.reach").unit, "m");
  EXPECT_EQ(fields.at("worker.threads").unit, "");
  // a struct's effect is that of its fields, unless they state one
  EXPECT_EQ(fields.at("log.reach").effect, Effect::kPlace);
  EXPECT_EQ(fields.at("log.threads").effect, Effect::kSpeed);
  EXPECT_EQ(ResultOptions(Job{.input = "a", .out = "b"}),
            Json::parse(R"({"input": "a", "worker": {"reach": 1.0}})"));
}

TEST(Options, BadFilesNameTheLine) {
  EXPECT_THAT(YamlError("count: [1, 2\n"), HasSubstr("t.yaml:"));
  EXPECT_THAT(YamlError("count: 1\ncount: 2\n"), HasSubstr("key 'count' twice"));
  EXPECT_THAT(YamlError("choice: {type: c}"), HasSubstr("unknown type 'c'"));
  EXPECT_THAT(YamlError("pose: {q: [2, 0, 0, 0]}"), HasSubstr("unit quaternion"));
}

TEST(Options, SetByPath) {
  Json json = ToJson(Outer{});
  SetByPath(json, "inner.gain", 4.5);
  EXPECT_EQ(FromJson<Outer>(json, "t").inner.gain, 4.5);
  SetByPath(json, "named.new.gain", 2);
  EXPECT_EQ(FromJson<Outer>(json, "t").named.at("new").gain, 2);
  EXPECT_THROW(SetByPath(json, "count.gain", 4), Error);
  SetByPath(json, "inner.gian", 4);
  EXPECT_THROW(FromJson<Outer>(json, "t"), Error);
}

// A random structure of everything that JSON has.
Json RandomJson(Rng& rng, int depth) {
  static const std::vector<std::string> kTexts{
      "",           "a",     "two words", "yes",  "true", "12",  "1e3",
      "- x",        "a: b",  "#no",       "x #y", "'",    "~",   "\"",
      "line\nline", "[x]",   "{x}",       "grün", "*a",   "&a",  "!t",
      "a,b",        " lead", "null",      "0x1F", ".5",   "---", "a\\b",
      "trail ",     "-",     "?",         "%x",   "@x",   "`x",  "subtasks[0].replay: x -> y"};
  const uint64_t kind = rng.UniformInt(static_cast<uint64_t>(depth > 0 ? 8 : 6));
  switch (kind) {
    case 0:
      return rng.Uniform(0, 1) < 0.5;
    case 1:
      return static_cast<int64_t>(rng.Uniform(-1e6, 1e6));
    case 2:
      return rng.Normal() * std::pow(10, rng.Uniform(-30, 30));
    case 3:
      return nullptr;
    case 4:
    case 5:
      return kTexts[rng.UniformInt(static_cast<uint64_t>(kTexts.size()))];
    default:
      break;
  }
  Json json = kind == 6 ? Json::array() : Json::object();
  const uint64_t count = rng.UniformInt(uint64_t{4});
  for (uint64_t i = 0; i < count; ++i) {
    if (kind == 6)
      json.push_back(RandomJson(rng, depth - 1));
    else
      json[kTexts[rng.UniformInt(static_cast<uint64_t>(kTexts.size()))]] =
          RandomJson(rng, depth - 1);
  }
  return json;
}

TEST(Yaml, WhatIsDumpedIsReadBack) {
  Rng rng(RngKey{.seed = 5});
  for (int i = 0; i < 5000; ++i) {
    const Json json = RandomJson(rng, 4);
    const std::string text = DumpYaml(json);
    ASSERT_EQ(ParseYaml(text, "dump"), json) << text;
  }
  EXPECT_EQ(DumpYaml(Json{{"subtasks",
                           {{{"object", "cubeA"}, {"k", {1, 2}}, {"deep", {{"a", {{"b", 1}}}}}}}}}),
            "subtasks:\n  - object: cubeA\n    k: [1, 2]\n    deep:\n      a: {b: 1}\n");
}

TEST(Yaml, ScalarsFollowTheCoreSchema) {
  const Json json = ParseYaml("[yes, 'true', true, 12, -3, 1e3, .5, ~, 0x1F, '12']", "t");
  EXPECT_EQ(json, Json::parse(R"(["yes", "true", true, 12, -3, 1000.0, 0.5, null, 31, "12"])"));
}

// Results arrive in order and the stop cuts at the same place, however many threads there are.
TEST(OrderedPool, SameResultForAnyThreadCount) {
  const auto run = [](int threads) {
    std::vector<int64_t> got;
    RunOrdered<int64_t>(
        threads, 5, 100,
        [](int, int64_t i) {
          std::this_thread::sleep_for(std::chrono::microseconds((i * 7919) % 300));
          return i * i;
        },
        [&](int64_t i, int64_t&& square) {
          EXPECT_EQ(square, i * i);
          got.push_back(i);
          return i < 60;
        });
    return got;
  };
  const std::vector<int64_t> one = run(1);
  EXPECT_EQ(one.size(), 56u);
  EXPECT_EQ(run(4), one);
}

// While one result is consumed, no more than the window is worked on ahead of it.
TEST(OrderedPool, RunsNoFurtherAheadThanItsWindow) {
  std::atomic<int64_t> last = 0;
  const auto work = [&](int, int64_t i) {
    for (int64_t seen = last; seen < i && !last.compare_exchange_weak(seen, i);) {
    }
    return i;
  };
  const auto consume = [&](int64_t i, int64_t&&) {
    if (i > 0) return true;
    using std::chrono::milliseconds;
    for (int wait = 0; wait < 10000 && last < 5; ++wait)
      std::this_thread::sleep_for(milliseconds(1));
    std::this_thread::sleep_for(milliseconds(50));
    EXPECT_EQ(last, 5);
    return true;
  };
  RunOrdered<int64_t>(3, 0, 40, work, consume, /*window=*/5);
  EXPECT_EQ(last, 39);
}

TEST(OrderedPool, RethrowsTheFirstErrorInOrder) {
  const auto work = [](int, int64_t i) -> int {
    if (i == 3 || i == 7) throw std::runtime_error(std::to_string(i));
    return 0;
  };
  try {
    RunOrdered<int>(4, 0, 50, work, [](int64_t, int&&) { return true; });
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "3");
  }
}

TEST(Hash, UuidIsStableAndWellFormed) {
  const RngKey key{.seed = 1};
  EXPECT_EQ(MakeUuid("p", key), MakeUuid("p", key));
  EXPECT_NE(MakeUuid("p", key), MakeUuid("q", key));
  EXPECT_THAT(
      MakeUuid("p", key),
      testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
}

TEST(Error, UnknownNameNamesTheNearest) {
  EXPECT_THAT(UnknownName("task", "stak", {"lift", "stack"}), HasSubstr("did you mean 'stack'?"));
  EXPECT_THAT(UnknownName("task", "zzzzzz", {"lift", "stack"}), testing::Not(HasSubstr("mean")));
}

TEST(Phases, AddUpOnTheThreadThatAsks) {
  { const PhaseScope nobody("nothing"); }
  PhaseCollector collector;
  const auto work = [] {
    const PhaseScope scope("work");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  };
  work();
  {
    PhaseCollector inner;
    work();
    EXPECT_GE(inner.TakeSeconds().at("work"), 0.005);
  }
  std::thread(work).join();
  work();
  const std::map<std::string, double> seconds = collector.TakeSeconds();
  EXPECT_EQ(seconds.size(), 1u);
  EXPECT_GE(seconds.at("work"), 0.010);
  EXPECT_LT(seconds.at("work"), 0.015 + 0.2);
  EXPECT_TRUE(collector.TakeSeconds().empty());
}

}  // namespace
}  // namespace understudy
