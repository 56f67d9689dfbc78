#include "train/samples/batch_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/base/error.h"
#include "tests/train/training_fixture.h"
#include "train/run/train_loop.h"
#include "train/samples/image_ops.h"
#include "train/samples/sampler.h"
#include "train/samples/statistics.h"

namespace understudy {
namespace {

TEST(Permute, IsAPermutationOfEveryCount) {
  for (const uint64_t count : {1u, 2u, 3u, 5u, 16u, 17u, 100u, 1000u, 4097u}) {
    for (uint64_t epoch = 0; epoch < 3; ++epoch) {
      std::set<uint64_t> seen;
      for (uint64_t i = 0; i < count; ++i) {
        const uint64_t to = Permute(i, count, RngKey{.seed = 3, .variant = epoch});
        EXPECT_LT(to, count);
        seen.insert(to);
      }
      EXPECT_EQ(seen.size(), count);
    }
  }
}

// Near neighbours must not stay near: mean |step| of a random permutation is count / 3.
TEST(Permute, Mixes) {
  const uint64_t count = 5000;
  double travel = 0;
  int fixed = 0;
  for (uint64_t i = 0; i + 1 < count; ++i) {
    const RngKey key{.seed = 11};
    const double a = static_cast<double>(Permute(i, count, key)),
                 b = static_cast<double>(Permute(i + 1, count, key));
    travel += std::abs(a - b) / static_cast<double>(count - 1);
    fixed += a == static_cast<double>(i);
  }
  EXPECT_NEAR(travel, count / 3.0, count * 0.02);
  EXPECT_LT(fixed, 10);
}

TEST(Sampler, EveryWindowOncePerEpoch) {
  Sampler sampler({37}, {1}, 5);
  std::vector<uint64_t> orders[2];
  for (uint64_t epoch = 0; epoch < 2; ++epoch) {
    std::set<uint64_t> seen;
    for (int i = 0; i < 37; ++i) {
      const WindowDraw draw = sampler.Next();
      EXPECT_EQ(draw.epoch, epoch);
      seen.insert(draw.window);
      orders[epoch].push_back(draw.window);
    }
    EXPECT_EQ(seen.size(), 37u);
  }
  EXPECT_NE(orders[0], orders[1]);
}

TEST(Sampler, WeightsMixGroupsEvenly) {
  Sampler sampler({10, 1000}, {3, 1}, 5);
  std::map<std::pair<uint64_t, uint64_t>, int> per_epoch;
  int from_first = 0;
  for (int i = 0; i < 4000; ++i) {
    const WindowDraw draw = sampler.Next();
    if (draw.group == 0) ++per_epoch[{draw.epoch, draw.window}];
    from_first += draw.group == 0;
    // never more than one sample away from its share
    EXPECT_NEAR(from_first, 0.75 * (i + 1), 1);
  }
  for (const auto& [window, count] : per_epoch) EXPECT_EQ(count, 1);
}

TEST(Sampler, TiesGoToTheFirstGroup) {
  Sampler sampler({10, 10}, {1, 1}, 5);
  for (uint64_t i = 0; i < 20; ++i) EXPECT_EQ(sampler.Next().group, i % 2);
}

TEST(Sampler, PositionsAreResumedAndForeignOnesRefused) {
  Sampler a({20, 30}, {1, 2}, 9);
  for (int i = 0; i < 77; ++i) a.Next();
  Sampler b({20, 30}, {1, 2}, 9);
  b.Restore(Json::parse(a.Save().dump()));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.Next(), b.Next());
  Sampler other({20, 31}, {1, 2}, 9);
  EXPECT_THAT([&] { other.Restore(a.Save()); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("20 + 30")));
  EXPECT_THROW(other.Restore(Json::object()), Error);
}

TEST(ShiftImage, CopiesWhatIsInsideAndRepeatsTheEdge) {
  const int h = 5, w = 7;
  std::vector<uint8_t> in(h * w * 3), out(in.size());
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<uint8_t>(i);
  for (int dy = -4; dy <= 4; ++dy) {
    for (int dx = -6; dx <= 6; ++dx) {
      ShiftImage(in.data(), h, w, dx, dy, out.data());
      for (int y = 0; y < h; ++y) {
        for (int x = 0; x < w; ++x) {
          const int from_x = std::clamp(x + dx, 0, w - 1), from_y = std::clamp(y + dy, 0, h - 1);
          for (int c = 0; c < 3; ++c) {
            ASSERT_EQ(out[(y * w + x) * 3 + c], in[(from_y * w + from_x) * 3 + c])
                << dx << " " << dy;
          }
        }
      }
    }
  }
}

TEST(AdjustImage, KeepsGreyAndClips) {
  std::vector<uint8_t> rgb{0, 64, 127, 128, 192, 255};
  const std::vector<uint8_t> before = rgb;
  AdjustImage(rgb.data(), 1, 2, 0, 1);
  EXPECT_EQ(rgb, before);
  AdjustImage(rgb.data(), 1, 2, 0.5, 2);
  EXPECT_THAT(rgb, testing::ElementsAre(0, 128, 254, 255, 255, 255));
}

class BatchSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    set_ = ScriptedSet({2, 1});
    layout_ = FullLayout(*set_, 8, 12);
    state_ = StateStatistics(*set_, {NormalizerMode::kMinMax, 1e-3});
    action_ = ActionStatistics(*set_, 8, {NormalizerMode::kMinMax, 1e-3});
    tokenizer_ = MakeTokenizer(set_->instructions);
  }
  std::unique_ptr<BatchSource> Make(const LoaderOptions& options, uint64_t seed = 1,
                                    const std::vector<double>& weights = {},
                                    const BatchShare& share = {}) {
    return std::make_unique<BatchSource>(set_, layout_, Normalizers(), tokenizer_, options, weights,
                                         7, seed, share);
  }
  std::map<std::string, Normalizer> Normalizers() const {
    return {{kStateColumn, state_},
            {kActionColumn, action_},
            {kObjectsColumn, ObjectStatistics(*set_)}};
  }
  static LoaderOptions Threads(int threads, int64_t cache_mib = 16) {
    LoaderOptions options;
    options.threads = threads;
    options.cache_mib = cache_mib;
    options.brightness = options.contrast = 0.2;
    return options;
  }
  static void ExpectEqual(const Batch& a, const Batch& b) {
    ASSERT_EQ(a.columns.size(), b.columns.size());
    for (size_t i = 0; i < a.columns.size(); ++i) {
      EXPECT_EQ(a.columns[i].name, b.columns[i].name);
      EXPECT_EQ(a.columns[i].pixels, b.columns[i].pixels);
      EXPECT_EQ(a.columns[i].numbers, b.columns[i].numbers);
      EXPECT_EQ(a.columns[i].tokens, b.columns[i].tokens);
      EXPECT_EQ(a.columns[i].real_BT, b.columns[i].real_BT);
    }
    EXPECT_EQ(a.sample_B, b.sample_B);
  }

  std::shared_ptr<TrainingSet> set_;
  SampleLayout layout_;
  Normalizer state_, action_;
  Tokenizer tokenizer_;
};

