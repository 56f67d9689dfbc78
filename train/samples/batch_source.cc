#include "train/samples/batch_source.h"

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
#include "train/samples/image_ops.h"
#include "train/samples/sampler.h"

namespace understudy {
namespace {

// Decoded frames, kept until the limit is reached and then no more: under random access every
// frame is as good as another. Thread-safe without locks.
class FrameCache {
 public:
  FrameCache(size_t frames, size_t frame_bytes, int64_t limit_bytes)
      : places_(limit_bytes > 0 ? frames : 0), bytes_(frame_bytes), left_(limit_bytes) {}
  ~FrameCache() {
    for (auto& place : places_) delete[] place.load();
  }
  FrameCache(const FrameCache&) = delete;
  FrameCache& operator=(const FrameCache&) = delete;

  bool Get(size_t frame, uint8_t* out) const {
    if (places_.empty()) return false;
    const uint8_t* found = places_[frame].load(std::memory_order_acquire);
    if (found != nullptr) std::memcpy(out, found, bytes_);
    return found != nullptr;
  }

  void Put(size_t frame, const uint8_t* pixels) {
    const int64_t cost = static_cast<int64_t>(bytes_);
    if (places_.empty()) return;
    if (left_.fetch_sub(cost) < cost) {
      left_.fetch_add(cost);
      return;
    }
    uint8_t* copy = new uint8_t[bytes_];
    std::memcpy(copy, pixels, bytes_);
    uint8_t* expected = nullptr;
    // another thread may have been first: its copy is the same
    if (!places_[frame].compare_exchange_strong(expected, copy, std::memory_order_acq_rel)) {
      delete[] copy;
      left_.fetch_add(cost);
    }
  }

 private:
  std::vector<std::atomic<uint8_t*>> places_;
  size_t bytes_;
  std::atomic<int64_t> left_;
};

struct Slot {
  std::optional<Batch> batch;
  std::exception_ptr error;
  Json position;  // behind this batch
};

}  // namespace

struct BatchSource::Impl {
  std::shared_ptr<const TrainingSet> set;
  SampleLayout layout;
  Normalizer state, action, objects;
  LoaderOptions options;
  int batch;
  uint64_t seed;
  std::vector<std::vector<int32_t>> tokens;  // by instruction
  std::vector<uint64_t> first_window;        // of each episode, ascending
  std::vector<uint64_t> group_first;         // first window of each group
  Sampler sampler;                           // behind the batches that were started
  FrameCache cache;

  mutable std::mutex mutex;
  std::condition_variable produced, freed;
  std::map<int64_t, Slot> waiting;
  int64_t next_to_start = 0, next_to_give = 0;
  bool stop = false;
  Json position;
  std::atomic<int64_t> load_ns{0}, frames{0}, hits{0};
  double wait_s = 0;
  std::vector<std::jthread> threads;  // last: joined before what they use goes

  Impl(std::shared_ptr<const TrainingSet> s, const SampleLayout& l, const Normalizer& st,
       const Normalizer& ac, const LoaderOptions& o, Sampler smp, int b, uint64_t sd)
      : set(std::move(s)),
        layout(l),
        state(st),
        action(ac),
        objects(l.objects > 0 ? ObjectStatistics(*set) : Normalizer{}),
        options(o),
        batch(b),
        seed(sd),
        sampler(std::move(smp)),
        cache(set->windows() * static_cast<size_t>(l.cameras),
              static_cast<size_t>(l.height) * l.width * 3, o.cache_mib << 20) {}

  std::vector<WindowDraw> Plan() {
    std::vector<WindowDraw> plan;
    for (int i = 0; i < batch; ++i) plan.push_back(sampler.Next());
    return plan;
  }

  void FillImages(const TrainingEpisode& episode, uint64_t window, size_t row, const RngKey& key,
                  uint8_t* out_NHWC) {
    const size_t bytes = static_cast<size_t>(layout.height) * layout.width * 3;
    // colours are drawn once for all cameras, shifts for each
    Rng colour(key.WithTerm("colour"));
    const double brightness = colour.Uniform(-options.brightness, options.brightness);
    const double contrast = 1 + colour.Uniform(-options.contrast, options.contrast);
    Rng shift(key.WithTerm("shift"));
    std::vector<uint8_t> pixels(bytes);
    for (size_t camera = 0; camera < static_cast<size_t>(layout.cameras); ++camera) {
      const size_t frame = window * static_cast<size_t>(layout.cameras) + camera;
      ++frames;
      if (cache.Get(frame, pixels.data())) {
        ++hits;
      } else {
        set->datasets[episode.dataset].frames(episode.index, camera, row, pixels.data());
        cache.Put(frame, pixels.data());
      }
      const int64_t range = options.shift_px;
      const int dx = static_cast<int>(shift.UniformInt(-range, range));
      const int dy = static_cast<int>(shift.UniformInt(-range, range));
      uint8_t* out = out_NHWC + camera * bytes;
      ShiftImage(pixels.data(), layout.height, layout.width, dx, dy, out);
      if (options.brightness > 0 || options.contrast > 0) {
        AdjustImage(out, layout.height, layout.width, brightness, contrast);
      }
    }
  }

