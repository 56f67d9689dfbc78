#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "train/samples/batch.h"
#include "train/samples/normalizer.h"
#include "train/samples/tokenizer.h"
#include "train/samples/training_set.h"

namespace understudy {

// Of windows that reach beyond the last row of their episode. Its action is repeated there; mask:
// and counts nothing; repeat: and is learnt, so that the policy stays where an episode ends.
// leave_out: nothing is learnt from such windows.
enum class EndPadding { kMask, kRepeat, kLeaveOut };
template <>
struct EnumNames<EndPadding> {
  static constexpr std::array kNames{"mask", "repeat", "leave_out"};
};

struct LoaderOptions {
  // changes results
  EndPadding end_padding = EndPadding::kMask;
  int shift_px = 0;       // off: before a camera that stands still a pixel is millimetres
  double brightness = 0;  // off: augmented datasets vary light where it belongs
  double contrast = 0;
  // changes speed only
  int threads = 1;
  int ring = 4;
  int64_t cache_mib = 1024;
  std::string frame_store;
  double frame_store_gib = 64;
  static constexpr std::array kUnwritten{"end_padding", "frame_store", "frame_store_gib"};
  template <class V>
  void Visit(V& v) {
    v("end_padding", end_padding,
      "of chunks that reach beyond the end of an episode: mask, what lies there counts nothing; "
      "repeat, the last action is learnt there; leave_out, nothing is learnt from such chunks");
    v("shift_px", shift_px, "random image shift, drawn per sample and camera; 0: off",
      Limits{0, 64});
    v("brightness", brightness, "random brightness, +- share of white; shared by the cameras",
      Limits{0, 1});
    v("contrast", contrast, "random contrast, +- share; shared by the cameras", Limits{0, 0.99});
    v("threads", threads, "loader threads; 0: load in the training thread", Limits{0, 256},
      Effect::kSpeed);
    v("ring", ring, "batches that may wait", Limits{1, 1024}, Effect::kSpeed);
    v("cache_mib", cache_mib, "MiB of decoded frames kept in memory; 0: none", Limits{0, 1e7},
      Effect::kSpeed);
    v("frame_store", frame_store,
      "folder of a local disk that keeps decoded frames for all ranks of a machine and for later "
      "runs, so that films are decoded once; empty: none",
      Effect::kSpeed);
    v("frame_store_gib", frame_store_gib,
      "GiB that the folder takes at most; what was used longest ago goes first", Limits{0, 1e6},
      Effect::kSpeed);
  }
};

// Which part of every batch a process makes: samples [size * rank / ranks, size * (rank + 1) /
// ranks).
struct BatchShare {
  int rank = 0, ranks = 1;
};

struct LoaderTimes {
  int64_t batches = 0, samples = 0;
  double load_s = 0;  // thread time spent making batches
  double wait_s = 0;  // time that Next made its caller wait
  int64_t frames = 0, frames_from_cache = 0;
};

// What is learnt from of one embodiment. `normalizers` by column, one for each column of numbers,
// for one time step or for all that the layout asks for.
struct LearntSet {
  std::shared_ptr<const TrainingSet> set;  // never changed
  std::map<std::string, Normalizer> normalizers;
};

// Minibatches from background threads. The n-th batch depends on the set, the options that change
// results, the seed and n only; never on threads or timing. Make, Restore and Next on one thread.
class BatchSource {
 public:
  // `layout` holds columns that the sets offer (ColumnsOf). Time steps before the first row and
  // behind the last one of an episode repeat it. `weights` one per dataset, set by set, or empty:
  // then all windows form one pool. `batch` samples are drawn for all ranks together; requires one
  // for each. What a set has not (numbers, pictures) is 0. Throws Error(kBadInput) where windows
  // are left out and none is left.
  BatchSource(std::vector<LearntSet> sets, const SampleLayout& layout, const Tokenizer& tokenizer,
              const LoaderOptions& options, const std::vector<double>& weights, int batch,
              uint64_t seed, const BatchShare& share = {});
  // Of one embodiment.
  BatchSource(std::shared_ptr<const TrainingSet> set, const SampleLayout& layout,
              const std::map<std::string, Normalizer>& normalizers, const Tokenizer& tokenizer,
              const LoaderOptions& options, const std::vector<double>& weights, int batch,
              uint64_t seed, const BatchShare& share = {})
      : BatchSource({{std::move(set), normalizers}}, layout, tokenizer, options, weights, batch,
                    seed, share) {}
  ~BatchSource();

  // The position behind the batches that Next has given, and back to it. Restore only before the
  // first Next.
  Json Save() const;
  void Restore(const Json& position);

  // The next batch; rethrows what its making threw (a frame that cannot be read).
  Batch Next();

  LoaderTimes times() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