TEST_F(BatchSourceTest, DoesNotDependOnThreadsOrCache) {
  const auto none = Make(Threads(0, 0)), one = Make(Threads(1)), four = Make(Threads(4, 0));
  for (int i = 0; i < 80; ++i) {
    const Batch expected = none->Next();
    ExpectEqual(expected, one->Next());
    ExpectEqual(expected, four->Next());
  }
  EXPECT_GT(one->times().frames_from_cache, 0);
  EXPECT_EQ(none->times().frames_from_cache, 0);
  const auto other = Make(Threads(0), 2);
  EXPECT_NE(other->Next().sample_B, Make(Threads(0))->Next().sample_B);
}

TEST_F(BatchSourceTest, ResumeGivesTheSameBatches) {
  const auto first = Make(Threads(2), 3, {1, 2});
  for (int i = 0; i < 25; ++i) first->Next();
  const Json position = Json::parse(first->Save().dump());
  const auto second = Make(Threads(1), 3, {1, 2});
  second->Restore(position);
  for (int i = 0; i < 40; ++i) ExpectEqual(first->Next(), second->Next());
}

// Each rank makes its samples of the batch that one process would have made, and knows what the
// others hold.
TEST_F(BatchSourceTest, RanksShareTheSameBatches) {
  set_->episodes[1].objects.clear();  // labels that one episode lacks are counted
  set_->episodes[1].objects_TO.clear();
  for (const int ranks : {2, 3, 7}) {
    const auto alone = Make(Threads(0));
    std::vector<std::unique_ptr<BatchSource>> sources;
    for (int rank = 0; rank < ranks; ++rank) {
      sources.push_back(Make(Threads(rank % 2), 1, {}, {rank, ranks}));
    }
    for (int i = 0; i < 20; ++i) {
      const Batch whole = alone->Next();
      size_t first = 0;
      for (const auto& source : sources) {
        const Batch share = source->Next();
        const Batch expected = PartOf(whole, first, static_cast<size_t>(share.size));
        ASSERT_EQ(share.sample_B, expected.sample_B) << ranks;
        for (size_t c = 0; c < expected.columns.size(); ++c) {
          EXPECT_EQ(share.columns[c].pixels, expected.columns[c].pixels);
          EXPECT_EQ(share.columns[c].tokens, expected.columns[c].tokens);
          EXPECT_EQ(share.columns[c].real_BT, expected.columns[c].real_BT);
          EXPECT_EQ(share.columns[c].numbers.size(), expected.columns[c].numbers.size());
        }
        EXPECT_EQ(share.whole, expected.whole) << ranks;
        first += static_cast<size_t>(share.size);
      }
      EXPECT_EQ(first, 7u);
    }
  }
}