  // Labels of the objects that the episode knows; the others stay as they are.
  static void FillObjects(const TrainingEpisode& episode, size_t row, float* out_O) {
    const float* label =
        episode.objects_TO.data() + row * episode.objects.size() * size_t{kObjectLabel};
    for (const size_t object : episode.objects) {
      std::copy_n(label, kObjectLabel, out_O + object * size_t{kObjectLabel});
      label += kObjectLabel;
    }
  }

  Batch Make(const std::vector<WindowDraw>& plan) {
    const double start = MonotonicSeconds();
    const size_t B = plan.size(), S = static_cast<size_t>(layout.state),
                 T = static_cast<size_t>(layout.horizon), A = static_cast<size_t>(layout.action);
    const size_t images = static_cast<size_t>(layout.cameras) * layout.height * layout.width * 3;
    Batch result;
    result.size = batch;
    result.images_BNHWC.resize(B * images);
    result.state_BS.resize(B * S);
    result.actions_BTA.resize(B * T * A);
    result.mask_BT.resize(B * T);
    const size_t O = static_cast<size_t>(layout.objects);
    result.objects_BO.assign(B * O, std::numeric_limits<float>::quiet_NaN());
    result.embodiment_B.assign(B, 0);
    for (size_t b = 0; b < B; ++b) {
      const uint64_t window = group_first[plan[b].group] + plan[b].window;
      const size_t at =
          static_cast<size_t>(std::upper_bound(first_window.begin(), first_window.end(), window) -
                              first_window.begin() - 1);
      const TrainingEpisode& episode = set->episodes[at];
      const size_t row = window - first_window[at];
      // who the sample is: its episode and row, wherever they stand in files
      const uint64_t sample = HashOf(episode.uuid) + row * 0x9E3779B97F4A7C15ull;
      result.sample_B.push_back(sample);
      const RngKey key =
          RngKey{seed}.WithStage("train images").WithParent(sample).WithVariant(plan[b].epoch);
      FillImages(episode, window, row, key, &result.images_BNHWC[b * images]);
      std::copy_n(&episode.state_TS[row * S], S, &result.state_BS[b * S]);
      set->Chunk(episode, row, layout.horizon, &result.actions_BTA[b * T * A],
                 &result.mask_BT[b * T]);
      if (O > 0) FillObjects(episode, row, &result.objects_BO[b * O]);
      const std::vector<int32_t>& text = tokens[episode.instruction];
      result.tokens_BL.insert(result.tokens_BL.end(), text.begin(), text.end());
    }
    state.Encode(result.state_BS);
    action.Encode(result.actions_BTA);
    if (O > 0) objects.Encode(result.objects_BO);
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

BatchSource::BatchSource(std::shared_ptr<const TrainingSet> set, const SampleLayout& layout,
                         const Normalizer& state, const Normalizer& action,
                         const Tokenizer& tokenizer, const LoaderOptions& options,
                         const std::vector<double>& weights, int batch, uint64_t seed) {
  Require(set != nullptr && batch > 0, "a set and a batch size");
  Require(layout.cameras == static_cast<int>(set->cameras.size()) &&
              layout.height == set->image_height && layout.width == set->image_width &&
              layout.state == set->embodiment.state_size() && layout.state == state.size() &&
              layout.action == set->embodiment.action_size() &&
              layout.horizon * layout.action == action.size() &&
              (layout.objects == 0 ||
               layout.objects == kObjectLabel * static_cast<int>(set->objects.size())),
          "the layout is that of the set");
  Require(weights.empty() || weights.size() == set->datasets.size(), "one weight per dataset");
  if (options.shift_px >= std::min(layout.height, layout.width)) {
    ThrowUsage(fmt::format("loader.shift_px = {}: must be less than the image ({}x{})",
                           options.shift_px, layout.width, layout.height));
  }
  // without weights all windows are one group
  std::vector<uint64_t> sizes, firsts;
  if (weights.empty()) {
    sizes = {set->windows()};
    firsts = {0};
  } else {
    for (size_t d = 0; d < set->datasets.size(); ++d) {
      const std::pair<uint64_t, uint64_t> windows = set->WindowsOf(d);
      firsts.push_back(windows.first);
      sizes.push_back(windows.second);
    }
  }
  Sampler sampler(sizes, weights.empty() ? std::vector<double>{1} : weights, seed);
  impl_ = std::make_unique<Impl>(std::move(set), layout, state, action, options, std::move(sampler),
                                 batch, seed);
  impl_->group_first = std::move(firsts);
  uint64_t window = 0;
  for (const TrainingEpisode& episode : impl_->set->episodes) {
    impl_->first_window.push_back(window);
    window += episode.length;
  }
  for (const std::string& text : impl_->set->instructions) {
    impl_->tokens.push_back(tokenizer.Encode(text, layout.tokens));
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
  times.samples = times.batches * impl_->batch;
  times.load_s = static_cast<double>(impl_->load_ns.load()) * 1e-9;
  times.wait_s = impl_->wait_s;
  times.frames = impl_->frames;
  times.frames_from_cache = impl_->hits;
  return times;
}

}  // namespace understudy
