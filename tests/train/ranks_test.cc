#include "train/run/ranks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/base/error.h"

namespace understudy {
namespace {

using testing::HasSubstr;

std::optional<RankPlace> Find(const std::map<std::string, std::string>& variables) {
  return FindRankPlace([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string MessageOf(const std::map<std::string, std::string>& variables) {
  try {
    Find(variables);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "no error";
}

TEST(RankPlace, IsThatOfTorchrun) {
  const auto place = Find({{"RANK", "5"},
                           {"WORLD_SIZE", "8"},
                           {"LOCAL_WORLD_SIZE", "4"},
                           {"MASTER_ADDR", "node1"},
                           {"MASTER_PORT", "29500"},
                           {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                           {"TORCHELASTIC_RESTART_COUNT", "2"}});
  ASSERT_TRUE(place);
  EXPECT_EQ(place->rank, 5);
  EXPECT_EQ(place->size, 8);
  EXPECT_EQ(place->local_size, 4);
  EXPECT_EQ(place->host, "node1");
  EXPECT_EQ(place->port, 29500);
  EXPECT_TRUE(place->launcher_listens);
  EXPECT_EQ(place->attempt, 2);
}

TEST(RankPlace, IsThatOfSrun) {
  std::map<std::string, std::string> slurm{{"SLURM_JOB_ID", "20001"},
                                           {"SLURM_NTASKS", "6"},
                                           {"SLURM_STEP_NUM_TASKS", "6"},
                                           {"SLURM_PROCID", "4"},
                                           {"SLURM_STEP_NODELIST", "tux[03-05],b1"},
                                           {"SLURM_STEP_TASKS_PER_NODE", "2(x3)"}};
  auto place = Find(slurm);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->rank, 4);
  EXPECT_EQ(place->size, 6);
  EXPECT_EQ(place->local_size, 2);
  EXPECT_EQ(place->host, "tux03");
  EXPECT_EQ(place->port, 12001);
  EXPECT_FALSE(place->launcher_listens);

  // what is set besides counts more
  slurm["MASTER_ADDR"] = "10.0.0.7";
  slurm["MASTER_PORT"] = "4000";
  place = Find(slurm);
  EXPECT_EQ(place->host, "10.0.0.7");
  EXPECT_EQ(place->port, 4000);
  slurm["SLURM_STEP_NUM_TASKS"] = "1";
  EXPECT_FALSE(Find(slurm));
}

TEST(RankPlace, OneProcessTrainsAlone) {
  EXPECT_FALSE(Find({}));
  EXPECT_FALSE(Find({{"WORLD_SIZE", "1"}}));
  EXPECT_FALSE(Find({{"SLURM_NTASKS", "1"}, {"SLURM_JOB_ID", "7"}}));
  // of one rank under torchrun, whose store is there all the same
  EXPECT_TRUE(Find(
      {{"WORLD_SIZE", "1"}, {"RANK", "0"}, {"MASTER_ADDR", "localhost"}, {"MASTER_PORT", "1"}}));
}

TEST(RankPlace, WhatIsHalfSetIsRefused) {
  EXPECT_THAT(MessageOf({{"WORLD_SIZE", "4"}, {"RANK", "1"}}),
              HasSubstr("WORLD_SIZE=4 without MASTER_ADDR, MASTER_PORT: start the ranks by "
                        "torchrun --no-python or srun"));
  EXPECT_THAT(MessageOf({{"WORLD_SIZE", "two"}}),
              HasSubstr("WORLD_SIZE=two: must be a whole number from 1"));
  EXPECT_THAT(
      MessageOf(
          {{"WORLD_SIZE", "2"}, {"RANK", "2"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "29500"}}),
      HasSubstr("RANK=2: must be a whole number from 0 to 1"));
  EXPECT_THAT(
      MessageOf(
          {{"WORLD_SIZE", "2"}, {"RANK", "1"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "70000"}}),
      HasSubstr("MASTER_PORT=70000"));
  // several tasks and one process: the others would be forgotten
  EXPECT_THAT(MessageOf({{"SLURM_NTASKS", "4"}, {"SLURM_JOB_ID", "7"}, {"SLURM_PROCID", "0"}}),
              HasSubstr("Slurm gave this job 4 tasks, and one process was started: start the "
                        "training by `srun"));
}

TEST(RankPlace, FirstHostOfSlurmsLists) {
  EXPECT_EQ(FirstHost("b1"), "b1");
  EXPECT_EQ(FirstHost("b1,b2"), "b1");
  EXPECT_EQ(FirstHost("tux[03-07,9],b1"), "tux03");
  EXPECT_EQ(FirstHost("tux[12,14]"), "tux12");
  EXPECT_EQ(FirstHost("rack[1-2]-ib,b1"), "rack1-ib");
  EXPECT_EQ(FirstHost("b1,tux[03-07]"), "b1");
  EXPECT_EQ(FirstHost(""), "");
}

}  // namespace
}  // namespace understudy