TEST_F(BatchSourceTest, EveryWindowOncePerEpoch) {
  const auto source = Make(Threads(2));
  const uint64_t windows = set_->windows();
  std::vector<uint64_t> stream;
  while (stream.size() < 2 * windows) {
    for (const uint64_t sample : source->Next().sample_B) stream.push_back(sample);
  }
  const auto half = stream.begin() + static_cast<std::ptrdiff_t>(windows);
  const std::set<uint64_t> first(stream.begin(), half),
      second(half, half + static_cast<std::ptrdiff_t>(windows));
  EXPECT_EQ(first.size(), windows);
  EXPECT_EQ(first, second);
}

// Each sample is found again by its identity: pictures, state, chunk and mask belong together.
TEST_F(BatchSourceTest, SamplesHoldWhatTheSetSays) {
  const auto who = SampleRows(*set_);
  ASSERT_EQ(who.size(), set_->windows());
  LoaderOptions options;
  options.shift_px = 0;
  const auto source = Make(options);
  int padded = 0;
  for (int i = 0; i < 30; ++i) {
    Batch batch = source->Next();
    std::vector<float>& state_BS = batch[kStateColumn].numbers;
    std::vector<float>& actions_BTA = batch[kActionColumn].numbers;
    state_.Decode(state_BS);
    action_.Decode(actions_BTA);
    for (size_t b = 0; b < 7; ++b) {
      const size_t row = who.at(batch.sample_B[b]).second;
      const TrainingEpisode& episode = set_->episodes[who.at(batch.sample_B[b]).first];
      const size_t pixels = kImage * kImage * 3;
      for (size_t camera = 0; camera < 2; ++camera) {
        for (size_t p = 0; p < pixels; p += 17) {
          ASSERT_EQ(batch.columns[camera].pixels[b * pixels + p],
                    Pixel(episode.index + 100 * episode.dataset, camera, row, p));
        }
      }
      const size_t S = static_cast<size_t>(layout_[kStateColumn].info.size());
      for (size_t s = 0; s < S; ++s) {
        ASSERT_NEAR(state_BS[b * S + s], episode.state_TS[row * S + s], 1e-5);
      }
      for (size_t k = 0; k < 8; ++k) {
        const bool real = row + k < episode.length;
        ASSERT_EQ(batch[kActionColumn].real_BT[b * 8 + k], real);
        padded += !real;
        // the target that the chunk means is the recorded one, the last one where it is padded
        const ArmAction& target = episode.targets[std::min(row + k, episode.length - 1)];
        const float* numbers = &actions_BTA[(b * 8 + k) * 7];
        const Eigen::Vector3d p =
            episode.X_WE[row].translation() + Eigen::Vector3d(numbers[0], numbers[1], numbers[2]);
        ASSERT_LT((p - target.X_WE_cmd.translation()).norm(), 1e-5);
        ASSERT_NEAR(numbers[6], target.gripper, 1e-5);
      }
    }
  }
  EXPECT_GT(padded, 0);
}

