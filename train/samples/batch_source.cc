#include "train/samples/batch_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "train/samples/frame_cache.h"
#include "train/samples/frame_key.h"
#include "train/samples/frame_store.h"
#include "train/samples/image_ops.h"
#include "train/samples/sampler.h"

namespace understudy {
namespace {

void CheckLayout(const std::vector<LearntSet>& sets, const SampleLayout& layout) {
  TrainingSets plain;
  for (const LearntSet& learnt : sets) plain.push_back(learnt.set);
  const std::vector<ColumnInfo> offered = ColumnsOf(plain, 1);
  for (const ColumnLayout& column : layout.columns) {
    const std::string& name = column.info.name;
    const auto found = std::find_if(offered.begin(), offered.end(),
                                    [&](const ColumnInfo& info) { return info.name == name; });
    // instructions are as long as the layout says
    Require(found != offered.end() && (name == kInstructionColumn || *found == column.info),
            fmt::format("the set offers column '{}' in the layout's shape", name));
    if (name == kInstructionColumn || IsImageColumn(name) || IsFeatureColumn(name)) continue;
    for (size_t slot = 0; slot < sets.size(); ++slot) {
      const std::map<std::string, Normalizer>& normalizers = sets[slot].normalizers;
      Require(normalizers.contains(name), fmt::format("column '{}' has a normaliser", name));
      const int size = normalizers.at(name).size(), own = column.info.SizeOf(slot);
      Require(size == own || size == own * column.steps(),
              fmt::format("the normaliser of column '{}' fits it", name));
    }
  }
}

// Rows at which windows begin, of an episode in which not all are learnt: those that are, where the
// `reach` rows behind them are too. Empty for another.
std::vector<uint32_t> StartsOf(const TrainingEpisode& episode, int reach) {
  std::vector<uint32_t> starts;
  int64_t run = 0;  // rows up to this one, all learnt
  for (size_t row = 0; row < episode.learnt.size(); ++row) {
    run = episode.Learns(row) ? run + 1 : 0;
    if (run > reach) starts.push_back(static_cast<uint32_t>(row - static_cast<size_t>(reach)));
  }
  return starts;
}

struct Slot {
  std::optional<Batch> batch;
  std::exception_ptr error;
  Json position;  // behind this batch
};

}  // namespace

struct BatchSource::Impl {
  // An episode among all.
  struct Place {
    size_t set = 0, episode = 0;
    uint64_t first_row = 0, first_window = 0;
    std::vector<uint32_t> starts;  // rows at which windows begin; empty: all, from the first on
  };

  std::vector<LearntSet> sets;
  SampleLayout layout;
  LoaderOptions options;
  int batch;
  uint64_t seed;
  BatchShare share;
  std::vector<std::string> cameras;                       // of all sets
  int height = 0, width = 0;                              // of their pictures
  std::vector<std::vector<std::vector<int32_t>>> tokens;  // by set and instruction
  std::vector<Place> episodes;                            // of all sets
  std::vector<uint64_t> group_first;                      // first window of each group
  Sampler sampler;                                        // behind the batches that were started
  FrameCache cache;
  std::unique_ptr<FrameStore> store;  // null: none

  mutable std::mutex mutex;
  std::condition_variable produced, freed;
  std::map<int64_t, Slot> waiting;
  int64_t next_to_start = 0, next_to_give = 0;
  bool stop = false;
  Json position;
  std::atomic<int64_t> load_ns{0}, frames{0}, hits{0};
  double wait_s = 0;
  std::vector<std::jthread> threads;  // last: joined before what they use goes

  Impl(std::vector<LearntSet> s, const SampleLayout& l, const LoaderOptions& o, int b, uint64_t sd,
       const BatchShare& sh, std::vector<std::string> c, std::vector<Place> e,
       std::vector<uint64_t> firsts, Sampler smp)
      : sets(std::move(s)),
        layout(l),
        options(o),
        batch(b),
        seed(sd),
        share(sh),
        cameras(std::move(c)),
        height(LargestOf(&TrainingSet::image_height)),
        width(LargestOf(&TrainingSet::image_width)),
        episodes(std::move(e)),
        group_first(std::move(firsts)),
        sampler(std::move(smp)),
        cache(Rows() * cameras.size(), FrameBytes(), o.cache_mib << 20) {
    const uint64_t frames = Rows() * cameras.size();
    if (options.frame_store.empty() || frames == 0) return;
    store = std::make_unique<FrameStore>(
        options.frame_store, KeyOfFrames(sets, cameras, height, width), frames, FrameBytes(),
        static_cast<uint64_t>(options.frame_store_gib * (1 << 30)));
  }

