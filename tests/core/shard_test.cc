#include "core/base/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/base/error.h"

namespace understudy {
namespace {

using testing::HasSubstr;

class ShardTest : public testing::Test {
 protected:
  void SetUp() override { Clear(); }
  void TearDown() override { Clear(); }
  static void Clear() {
    for (const char* name : {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP",
                             "SLURM_ARRAY_TASK_COUNT", "JOB_COMPLETION_INDEX"}) {
      unsetenv(name);
    }
  }
  static void Set(const char* name, const char* value) { setenv(name, value, 1); }
  static std::string Refusal(const std::string& text) {
    try {
      ParseShard(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.what();
    }
    ADD_FAILURE() << text << " was taken";
    return "";
  }
};

TEST_F(ShardTest, PartsAreEverythingInOrderAndAlike) {
  for (int64_t total : {0, 1, 7, 64, 1000}) {
    for (int64_t count : {1, 2, 3, 16}) {
      int64_t at = 0;
      for (int64_t i = 0; i < count; ++i) {
        const Shard shard{i, count};
        EXPECT_EQ(shard.begin(total), at);
        at = shard.end(total);
        EXPECT_GE(at - shard.begin(total), total / count);
        EXPECT_LE(at - shard.begin(total), total / count + 1);
      }
      EXPECT_EQ(at, total);
    }
  }
}

TEST_F(ShardTest, ReadsTextAndClusters) {
  EXPECT_TRUE(ParseShard("").whole());
  EXPECT_EQ(ParseShard("2/16").index, 2);
  EXPECT_EQ(ParseShard("2/16").count, 16);
  // an array 10-40:10
  Set("SLURM_ARRAY_TASK_ID", "30");
  Set("SLURM_ARRAY_TASK_MIN", "10");
  Set("SLURM_ARRAY_TASK_STEP", "10");
  Set("SLURM_ARRAY_TASK_COUNT", "4");
  EXPECT_EQ(ParseShard("auto").index, 2);
  EXPECT_EQ(ParseShard("auto").count, 4);
  // task 3 of an array 0-15, submitted again alone
  Set("SLURM_ARRAY_TASK_ID", "3");
  Set("SLURM_ARRAY_TASK_MIN", "3");
  Set("SLURM_ARRAY_TASK_COUNT", "1");
  EXPECT_EQ(ParseShard("auto/16").index, 3);
  Clear();
  Set("JOB_COMPLETION_INDEX", "5");
  EXPECT_EQ(ParseShard("auto/6").index, 5);
  EXPECT_THAT(Refusal("auto"), HasSubstr("say auto/n"));
  EXPECT_THAT(Refusal("auto/5"), HasSubstr("this is part 5 of 5"));
  Set("JOB_COMPLETION_INDEX", "five");
  EXPECT_THAT(Refusal("auto/6"), HasSubstr("JOB_COMPLETION_INDEX=five"));
}

TEST_F(ShardTest, RefusesNonsense) {
  for (const char* text : {"3", "3/3", "-1/3", "1/0", "a/b", "1/2/3", "/", "1/", "/2", "1 / 2"}) {
    EXPECT_THAT(Refusal(text), HasSubstr("give i/n with i from 0 to n - 1")) << text;
  }
  EXPECT_THAT(Refusal("auto"), HasSubstr("no array job"));
}

TEST_F(ShardTest, NamesStandBesideEachOther) {
  EXPECT_EQ(Shard{}.Output("a/out.h5"), "a/out.h5");
  EXPECT_EQ((Shard{2, 16}.Output("a/out.h5")), "a/out.shard-002-of-016.h5");
  EXPECT_EQ((Shard{101, 2000}.Output("out.h5")), "out.shard-0101-of-2000.h5");
}

}  // namespace
}  // namespace understudy