// A policy may ask for any column at any steps: rows before the first one and behind the last one
// are repeated and marked.
TEST_F(BatchSourceTest, ColumnsComeAtTheStepsThatAreAskedFor) {
  layout_ = {{{{kStateColumn, {set_->embodiment.state_size()}}, {-2, 0, 3}},
              {{ImageColumn("wrist"), {kImage, kImage, 3}}, {-1, 0}},
              {{kActionColumn, {7}}, {-1, 0}}}};
  action_ = ActionStatistics(*set_, 1, {NormalizerMode::kMinMax, 1e-3});
  const auto who = SampleRows(*set_);
  const auto source = Make({});
  const size_t S = static_cast<size_t>(set_->embodiment.state_size());
  const size_t pixels = kImage * kImage * 3;
  int repeated = 0;
  for (int i = 0; i < 40; ++i) {
    Batch batch = source->Next();
    ASSERT_EQ(batch.columns.size(), 3u);
    BatchColumn& state = batch[kStateColumn];
    state_.Decode(state.numbers);
    action_.Decode(batch[kActionColumn].numbers);
    ASSERT_EQ(state.real_BT.size(), 7u * 3);
    for (size_t b = 0; b < 7; ++b) {
      const auto [e, row] = who.at(batch.sample_B[b]);
      const TrainingEpisode& episode = set_->episodes[e];
      const auto row_at = [&, row = row](int offset) {
        const int last = static_cast<int>(episode.length) - 1;
        return static_cast<size_t>(std::clamp(static_cast<int>(row) + offset, 0, last));
      };
      for (size_t k = 0; k < 3; ++k) {
        const int offset = layout_.columns[0].offsets[k];
        const bool real = row_at(offset) == row + static_cast<size_t>(offset);
        ASSERT_EQ(state.real_BT[b * 3 + k], real);
        repeated += !real;
        for (size_t s = 0; s < S; ++s) {
          ASSERT_NEAR(state.numbers[(b * 3 + k) * S + s], episode.state_TS[row_at(offset) * S + s],
                      1e-5);
        }
      }
      for (size_t k = 0; k < 2; ++k) {
        const size_t there = row_at(static_cast<int>(k) - 1);
        ASSERT_EQ(batch[ImageColumn("wrist")].pixels[(b * 2 + k) * pixels + 5],
                  Pixel(episode.index + 100 * episode.dataset, 1, there, 5));
        // an earlier action, too, is seen from the row of the sample
        const float* numbers = &batch[kActionColumn].numbers[(b * 2 + k) * 7];
        const Eigen::Vector3d p =
            episode.X_WE[row].translation() + Eigen::Vector3d(numbers[0], numbers[1], numbers[2]);
        ASSERT_LT((p - episode.targets[there].X_WE_cmd.translation()).norm(), 1e-5);
      }
    }
  }
  EXPECT_GT(repeated, 0);
}

