#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "small_policy.h"

namespace understudy {
namespace {

using testing::HasSubstr;

SmallLearner MakeEngine(const Json& policy = {}, const Json& trainer = Json::object()) {
  Json all = SmallPolicy();
  if (!policy.is_null()) all.update(policy);
  return {SmallLayout(), all, SmallTrainer(trainer)};
}

std::string MessageOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// One pass with fixed draws; only real steps of the velocity.
std::vector<float> RealVelocity(SmallLearner& engine, const Batch& batch, const FlowDraws& draws) {
  const Differentiated pass = engine.Differentiate(batch, draws);
  std::vector<float> real;
  for (size_t i = 0; i < pass.answer.size(); ++i) {
    const size_t b = i / (2 * 4 * 7), t = i / 7 % 4;
    if (batch[kActionColumn].real_BT[b * 4 + t]) real.push_back(pass.answer[i]);
  }
  return real;
}

FlowDraws DrawFor(const Batch& batch) {
  return DrawFlow(batch, SmallShape(), ReadGrootConfig(SmallPolicy()), 5, 0);
}

TEST(GrootEngine, PaddedStepsCannotChangeTheOthers) {
  SmallLearner engine = MakeEngine();
  Batch batch = SmallBatch(0, 6);
  FlowDraws draws = DrawFor(batch);
  const Differentiated before = engine.Differentiate(batch, draws);
  const std::vector<float> velocity = RealVelocity(engine, batch, draws);

  // garbage in the padded actions and in their noise
  int padded = 0;
  for (size_t b = 0; b < 6; ++b) {
    for (size_t t = 0; t < 4; ++t) {
      if (batch[kActionColumn].real_BT[b * 4 + t]) continue;
      ++padded;
      for (size_t a = 0; a < 7; ++a) {
        batch[kActionColumn].numbers[(b * 4 + t) * 7 + a] = 50;
        for (size_t d = 0; d < 2; ++d) draws.noise_BDTA[((b * 2 + d) * 4 + t) * 7 + a] = -30;
      }
    }
  }
  ASSERT_EQ(padded, 4);
  const Differentiated after = engine.Differentiate(batch, draws);
  EXPECT_EQ(RealVelocity(engine, batch, draws), velocity);
  EXPECT_EQ(after.loss, before.loss);
  EXPECT_EQ(after.gradients, before.gradients);

  // a real step does change them: the comparison can fail
  draws.noise_BDTA[0] += 1;
  EXPECT_NE(RealVelocity(engine, batch, draws), velocity);
}

TEST(GrootEngine, PaddedTextCannotChangeAnything) {
  SmallLearner engine = MakeEngine();
  const Batch batch = SmallBatch(0, 6);
  const FlowDraws draws = DrawFor(batch);
  const std::vector<float> velocity = RealVelocity(engine, batch, draws);

  // another embedding of the padding token, and of the last position, which no text reaches
  TensorMap weights = engine->ExportPolicy();
  const auto set_row = [&](const std::string& name, size_t row) {
    for (size_t i = 0; i < 16; ++i) {
      const float value = 20.0f + static_cast<float>(i);
      std::memcpy(weights.at(name).data.data() + (row * 16 + i) * sizeof(float), &value,
                  sizeof(float));
    }
  };
  set_row("text.words", 0);
  set_row("text.position", 4);
  engine->SetWeights(weights);
  EXPECT_EQ(RealVelocity(engine, batch, draws), velocity);

  // while a word that occurs does
  set_row("text.words", static_cast<size_t>(batch[kInstructionColumn].tokens[0]));
  engine->SetWeights(weights);
  EXPECT_NE(RealVelocity(engine, batch, draws), velocity);
}

TEST(GrootEngine, AnEmptyInstructionIsFinite) {
  // of a robot without cameras, too, which then attends to nothing but it
  for (const bool sees : {true, false}) {
    SampleLayout layout = SmallLayout();
    if (!sees) layout.columns.erase(layout.columns.begin(), layout.columns.begin() + 2);
    SmallLearner engine(layout, SmallPolicy(), SmallTrainer());
    Batch batch = SmallBatch(0, 2);
    std::fill(batch[kInstructionColumn].tokens.begin(), batch[kInstructionColumn].tokens.end(), 0);
    const Differentiated pass = engine.Differentiate(batch, DrawFor(batch));
    EXPECT_TRUE(std::isfinite(pass.loss)) << sees;
    for (const auto& [name, blob] : pass.gradients) {
      for (size_t i = 0; i < blob.data.size(); i += sizeof(float)) {
        float value;
        std::memcpy(&value, blob.data.data() + i, sizeof(float));
        ASSERT_TRUE(std::isfinite(value)) << name << ", " << sees;
      }
    }
  }
}

TEST(GrootEngine, EmbodimentsDoNotTouchOneAnother) {
  SmallLearner engine = MakeEngine();
  Batch batch = SmallBatch(0, 4);
  std::fill(batch.embodiment_B.begin(), batch.embodiment_B.end(), 0);
  const FlowDraws draws = DrawFor(batch);
  const std::vector<float> velocity = RealVelocity(engine, batch, draws);
  const Differentiated pass = engine.Differentiate(batch, draws);

  // slot 1 gets no gradient, and its weights do not matter
  TensorMap weights = engine->ExportPolicy();
  int tables = 0;
  for (auto& [name, blob] : weights) {
    if (!name.ends_with(".W") && !name.ends_with(".b")) continue;
    ++tables;
    const auto& gradient = pass.gradients.at(name).data;
    const size_t half = blob.data.size() / 2;
    EXPECT_TRUE(std::all_of(gradient.begin() + static_cast<std::ptrdiff_t>(half), gradient.end(),
                            [](uint8_t byte) { return byte == 0; }))
        << name;
    for (size_t i = half; i < blob.data.size(); i += sizeof(float)) {
      const float value = 3;
      std::memcpy(blob.data.data() + i, &value, sizeof(float));
    }
  }
  EXPECT_EQ(tables, 14);
  engine->SetWeights(weights);
  EXPECT_EQ(RealVelocity(engine, batch, draws), velocity);
  batch.embodiment_B[0] = 1;
  EXPECT_NE(RealVelocity(engine, batch, draws), velocity);
}

TEST(GrootEngine, TwoRunsAreEqualBitForBit) {
  for (const char* precision : {"float32", "bfloat16"}) {
    SmallLearner a = MakeEngine({}, {{"precision", precision}});
    SmallLearner b = MakeEngine({}, {{"precision", precision}});
    for (uint64_t i = 0; i < 3; ++i) {
      a->Update(SmallBatch(8 * i, 8));
      b->Update(SmallBatch(8 * i, 8));
    }
    EXPECT_EQ(a->ExportState(), b->ExportState()) << precision;
    SmallLearner other = MakeEngine({}, {{"precision", precision}, {"seed", 2}});
    for (uint64_t i = 0; i < 3; ++i) other->Update(SmallBatch(8 * i, 8));
    EXPECT_NE(a->ExportPolicy(), other->ExportPolicy());
  }
}

TEST(GrootEngine, ResumedIsNeverStopped) {
  for (const char* precision : {"float32", "bfloat16", "auto"}) {
    const Json policy{{"state_dropout", 0.3}}, trainer{{"precision", precision}};
    SmallLearner straight = MakeEngine(policy, trainer);
    for (uint64_t i = 0; i < 3; ++i) straight->Update(SmallBatch(8 * i, 8));
    const TensorMap state = straight->ExportState();
    SmallLearner resumed = MakeEngine(policy, trainer);
    resumed->ImportState(state);
    EXPECT_EQ(resumed->updates(), 3);
    EXPECT_EQ(resumed->ExportState(), state);
    for (uint64_t i = 3; i < 6; ++i) {
      straight->Update(SmallBatch(8 * i, 8));
      resumed->Update(SmallBatch(8 * i, 8));
    }
    EXPECT_EQ(resumed->ExportState(), straight->ExportState()) << precision;
    EXPECT_EQ(resumed->ExportPolicy(), straight->ExportPolicy()) << precision;
    EXPECT_NE(straight->ExportState(), state);
  }
}

TEST(GrootEngine, TheAutomaticChoiceChangesNothingElse) {
  SmallLearner automatic = MakeEngine({}, {{"precision", "auto"}});
  automatic->Update(SmallBatch(0, 8));
  const std::string chosen = automatic->Describe()["precision"];
  SmallLearner named = MakeEngine({}, {{"precision", chosen}});
  named->Update(SmallBatch(0, 8));
  EXPECT_EQ(automatic->ExportState(), named->ExportState());
  EXPECT_GT(automatic->Describe()["probe"]["bfloat16_s"], 0);
}

TEST(GrootEngine, LearnsEightSamplesByHeart) {
  SmallLearner engine =
      MakeEngine({{"width", 32}, {"feed_forward", 64}, {"noise_draws", 8}, {"keypoints", 8}},
                 {{"steps", 1000},
                  {"learning_rate", 4e-3},
                  {"warmup", 20},
                  {"weight_decay", 0.0},
                  {"microbatches", 1}});
  const Batch batch = SmallBatch(0, 8);
  engine->Update(batch);
  const double first = engine->TakeLosses().loss;
  for (int i = 1; i < 950; ++i) engine->Update(batch);
  engine->TakeLosses();
  for (int i = 950; i < 1000; ++i) engine->Update(batch);
  const LossReport last = engine->TakeLosses();
  EXPECT_LT(last.loss, 0.01 * first) << "at first " << first;
  EXPECT_EQ(last.updates, 50);

  // and acts as it has learned
  const auto model =
      MakeGrootChunkModel(SmallLayout(), engine->PolicyConfig(), engine->ExportPolicy());
  std::vector<RngKey> keys;
  for (uint64_t i = 0; i < 8; ++i) keys.push_back(RngKey{1}.WithParent(i));
  const std::vector<float> actions = model->Predict(batch, keys);
  double error = 0, count = 0;
  for (size_t i = 0; i < actions.size(); ++i) {
    if (batch[kActionColumn].real_BT[i / 7] == 0) continue;
    error += std::pow(actions[i] - batch[kActionColumn].numbers[i], 2);
    ++count;
  }
  EXPECT_LT(std::sqrt(error / count), 0.15);
}

TEST(GrootEngine, ReportsByGroupAndByStep) {
  SmallLearner engine = MakeEngine();
  const Batch batch = SmallBatch(0, 6);
  const FlowDraws draws = DrawFor(batch);
  const Differentiated pass = engine.Differentiate(batch, draws);
  engine.UpdateWith(batch, draws);
  const LossReport report = engine->TakeLosses();

  // the same sums by hand
  double group[3] = {}, step[4] = {}, group_count[3] = {}, step_count[4] = {};
  for (size_t i = 0; i < pass.answer.size(); ++i) {
    const size_t b = i / 56, t = i / 7 % 4, a = i % 7;
    if (!batch[kActionColumn].real_BT[b * 4 + t]) continue;
    const double target = batch[kActionColumn].numbers[(b * 4 + t) * 7 + a] - draws.noise_BDTA[i];
    const double error = std::pow(pass.answer[i] - target, 2);
    const size_t g = a < 3 ? 0 : a < 6 ? 1 : 2;
    group[g] += error;
    ++group_count[g];
    step[t] += error;
    ++step_count[t];
  }
  ASSERT_EQ(report.parts.size(), 6u);
  const std::string names[]{"position", "rotation", "gripper", "objects"};
  for (size_t g = 0; g < 3; ++g) {
    EXPECT_EQ(report.parts[g].first, names[g]);
    EXPECT_NEAR(report.parts[g].second, group[g] / group_count[g], 1e-5);
  }
  EXPECT_EQ(report.parts[3], std::make_pair(names[3], 0.0));
  // every sample is of one of two embodiments
  EXPECT_EQ(report.parts[4].first, "embodiment0");
  EXPECT_EQ(report.parts[5].first, "embodiment1");
  EXPECT_GT(report.parts[5].second, 0);
  ASSERT_EQ(report.by_step.size(), 4u);
  for (size_t t = 0; t < 4; ++t) EXPECT_NEAR(report.by_step[t], step[t] / step_count[t], 1e-5);
  EXPECT_EQ(engine->TakeLosses().updates, 0);
}

// Where no sample knows its objects the loss is that of the actions, and the head learns nothing.
TEST(GrootEngine, UnknownObjectsTeachNothing) {
  SmallLearner plain = MakeEngine();
  const SampleLayout layout = SmallLayout(5);
  Json policy = SmallPolicy();
  policy["object_weight"] = 0.5;
  SmallLearner engine(layout, policy, SmallTrainer());
  Batch batch = SmallBatch(0, 6);
  const FlowDraws draws = DrawFor(batch);
  batch.columns.emplace_back().name = kObjectsColumn;
  batch[kObjectsColumn].numbers.assign(6 * 5, std::nanf(""));
  const Differentiated pass = engine.Differentiate(batch, draws);
  EXPECT_EQ(pass.loss, plain.Differentiate(batch, draws).loss);
  for (const auto& [name, gradient] : pass.gradients) {
    if (!name.starts_with("objects.")) continue;
    EXPECT_EQ(gradient.data, std::vector<uint8_t>(gradient.data.size())) << name;
  }

  // one sample that knows is enough, and the images learn from it
  const auto before = pass.gradients.at("image.0.stem.weight").data;
  std::fill_n(batch[kObjectsColumn].numbers.begin(), 5, 0.7f);
  const Differentiated known = engine.Differentiate(batch, draws);
  EXPECT_GT(known.loss, pass.loss);
  EXPECT_NE(known.gradients.at("image.0.stem.weight").data, before);
}

// What acts does not hold the head: its tensors are those of a policy that never had one.
TEST(GrootEngine, ThePolicyLeavesItsObjectHeadBehind) {
  const SampleLayout layout = SmallLayout(5);
  Json policy = SmallPolicy();
  policy["object_weight"] = 0.5;
  SmallLearner engine(layout, policy, SmallTrainer());
  const TensorMap weights = engine->ExportPolicy();
  EXPECT_TRUE(engine->ExportState().contains("weights/objects.layer1.weight"));
  EXPECT_EQ(weights, MakeEngine()->ExportPolicy());
  MakeGrootChunkModel(SmallLayout(), engine->PolicyConfig(), weights);
}

TEST(FlowDraws, TimeFollowsTheBetaDistribution) {
  Json policy = SmallPolicy();
  policy["noise_draws"] = 16;
  const GrootConfig config = ReadGrootConfig(policy);
  std::vector<double> times;
  double noise_sum = 0, noise_square = 0, noises = 0;
  for (int64_t update = 0; update < 40; ++update) {
    Batch batch;
    batch.size = 32;
    for (uint64_t i = 0; i < 32; ++i) batch.sample_B.push_back(HashOf("sample") + i);
    const FlowDraws draws = DrawFlow(batch, SmallShape(), config, 9, update);
    times.insert(times.end(), draws.time_BD.begin(), draws.time_BD.end());
    for (const double n : draws.noise_BDTA) {
      noise_sum += n;
      noise_square += n * n;
      ++noises;
    }
  }

  // 1 - t/0.999 has the distribution function x^1.5: Kolmogorov-Smirnov at 1e-6
  std::sort(times.begin(), times.end());
  const double count = static_cast<double>(times.size());
  double distance = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    ASSERT_GE(times[i], 0);
    ASSERT_LT(times[i], 0.9990001);
    const double expected = 1 - std::pow(1 - times[i] / 0.999, 1.5);
    distance = std::max(distance, std::abs(expected - (static_cast<double>(i) + 0.5) / count));
  }
  EXPECT_LT(distance, 2.7 / std::sqrt(count));
  EXPECT_NEAR(noise_sum / noises, 0, 5 / std::sqrt(noises));
  EXPECT_NEAR(noise_square / noises, 1, 5 * std::sqrt(2 / noises));
}

TEST(FlowDraws, DependOnTheSampleNotOnItsPlace) {
  const GrootConfig config = ReadGrootConfig(SmallPolicy());
  const FlowDraws forward = DrawFlow(SmallBatch(0, 4), SmallShape(), config, 9, 7);
  const FlowDraws later = DrawFlow(SmallBatch(2, 4), SmallShape(), config, 9, 7);
  EXPECT_TRUE(std::equal(forward.noise_BDTA.begin() + 2 * 56, forward.noise_BDTA.end(),
                         later.noise_BDTA.begin()));
  EXPECT_TRUE(
      std::equal(forward.time_BD.begin() + 4, forward.time_BD.end(), later.time_BD.begin()));
  EXPECT_NE(DrawFlow(SmallBatch(0, 4), SmallShape(), config, 9, 8).noise_BDTA, forward.noise_BDTA);
}

TEST(GrootEngine, BadInputIsNamed) {
  EXPECT_THAT(MessageOf([] { MakeEngine({{"widht", 3}}); }), HasSubstr("width"));
  EXPECT_THAT(MessageOf([] {
                MakeEngine({{"width", 18}, {"heads", 4}});
              }),
              HasSubstr("width = 18: must be a multiple of heads = 4"));
  EXPECT_THAT(MessageOf([] { MakeEngine({}, {{"learning_rat", 3}}); }), HasSubstr("learning_rate"));
  SmallLearner engine = MakeEngine();
  Batch batch = SmallBatch(0, 2);
  batch[kInstructionColumn].tokens[0] = 9;
  EXPECT_THAT(MessageOf([&] { engine->Update(batch); }), HasSubstr("token 9: the policy's "
                                                                   "vocabulary has ids 0 to 8"));
  batch = SmallBatch(0, 2);
  batch.embodiment_B[1] = 2;
  EXPECT_THAT(MessageOf([&] { engine->Update(batch); }), HasSubstr("embodiment slot 2"));

  // states of another network or precision
  TensorMap state = engine->ExportState();
  SmallLearner wider = MakeEngine({{"width", 32}});
  EXPECT_THAT(MessageOf([&] { wider->ImportState(state); }),
              HasSubstr("belongs to another policy configuration"));
  SmallLearner half = MakeEngine({}, {{"precision", "bfloat16"}});
  EXPECT_THAT(MessageOf([&] { half->ImportState(state); }),
              HasSubstr("trained with precision 'float32', the options say 'bfloat16'"));
  state.erase("second_moment/vlln.weight");
  EXPECT_THAT(MessageOf([&] { engine->ImportState(state); }),
              HasSubstr("'second_moment/vlln.weight' is missing"));
}

// Weights after `updates` updates.
TensorMap StateAfter(const Json& trainer, int updates = 3) {
  SmallLearner engine = MakeEngine({}, trainer);
  for (int i = 0; i < updates; ++i) engine->Update(SmallBatch(6 * static_cast<uint64_t>(i), 6));
  return engine->ExportState();
}

std::vector<float> ValuesOf(const TensorMap& state, const std::string& name) {
  const TensorBlob& blob = state.at("weights/" + name);
  std::vector<float> values(blob.data.size() / sizeof(float));
  std::memcpy(values.data(), blob.data.data(), blob.data.size());
  return values;
}

// Parts of a network learn at rates of their own, or not at all.
TEST(GrootEngine, PartsCanLearnSlowlyOrStayAsTheyAre) {
  const TensorMap begin = MakeEngine()->ExportState(), plain = StateAfter({}, 1);
  const TensorMap frozen = StateAfter({{"rates", {{"image.*", 0}, {"text.words", 0}}}});
  int stayed = 0, moved = 0;
  for (const auto& [key, blob] : begin) {
    if (!key.starts_with("weights/")) continue;
    const bool stays = key.starts_with("weights/image.") || key == "weights/text.words";
    (stays ? stayed : moved) += frozen.at(key) == blob ? stays : !stays;
    if (stays) {
      EXPECT_EQ(frozen.at(key), blob) << key;
    }
  }
  EXPECT_GT(stayed, 4);
  EXPECT_GT(moved, 20);

  // one update, where nothing is clipped: half the rate is half the way, weight decay included
  const Json free{{"clip", 0}};
  Json half = free;
  half["rates"] = {{"*", 0.5}};
  const TensorMap whole = StateAfter(free, 1), halved = StateAfter(half, 1);
  for (const std::string name : {"image.camera", "position_embedding"}) {
    const std::vector<float> a = ValuesOf(begin, name), b = ValuesOf(whole, name),
                             c = ValuesOf(halved, name);
    for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(c[i] - a[i], 0.5f * (b[i] - a[i]), 1e-7);
  }
  // nothing said changes nothing
  EXPECT_EQ(StateAfter({{"rates", Json::object()}}, 1), plain);
  // the longest pattern that matches counts
  EXPECT_EQ(StateAfter({{"clip", 0}, {"rates", {{"*", 0.0}, {"a*", 1.0}, {"position*", 1.0}}}}, 1)
                .at("weights/position_embedding"),
            whole.at("weights/position_embedding"));
  EXPECT_THAT(MessageOf([] {
                StateAfter({{"rates", {{"imgae.*", 0}}}}, 0);
              }),
              HasSubstr("trainer.rates: no weight matches 'imgae.*'; names begin with "));
}

// Real-time chunking: the noise of actions that are given counts nothing, they do, and they are not
// learnt.
TEST(GrootEngine, GivenActionsAreSeenWithoutNoise) {
  SmallLearner engine = MakeEngine({{"rtc_training_max_delay", 2}});
  const Batch batch = SmallBatch(0, 4);
  FlowDraws draws = DrawFor(batch);
  draws.given_BD = {1, 0, 2, 1, 1, 1, 0, 2};  // sample 2 has two real steps
  const Differentiated before = engine.Differentiate(batch, draws);
  const auto noise_of = [](size_t b, size_t d, size_t t) { return ((b * 2 + d) * 4 + t) * 7; };
  const auto answer_of = [&](const Differentiated& pass, size_t b, size_t d, size_t t) {
    const auto begin = pass.answer.begin() + static_cast<std::ptrdiff_t>(noise_of(b, d, t));
    return std::vector<float>(begin, begin + 7);
  };
  FlowDraws other = draws;
  for (size_t chunk = 0; chunk < 8; ++chunk) {
    for (int t = 0; t < draws.given_BD[chunk]; ++t) {
      other.noise_BDTA[noise_of(chunk / 2, chunk % 2, static_cast<size_t>(t))] = 40;
    }
  }
  const Differentiated after = engine.Differentiate(batch, other);
  EXPECT_EQ(after.answer, before.answer);
  EXPECT_EQ(after.loss, before.loss);
  EXPECT_EQ(after.gradients, before.gradients);

  // what is given changes the rest of its chunk, and only that of chunks where it is given
  Batch moved = batch;
  moved[kActionColumn].numbers[0] += 1;
  other.noise_BDTA = draws.noise_BDTA;
  // the second chunk has it noisy: the same noisy action as before
  const float t = draws.time_BD[1];
  other.noise_BDTA[noise_of(0, 1, 0)] -= t / (1 - t);
  const Differentiated seen = engine.Differentiate(moved, other);
  EXPECT_NE(answer_of(seen, 0, 0, 1), answer_of(before, 0, 0, 1));
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_NEAR(answer_of(seen, 0, 1, 1)[i], answer_of(before, 0, 1, 1)[i], 1e-5);
  }