  // Sets without pictures have none.
  int LargestOf(int TrainingSet::*side) const {
    int largest = 0;
    for (const LearntSet& learnt : sets) largest = std::max(largest, (*learnt.set).*side);
    return largest;
  }
  uint64_t Rows() const {
    uint64_t rows = 0;
    for (const LearntSet& learnt : sets) rows += learnt.set->rows();
    return rows;
  }
  size_t FrameBytes() const { return static_cast<size_t>(height) * static_cast<size_t>(width) * 3; }

  std::vector<WindowDraw> Plan() {
    std::vector<WindowDraw> plan;
    for (int i = 0; i < batch; ++i) plan.push_back(sampler.Next());
    return plan;
  }

  // One sample of a batch: a row of an episode.
  struct Sample {
    const TrainingEpisode* episode = nullptr;
    size_t set = 0, row = 0;
    uint64_t first_row = 0;  // of the episode
    RngKey key;

    // The row that stands for a time step, and whether it lies inside the episode.
    std::pair<size_t, bool> At(int offset) const {
      const int64_t wanted = static_cast<int64_t>(row) + offset;
      const int64_t last = static_cast<int64_t>(episode->length) - 1;
      return {static_cast<size_t>(std::clamp<int64_t>(wanted, 0, last)),
              wanted >= 0 && wanted <= last};
    }
  };

  // How the pictures of a sample are varied: colours alike for all cameras, a shift for each.
  struct ImageDraw {
    double brightness = 0, contrast = 1;
    std::vector<std::pair<int, int>> shift_px;  // by camera
  };
  ImageDraw DrawImages(const RngKey& key) const {
    ImageDraw draw;
    Rng colour(key.WithTerm("colour"));
    draw.brightness = colour.Uniform(-options.brightness, options.brightness);
    draw.contrast = 1 + colour.Uniform(-options.contrast, options.contrast);
    Rng shift(key.WithTerm("shift"));
    const int64_t range = options.shift_px;
    for (size_t camera = 0; camera < cameras.size(); ++camera) {
      const int dx = static_cast<int>(shift.UniformInt(-range, range));
      const int dy = static_cast<int>(shift.UniformInt(-range, range));
      draw.shift_px.emplace_back(dx, dy);
    }
    return draw;
  }

  void FillImages(const Sample& sample, const ColumnLayout& column, uint8_t* out_THWC) {
    if (column.info.SizeOf(sample.set) == 0) return;  // it has no such camera
    const TrainingSet& set = *sets[sample.set].set;
    const size_t camera = CameraOf(column.info.name, cameras), bytes = FrameBytes(),
                 of_set = CameraOf(column.info.name, set.cameras);
    const ImageDraw draw = DrawImages(sample.key);
    std::vector<uint8_t> pixels(bytes);
    for (const int offset : column.offsets) {
      const size_t row = sample.At(offset).first;
      const size_t frame = (sample.first_row + row) * cameras.size() + camera;
      ++frames;
      if (cache.Get(frame, pixels.data())) {
        ++hits;
      } else if (store && store->Get(frame, pixels.data())) {
        ++hits;
        cache.Put(frame, pixels.data());
      } else {
        set.datasets[sample.episode->dataset].frames(sample.episode->index, of_set, row,
                                                     pixels.data());
        cache.Put(frame, pixels.data());
        if (store) store->Put(frame, pixels.data());
      }
      const auto [dx, dy] = draw.shift_px[camera];
      ShiftImage(pixels.data(), height, width, dx, dy, out_THWC);
      if (options.brightness > 0 || options.contrast > 0) {
        AdjustImage(out_THWC, height, width, draw.brightness, draw.contrast);
      }
      out_THWC += bytes;
    }
  }

  // Labels of the objects that the episode knows; the others stay as they are.
  static void FillObjects(const Sample& sample, const ColumnLayout& column, float* out_TO) {
    const TrainingEpisode& episode = *sample.episode;
    for (const int offset : column.offsets) {
      const float* label = episode.objects_TO.data() +
                           sample.At(offset).first * episode.objects.size() * size_t{kObjectLabel};
      for (const size_t object : episode.objects) {
        std::copy_n(label, kObjectLabel, out_TO + object * size_t{kObjectLabel});
        label += kObjectLabel;
      }
      out_TO += column.info.size();
    }
  }