// A camera is shifted alike whether the policy sees the others or not.
TEST_F(BatchSourceTest, WhatElseIsAskedForDoesNotMatter) {
  LoaderOptions options = Threads(0);
  options.shift_px = 3;
  const auto all = Make(options);
  layout_ = {{{{ImageColumn("wrist"), {kImage, kImage, 3}}, {0}}}};
  const auto one = Make(options);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(all->Next()[ImageColumn("wrist")].pixels, one->Next().columns[0].pixels);
  }
}

TEST(Columns, AskedForWronglyAreNamedAtOnce) {
  const std::vector<ColumnInfo> offered{{"state", {11}}, {"action", {7}}, {"objects", {5}, true}};
  EXPECT_EQ(LayoutOf(std::vector<ColumnRequest>{{"objects", {-1, 0}}, {"action", {0, 1}}}, offered)
                .columns.size(),
            2u);
  const std::vector<ColumnRequest> wrong{
      {"stat"}, {"action", {}}, {"state", {0, 1}}, {"objects"}, {"objects"}};
  EXPECT_THAT(
      [&] { LayoutOf(wrong, offered); },
      testing::ThrowsMessage<Error>(testing::AllOf(
          testing::HasSubstr("unknown column 'stat': did you mean 'state'"),
          testing::HasSubstr("'action': is asked for at no time step"),
          testing::HasSubstr("'state': is asked for at steps 0, 1: a policy that acts gets it at"),
          testing::HasSubstr("'objects': is asked for twice"))));
}

TEST_F(BatchSourceTest, ActionsLieInTheirRange) {
  const auto source = Make(Threads(1));
  for (int i = 0; i < 30; ++i) {
    const Batch batch = source->Next();
    const BatchColumn& action = batch[kActionColumn];
    for (size_t j = 0; j < action.numbers.size(); ++j) {
      if (action.real_BT[j / 7] != 0) {
        ASSERT_LE(std::abs(action.numbers[j]), 1.00001);
      }
    }
  }
}

// A shift moves pixels by whole steps within the limit, drawn anew for each camera and epoch.
TEST_F(BatchSourceTest, ShiftsAreKeyedByEpoch) {
  LoaderOptions options;
  options.shift_px = 4;
  const auto source = Make(options);
  std::map<uint64_t, std::vector<uint8_t>> first;
  const uint64_t windows = set_->windows();
  const size_t bytes = kImage * kImage * 3;
  uint64_t given = 0, changed = 0, compared = 0;
  while (given < 2 * windows) {
    const Batch batch = source->Next();
    for (size_t b = 0; b < 7; ++b, ++given) {
      std::vector<uint8_t> pixels;
      for (size_t camera = 0; camera < 2; ++camera) {
        const auto at =
            batch.columns[camera].pixels.begin() + static_cast<std::ptrdiff_t>(b * bytes);
        pixels.insert(pixels.end(), at, at + static_cast<std::ptrdiff_t>(bytes));
      }
      const auto [known, fresh] = first.try_emplace(batch.sample_B[b], pixels);
      if (fresh) continue;
      ++compared;
      changed += known->second != pixels;
    }
  }
  EXPECT_GT(compared, 0u);
  EXPECT_GT(static_cast<double>(changed), 0.95 * static_cast<double>(compared));
}

TEST_F(BatchSourceTest, AFrameThatCannotBeReadIsReported) {
  set_->datasets[0].frames = [](size_t, size_t, size_t, uint8_t*) {
    ThrowBadInput("set0: frame is damaged");
  };
  for (const int threads : {0, 2}) {
    const auto source = Make(Threads(threads));
    EXPECT_THAT(
        [&] {
          for (int i = 0; i < 20; ++i) source->Next();
        },
        testing::ThrowsMessage<Error>(testing::HasSubstr("frame is damaged")));
  }
}