  // all being given but one, the loss is that one's
  draws.given_BD = {3, 3, 3, 3, 1, 1, 3, 3};
  const Differentiated last = engine.Differentiate(batch, draws);
  double sum = 0;
  for (size_t b = 0; b < 4; ++b) {
    const size_t step = b == 2 ? 1 : 3, real = b == 2 ? 2 : 4;
    for (size_t d = 0; d < 2; ++d) {
      for (size_t a = 0; a < 7; ++a) {
        const float target = batch[kActionColumn].numbers[(b * 4 + step) * 7 + a] -
                             draws.noise_BDTA[noise_of(b, d, step) + a];
        const double error = static_cast<double>(answer_of(last, b, d, step)[a]) - target;
        sum += static_cast<double>(real) * error * error;
      }
    }
  }
  EXPECT_NEAR(last.loss, sum / (14 * 2 * 7), 1e-5 * last.loss);
}

// Every delay is as frequent as the others, drawn by sample, and leaves something to learn.
TEST(GrootEngine, DelaysAreDrawnEvenly) {
  Json policy = SmallPolicy();
  policy["rtc_training_max_delay"] = 3;
  const GrootConfig config = ReadGrootConfig(policy);
  std::vector<int> counts(4);
  for (int64_t update = 0; update < 500; ++update) {
    const Batch batch = SmallBatch(0, 6);
    const FlowDraws draws = DrawFlow(batch, SmallShape(), config, 5, update);
    ASSERT_EQ(draws.given_BD.size(), 12u);
    for (size_t chunk = 0; chunk < 12; ++chunk) {
      const int given = draws.given_BD[chunk];
      if (chunk / 2 % 3 == 2) {
        EXPECT_LE(given, 1) << "two real steps";
      } else {
        ++counts.at(static_cast<size_t>(given));
      }
    }
    if (update > 0) continue;
    // the same in a part of the batch, and nothing else has changed its draws
    const FlowDraws of_part = DrawFlow(PartOf(batch, 3, 2), SmallShape(), config, 5, update);
    EXPECT_TRUE(
        std::equal(of_part.given_BD.begin(), of_part.given_BD.end(), draws.given_BD.begin() + 6));
    const FlowDraws plain =
        DrawFlow(batch, SmallShape(), ReadGrootConfig(SmallPolicy()), 5, update);
    EXPECT_TRUE(plain.given_BD.empty());
    EXPECT_EQ(plain.noise_BDTA, draws.noise_BDTA);
    EXPECT_EQ(plain.time_BD, draws.time_BD);
  }
  // 4000 draws: 1000 each, deviation 27
  for (const int count : counts) EXPECT_NEAR(count, 1000, 110);
}

}  // namespace
}  // namespace understudy