  void FillState(const Sample& sample, const ColumnLayout& column, float* out_TS) const {
    const auto size = static_cast<size_t>(column.info.SizeOf(sample.set));
    for (const int offset : column.offsets) {
      std::copy_n(&sample.episode->state_TS[sample.At(offset).first * size], size, out_TS);
      out_TS += size;
    }
  }

  // Whether a time step is one that is learnt.
  bool Counts(const Sample& sample, const ColumnLayout& column, int offset) const {
    const bool repeated =
        options.end_padding == EndPadding::kRepeat && column.info.name == kActionColumn;
    const auto [row, inside] = sample.At(offset);
    const bool learnt = column.info.name != kActionColumn || sample.episode->Learns(row);
    return learnt && (repeated || inside);
  }

  // Of all samples, without their numbers.
  BatchTotals Totals(const std::vector<Sample>& samples) const {
    BatchTotals totals;
    totals.size = static_cast<int>(samples.size());
    for (const ColumnLayout& column : layout.columns) {
      const std::string& name = column.info.name;
      BatchTotals::Column& total = totals.columns[name];
      for (const Sample& sample : samples) {
        for (const int offset : column.offsets) {
          if (Counts(sample, column, offset)) total.AddReal(static_cast<int32_t>(sample.set));
        }
        if (name == kInstructionColumn || IsImageColumn(name) || IsFeatureColumn(name)) continue;
        const size_t known = name == kObjectsColumn
                                 ? sample.episode->objects.size() * size_t{kObjectLabel}
                                 : static_cast<size_t>(column.info.size());
        total.known += static_cast<int64_t>(known * column.offsets.size());
      }
    }
    return totals;
  }

  // As they are: they are never normalised.
  void FillFeatures(const Sample& sample, const ColumnLayout& column, float* out) const {
    const TrainingSet& set = *sets[sample.set].set;
    const FeatureFolder& features = *set.datasets[sample.episode->dataset].features;
    const bool kinds = column.info.name == kFeatureKindsColumn;
    for (const int offset : column.offsets) {
      const size_t file = sample.episode->feature_file, row = sample.At(offset).first;
      if (kinds) {
        features.ReadKinds(file, row, set.feature_tokens, out);
      } else {
        features.ReadFeatures(file, row, set.feature_tokens, out);
      }
      out += column.info.size();
    }
  }

  // Numbers of a sample, normalised; those that its embodiment has not stay 0.
  void FillNumbers(const Sample& sample, const ColumnLayout& column, float* out) const {
    const std::string& name = column.info.name;
    const size_t steps = column.offsets.size(), padded = static_cast<size_t>(column.info.size()),
                 own = static_cast<size_t>(column.info.SizeOf(sample.set));
    const LearntSet& learnt = sets[sample.set];
    if (own == 0) return;
    std::vector<float> numbers(steps * own, std::numeric_limits<float>::quiet_NaN());
    if (name == kStateColumn) FillState(sample, column, numbers.data());
    if (name == kObjectsColumn || name == kSeenObjectsColumn) {
      FillObjects(sample, column, numbers.data());
    }
    if (name == kActionColumn) {
      std::vector<uint8_t> real(steps);
      learnt.set->Chunk(*sample.episode, sample.row, column.offsets, numbers.data(), real.data(),
                        layout.memory > 1);
    }
    learnt.normalizers.at(name).Encode(numbers);
    for (size_t t = 0; t < steps; ++t) std::copy_n(&numbers[t * own], own, out + t * padded);
  }

  // The column of the samples, normalised.
  BatchColumn FillColumn(const std::vector<Sample>& samples, const ColumnLayout& column) {
    const std::string& name = column.info.name;
    const size_t steps = column.offsets.size();
    const size_t width = steps * static_cast<size_t>(column.info.size());
    BatchColumn result;
    result.name = name;
    for (const Sample& sample : samples) {
      for (const int offset : column.offsets) {
        result.real_BT.push_back(Counts(sample, column, offset));
      }
    }
    if (name == kInstructionColumn) {
      for (const Sample& sample : samples) {
        const std::vector<int32_t>& text = tokens[sample.set][sample.episode->instruction];
        result.tokens.insert(result.tokens.end(), text.begin(), text.end());
      }
    } else if (IsImageColumn(name)) {
      result.pixels.resize(samples.size() * width);
      for (size_t b = 0; b < samples.size(); ++b) {
        FillImages(samples[b], column, &result.pixels[b * width]);
      }
    } else {
      result.numbers.resize(samples.size() * width);
      for (size_t b = 0; b < samples.size(); ++b) {
        float* out = &result.numbers[b * width];
        if (IsFeatureColumn(name)) {
          FillFeatures(samples[b], column, out);
        } else {
          FillNumbers(samples[b], column, out);
        }
      }
    }
    return result;
  }