TEST_F(BatchSourceTest, TooLargeAShiftIsRefused) {
  LoaderOptions options;
  options.shift_px = kImage;
  EXPECT_THAT([&] { Make(options); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("loader.shift_px = 12")));
}

// Every step of the chunk has statistics of its own: over an epoch each number of the chunk that is
// real has mean 0 and deviation 1, however far ahead it lies.
TEST_F(BatchSourceTest, ActionsAreNormalisedPerStepOfTheChunk) {
  const Normalizer action = ActionStatistics(*set_, 8, {NormalizerMode::kMeanStd, 1e-9});
  const size_t A = static_cast<size_t>(layout_[kActionColumn].info.size());
  ASSERT_EQ(action.size(), 8 * static_cast<int>(A));
  std::vector<double> sum(8 * A), squares(8 * A), count(8 * A);
  std::vector<float> chunk(8 * A);
  std::vector<uint8_t> mask(8);
  for (const TrainingEpisode& episode : set_->episodes) {
    for (size_t row = 0; row < episode.length; ++row) {
      set_->Chunk(episode, row, ChunkOffsets(8), chunk.data(), mask.data());
      action.Encode(chunk);
      for (size_t i = 0; i < chunk.size(); ++i) {
        if (mask[i / A] == 0) continue;
        sum[i] += chunk[i];
        squares[i] += double{chunk[i]} * chunk[i];
        ++count[i];
      }
    }
  }
  int moving = 0;
  for (size_t i = 0; i < sum.size(); ++i) {
    if (action.std[i] < 1e-6) continue;  // an idle dimension
    ++moving;
    EXPECT_NEAR(sum[i] / count[i], 0, 1e-4);
    EXPECT_NEAR(squares[i] / count[i], 1, 1e-3);
  }
  EXPECT_GT(moving, 8);
}

TEST_F(BatchSourceTest, AllStepsOfAChunkCanBeNormalisedAlike) {
  const Normalizer action =
      ActionStatistics(*set_, 8, {NormalizerMode::kMeanStd, 1e-9}, ActionStatisticsOf::kAllSteps);
  const size_t A = static_cast<size_t>(layout_[kActionColumn].info.size());
  ASSERT_EQ(action.size(), 8 * static_cast<int>(A));
  std::vector<double> sum(A), count(A);
  std::vector<float> chunk(8 * A);
  std::vector<uint8_t> mask(8);
  for (const TrainingEpisode& episode : set_->episodes) {
    for (size_t row = 0; row < episode.length; ++row) {
      set_->Chunk(episode, row, ChunkOffsets(8), chunk.data(), mask.data());
      for (size_t i = 0; i < chunk.size(); ++i) {
        if (mask[i / A] == 0) continue;
        sum[i % A] += chunk[i];
        ++count[i % A];
      }
    }
  }
  for (size_t i = 0; i < 8 * A; ++i) {
    EXPECT_NEAR(action.mean[i], sum[i % A] / count[i % A], 1e-6) << i;
    EXPECT_EQ(action.std[i], action.std[i % A]) << i;
  }
}

// As LeRobot counts them: a column is the same from wherever it is seen.
TEST(ActionStatisticsTest, RowsOfColumnsCountOnce) {
  TrainingSet set;
  set.datasets.emplace_back();
  set.embodiment.action_meaning = kStoredColumns;
  set.embodiment.state_columns = set.embodiment.action_columns = {{"a", 1, {}}};
  AddColumns(set, EpisodeMeta{}, 0, 0, {0, 0, 0}, {1, 2, 6});
  const Normalizer action =
      ActionStatistics(set, 4, {NormalizerMode::kMeanStd, 1e-9}, ActionStatisticsOf::kAllSteps);
  EXPECT_EQ(action.mean, std::vector<double>(4, 3.0));
  EXPECT_NEAR(action.std[3], std::sqrt(14.0 / 3), 1e-6);
}

}  // namespace
}  // namespace understudy