  Batch Make(const std::vector<WindowDraw>& plan) {
    const double start = MonotonicSeconds();
    std::vector<Sample> samples;
    std::vector<uint64_t> identities;
    std::vector<SampleRow> rows;
    for (const WindowDraw& draw : plan) {
      const uint64_t window = group_first[draw.group] + draw.window;
      const auto after = std::upper_bound(
          episodes.begin(), episodes.end(), window,
          [](uint64_t wanted, const Place& place) { return wanted < place.first_window; });
      const Place& place = *std::prev(after);
      const TrainingEpisode& episode = sets[place.set].set->episodes[place.episode];
      const uint64_t at = window - place.first_window;
      const size_t row = place.starts.empty() ? at : place.starts[at];
      // identity of the sample: its episode and row, wherever they stand in files
      const uint64_t identity = HashOf(episode.uuid) + row * 0x9E3779B97F4A7C15ull;
      identities.push_back(identity);
      rows.push_back({place.set, place.episode, row});
      const RngKey key =
          RngKey{seed}.WithStage("train images").WithParent(identity).WithVariant(draw.epoch);
      samples.push_back({&episode, place.set, row, place.first_row, key});
    }
    // what is another rank's is counted and not made
    const auto begin = static_cast<std::ptrdiff_t>(int64_t{batch} * share.rank / share.ranks);
    const auto end = static_cast<std::ptrdiff_t>(int64_t{batch} * (share.rank + 1) / share.ranks);
    Batch result;
    if (share.ranks > 1) result.whole = Totals(samples);
    samples = {samples.begin() + begin, samples.begin() + end};
    result.size = static_cast<int>(samples.size());
    result.sample_B.assign(identities.begin() + begin, identities.begin() + end);
    result.row_B.assign(rows.begin() + begin, rows.begin() + end);
    for (const Sample& sample : samples) {
      result.embodiment_B.push_back(static_cast<int32_t>(sample.set));
    }
    for (const ColumnLayout& column : layout.columns) {
      result.columns.push_back(FillColumn(samples, column));
    }
    load_ns += static_cast<int64_t>((MonotonicSeconds() - start) * 1e9);
    return result;
  }

  void Work() {
    while (true) {
      int64_t index = 0;
      std::vector<WindowDraw> plan;
      Slot slot;
      // plans are made in order, batches at the same time
      {
        std::unique_lock lock(mutex);
        freed.wait(lock, [&] { return stop || next_to_start < next_to_give + options.ring; });
        if (stop) return;
        index = next_to_start++;
        plan = Plan();
        slot.position = sampler.Save();
      }
      try {
        slot.batch = Make(plan);
      } catch (...) {
        slot.error = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex);
        waiting.emplace(index, std::move(slot));
      }
      produced.notify_all();
    }
  }
};

BatchSource::BatchSource(std::vector<LearntSet> sets, const SampleLayout& layout,
                         const Tokenizer& tokenizer, const LoaderOptions& options,
                         const std::vector<double>& weights, int batch, uint64_t seed,
                         const BatchShare& share) {
  Require(!sets.empty() && batch >= share.ranks, "a set and a batch size");
  std::vector<EmbodimentOffer> offers;
  for (const LearntSet& learnt : sets) {
    const TrainingSet& set = *learnt.set;
    offers.push_back({set.cameras});
    if (!set.cameras.empty() && options.shift_px >= std::min(set.image_height, set.image_width)) {
      ThrowUsage(fmt::format("loader.shift_px = {}: must be less than the image ({}x{})",
                             options.shift_px, set.image_width, set.image_height));
    }
  }
  CheckLayout(sets, layout);

  // windows of all episodes; without weights they are one group
  const ColumnLayout* action = layout.Find(kActionColumn);
  const int reach = action == nullptr ? 0 : action->offsets.back();
  const bool whole = options.end_padding == EndPadding::kLeaveOut;
  std::vector<Impl::Place> episodes;
  std::vector<uint64_t> sizes, firsts;
  std::vector<std::string> paths;
  uint64_t row = 0, window = 0;
  for (size_t s = 0; s < sets.size(); ++s) {
    const TrainingSet& set = *sets[s].set;
    for (size_t d = 0; d < set.datasets.size(); ++d) {
      const TrainingDataset& dataset = set.datasets[d];
      if (!weights.empty() || firsts.empty()) {
        firsts.push_back(window);
        sizes.push_back(0);
        paths.push_back(dataset.path);
      }
      for (size_t e = dataset.first_episode; e < dataset.first_episode + dataset.episodes; ++e) {
        const TrainingEpisode& episode = set.episodes[e];
        const uint64_t length = episode.length;
        const uint64_t lost = whole ? std::min<uint64_t>(length, static_cast<uint64_t>(reach)) : 0;
        std::vector<uint32_t> starts = StartsOf(episode, whole ? reach : 0);
        const uint64_t count = episode.learnt.empty() ? length - lost : starts.size();
        episodes.push_back({s, e, row, window, std::move(starts)});
        row += length;
        window += count;
        sizes.back() += count;
      }
    }
  }
  for (size_t group = 0; whole && group < sizes.size(); ++group) {
    if (sizes[group] > 0) continue;
    ThrowBadInput(fmt::format(
        "{}: no episode has the {} rows of a chunk, and loader.end_padding = leave_out takes no "
        "shorter ones: take mask or repeat, or a shorter horizon",
        paths[group], reach + 1));
  }
  Require(weights.empty() || weights.size() == sizes.size(), "one weight per dataset");
  Sampler sampler(sizes, weights.empty() ? std::vector<double>{1} : weights, seed);
  impl_ = std::make_unique<Impl>(std::move(sets), layout, options, batch, seed, share,
                                 CamerasOf(offers), std::move(episodes), std::move(firsts),
                                 std::move(sampler));
  if (const ColumnLayout* words = layout.Find(kInstructionColumn)) {
    for (const LearntSet& learnt : impl_->sets) {
      std::vector<std::vector<int32_t>>& texts = impl_->tokens.emplace_back();
      for (const std::string& text : learnt.set->instructions) {
        texts.push_back(tokenizer.Encode(text, words->info.size()));
      }
    }
  }
  impl_->position = impl_->sampler.Save();
}

BatchSource::~BatchSource() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->freed.notify_all();
}

Json BatchSource::Save() const { return impl_->position; }

void BatchSource::Restore(const Json& position) {
  Require(impl_->next_to_give == 0 && impl_->threads.empty(), "restored before the first batch");
  impl_->sampler.Restore(position);
  impl_->position = position;
}

Batch BatchSource::Next() {
  Impl& in = *impl_;
  const double start = MonotonicSeconds();
  if (in.options.threads == 0) {
    Batch batch = in.Make(in.Plan());
    in.position = in.sampler.Save();
    ++in.next_to_give;
    in.wait_s += MonotonicSeconds() - start;
    return batch;
  }
  for (int i = static_cast<int>(in.threads.size()); i < in.options.threads; ++i) {
    in.threads.emplace_back([&in] { in.Work(); });
  }
  Slot slot;
  {
    std::unique_lock lock(in.mutex);
    in.produced.wait(lock, [&] { return in.waiting.contains(in.next_to_give); });
    slot = std::move(in.waiting.extract(in.next_to_give).mapped());
    ++in.next_to_give;
  }
  in.freed.notify_all();
  in.wait_s += MonotonicSeconds() - start;
  if (slot.error) std::rethrow_exception(slot.error);
  in.position = std::move(slot.position);
  return std::move(*slot.batch);
}

LoaderTimes BatchSource::times() const {
  LoaderTimes times;
  const std::lock_guard lock(impl_->mutex);
  times.batches = impl_->next_to_give;
  times.samples = times.batches * impl_->batch / impl_->share.ranks;
  times.load_s = static_cast<double>(impl_->load_ns.load()) * 1e-9;
  times.wait_s = impl_->wait_s;
  times.frames = impl_->frames;
  times.frames_from_cache = impl_->hits;
  return times;
}

}  // namespace understudy
