// Pictures in and out of datasets, beside what HDF5 itself does with the same frames: the field's
// usual layouts (h5py's automatic chunks, one-frame chunks) read by H5Dread and written by H5Dwrite
// with the zlib filter. h5py adds Python's time on top of these calls, so that the ratios to h5py
// are larger still.
//
// Frames: 84x84, from the dataset that UNDERSTUDY_BENCH_FRAMES names (its first camera), else
// drawn: a shaded table with three boxes that move.
//
// And rows without pictures, beside the same arrays written by HDF5 alone.
#include <benchmark/benchmark.h>
#include <hdf5.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/hash.h"
#include "core/episode/attempt_record.h"
#include "core/seam/dataset_header.h"
#include "core/seam/renderer.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/edit/merge.h"
#include "data/store/reader.h"
#include "data/store/writer.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
constexpr int kSize = 84;
constexpr size_t kFrames = 150, kEpisodes = 8;
constexpr size_t kBytes = size_t{kSize} * kSize * 3;

Image Draw(size_t episode, size_t step) {
  Image image(kSize, kSize);
  Rng rng(RngKey{.parent = episode, .term = step});
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      uint8_t* p = &image.rgb[(static_cast<size_t>(y) * kSize + static_cast<size_t>(x)) * 3];
      const int shade = 90 + y / 2 + (x * y) / 200;
      for (int c = 0; c < 3; ++c) {
        p[c] = static_cast<uint8_t>(shade + 8 * c + static_cast<int>(rng.NextU32() % 3));
      }
      for (int box = 0; box < 3; ++box) {
        const int bx = 10 + 22 * box + static_cast<int>(step / 8), by = 20 + 13 * box;
        if (x >= bx && x < bx + 14 && y >= by && y < by + 16) p[box] = 210;
      }
    }
  }
  return image;
}

std::vector<std::vector<Image>> Frames() {
  std::vector<std::vector<Image>> episodes(kEpisodes);
  const char* file = std::getenv("UNDERSTUDY_BENCH_FRAMES");
  if (file == nullptr) {
    for (size_t e = 0; e < kEpisodes; ++e) {
      for (size_t k = 0; k < kFrames; ++k) episodes[e].push_back(Draw(e, k));
    }
    return episodes;
  }
  const DatasetReader reader(file);
  for (size_t e = 0; e < kEpisodes; ++e) {
    const size_t length = reader.episodes().at(e).length;
    for (size_t k = 0; k < kFrames; ++k) {
      episodes[e].push_back(
          reader.ReadImage(e, reader.header().cameras.at(0), std::min(k, length - 1)));
    }
  }
  return episodes;
}

// The frames once, and a folder for all programs' files.
struct Fixture {
  std::vector<std::vector<Image>> frames = Frames();
  fs::path folder = fs::temp_directory_path() / ("store_bench_" + std::to_string(::getpid()));
  Fixture() { fs::create_directories(folder); }
  ~Fixture() { fs::remove_all(folder); }
};
Fixture& Shared() {
  static Fixture fixture;
  return fixture;
}

DatasetHeader Header(size_t cameras) {
  DatasetHeader header;
  header.simulator.task = "bench";
  header.simulator.arms = {"robot0"};
  header.simulator.state_size = header.simulator.flat_state_size = 1;
  for (size_t c = 0; c < cameras; ++c) header.cameras.push_back("camera" + std::to_string(c));
  header.image_width = header.image_height = kSize;
  return header;
}

// One arm that stands still.
Episode StillEpisode(size_t rows) {
  Episode episode;
  for (size_t k = 0; k < rows; ++k) {
    Step step;
    step.observation.arms.resize(1);
    step.action.arms.resize(1);
    step.action_clean.arms.resize(1);
    step.delta.resize(1);
    step.state = {0};
    step.observation.sim_time_s = 0.05 * static_cast<double>(k);
    episode.steps.push_back(step);
  }
  episode.final_observation.arms.resize(1);
  episode.final_observation.sim_time_s = 0.05 * static_cast<double>(rows);
  episode.final_state = {0};
  episode.meta.arms = {"robot0"};
  episode.meta.control_hz = 20;
  return episode;
}

// Cameras have the frames of one episode each: the same frame twice in a row would be inflated by a
// processor that has just learnt how.
void WriteOurs(const fs::path& file, int threads, size_t cameras = 1) {
  const Fixture& shared = Shared();
  Episode episode = StillEpisode(kFrames);
  DatasetWriter writer(file, Header(cameras), {.overwrite = true, .threads = threads});
  for (size_t e = 0; e < kEpisodes; ++e) {
    episode.meta.uuid = MakeUuid("bench", RngKey{.parent = e});
    std::vector<std::vector<Image>> images;
    for (size_t c = 0; c < cameras; ++c) images.push_back(shared.frames[(e + c) % kEpisodes]);
    writer.Append(episode, images, {cameras, CameraParameters{kSize, kSize, 45, {}}});
  }
  writer.Finish();
}

// What h5py's create_dataset(compression="gzip") makes of (150, 84, 84, 3): chunks (38, 21, 21, 2).
constexpr hsize_t kAutoChunk[4] = {38, 21, 21, 2};
constexpr hsize_t kFrameChunk[4] = {1, kSize, kSize, 3};

void WriteHdf5(const fs::path& file, const hsize_t* chunk, unsigned level) {
  const Fixture& shared = Shared();
  const hid_t id = H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t dims[4] = {kFrames, kSize, kSize, 3};
  std::vector<uint8_t> all(kFrames * kBytes);
  for (size_t e = 0; e < kEpisodes; ++e) {
    for (size_t k = 0; k < kFrames; ++k) {
      std::copy(shared.frames[e][k].rgb.begin(), shared.frames[e][k].rgb.end(),
                all.begin() + static_cast<std::ptrdiff_t>(k * kBytes));
    }
    const hid_t space = H5Screate_simple(4, dims, nullptr);
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 4, chunk);
    H5Pset_deflate(plist, level);
    const hid_t dataset = H5Dcreate2(id, std::to_string(e).c_str(), H5T_NATIVE_UINT8, space,
                                     H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data());
    H5Dclose(dataset);
    H5Pclose(plist);
    H5Sclose(space);
  }
  H5Fclose(id);
}

void ReadHdf5Frame(hid_t dataset, size_t step, uint8_t* out) {
  const hsize_t start[4] = {step, 0, 0, 0}, count[4] = {1, kSize, kSize, 3};
  const hid_t memory = H5Screate_simple(4, count, nullptr), space = H5Dget_space(dataset);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr);
  H5Dread(dataset, H5T_NATIVE_UINT8, memory, space, H5P_DEFAULT, out);
  H5Sclose(space);
  H5Sclose(memory);
}

void CountFrames(benchmark::State& state, size_t frames_per_iteration) {
  const auto frames = static_cast<int64_t>(frames_per_iteration) * state.iterations();
  state.SetItemsProcessed(frames);
  state.SetBytesProcessed(frames * static_cast<int64_t>(kBytes));
}

// One frame of any episode, as training asks for them.
void BM_RandomFrameOurs(benchmark::State& state) {
  const fs::path file = Shared().folder / "ours.h5";
  WriteOurs(file, 0);
  const DatasetReader reader(file);
  Rng rng(RngKey{1});
  std::vector<uint8_t> pixels(kBytes);
  for (auto _ : state) {
    reader.ReadFrame(rng.UniformInt(uint64_t{kEpisodes}), 0, rng.UniformInt(uint64_t{kFrames}),
                     pixels.data());
  }
  CountFrames(state, 1);
}
BENCHMARK(BM_RandomFrameOurs)->Unit(benchmark::kMicrosecond);

// Every frame once after opening, in any order, as the first epoch of a training reads them.
// Argument: whether pictures are compared with their hash.
void BM_FirstEpoch(benchmark::State& state) {
  const fs::path file = Shared().folder / "ours.h5";
  WriteOurs(file, 0);
  ReadOptions options;
  options.check_hashes = state.range(0) != 0;
  std::vector<size_t> order(kEpisodes * kFrames);
  std::iota(order.begin(), order.end(), size_t{0});
  Rng rng(RngKey{1});
  for (size_t i = order.size() - 1; i > 0; --i) {
    std::swap(order[i], order[rng.UniformInt(uint64_t{i + 1})]);
  }
  std::vector<uint8_t> pixels(kBytes);
  for (auto _ : state) {
    const DatasetReader reader(file, options);
    for (const size_t i : order) reader.ReadFrame(i / kFrames, 0, i % kFrames, pixels.data());
  }
  CountFrames(state, kEpisodes * kFrames);
}
BENCHMARK(BM_FirstEpoch)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void RandomFrameHdf5(benchmark::State& state, const hsize_t* chunk) {
  const fs::path file = Shared().folder / "theirs.h5";
  WriteHdf5(file, chunk, 4);
  const hid_t id = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  std::vector<hid_t> datasets;
  for (size_t e = 0; e < kEpisodes; ++e) {
    datasets.push_back(H5Dopen2(id, std::to_string(e).c_str(), H5P_DEFAULT));
  }
  Rng rng(RngKey{1});
  std::vector<uint8_t> pixels(kBytes);
  for (auto _ : state) {
    const hid_t dataset = datasets[rng.UniformInt(uint64_t{kEpisodes})];
    ReadHdf5Frame(dataset, rng.UniformInt(uint64_t{kFrames}), pixels.data());
  }
  CountFrames(state, 1);
  for (const hid_t dataset : datasets) H5Dclose(dataset);
  H5Fclose(id);
}
void BM_RandomFrameAutoChunks(benchmark::State& state) { RandomFrameHdf5(state, kAutoChunk); }
void BM_RandomFrameFrameChunks(benchmark::State& state) { RandomFrameHdf5(state, kFrameChunk); }
BENCHMARK(BM_RandomFrameAutoChunks)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_RandomFrameFrameChunks)->Unit(benchmark::kMicrosecond);

// Arguments: threads, cameras.
void BM_SequentialReadOurs(benchmark::State& state) {
  const fs::path file = Shared().folder / "ours.h5";
  const auto threads = static_cast<size_t>(state.range(0));
  const auto cameras = static_cast<size_t>(state.range(1));
  WriteOurs(file, 0, cameras);
  const DatasetReader reader(file);
  for (auto _ : state) {
    std::vector<std::jthread> pool;
    for (size_t t = 0; t < threads; ++t) {
      pool.emplace_back([&, t] {
        std::vector<uint8_t> pixels(kBytes);
        for (size_t e = 0; e < kEpisodes; ++e) {
          for (size_t k = t; k < kFrames; k += threads) {
            for (size_t c = 0; c < cameras; ++c) reader.ReadFrame(e, c, k, pixels.data());
          }
        }
      });
    }
  }
  CountFrames(state, cameras * kEpisodes * kFrames);
}
BENCHMARK(BM_SequentialReadOurs)
    ->ArgsProduct({{1, 2}, {1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

// The whole dataset, from opening it to its last column and frame: what Verify reads, unchecked.
// Arguments: threads, cameras.
void BM_ReadDataset(benchmark::State& state) {
  const fs::path file = Shared().folder / "ours.h5";
  const auto threads = static_cast<size_t>(state.range(0));
  const auto cameras = static_cast<size_t>(state.range(1));
  WriteOurs(file, 0, cameras);
  for (auto _ : state) {
    const DatasetReader reader(file);
    std::vector<std::jthread> pool;
    for (size_t t = 0; t < threads; ++t) {
      pool.emplace_back([&, t] {
        std::vector<uint8_t> pixels(kBytes);
        for (size_t e = t; e < kEpisodes; e += threads) {
          benchmark::DoNotOptimize(reader.ReadEpisode(e, true));
          for (size_t c = 0; c < cameras; ++c) {
            for (size_t k = 0; k < kFrames; ++k) reader.ReadFrame(e, c, k, pixels.data());
          }
        }
      });
    }
  }
  CountFrames(state, cameras * kEpisodes * kFrames);
}
BENCHMARK(BM_ReadDataset)
    ->ArgsProduct({{1, 2}, {1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

void BM_SequentialReadHdf5(benchmark::State& state) {
  const fs::path file = Shared().folder / "theirs.h5";
  WriteHdf5(file, kFrameChunk, 4);
  const hid_t id = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  std::vector<uint8_t> all(kFrames * kBytes);
  for (auto _ : state) {
    for (size_t e = 0; e < kEpisodes; ++e) {
      const hid_t dataset = H5Dopen2(id, std::to_string(e).c_str(), H5P_DEFAULT);
      H5Dread(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data());
      H5Dclose(dataset);
    }
  }
  CountFrames(state, kEpisodes * kFrames);
  H5Fclose(id);
}
BENCHMARK(BM_SequentialReadHdf5)->Unit(benchmark::kMillisecond)->UseRealTime();

// The whole dataset: columns, hashes, flushes and rename included.
void BM_SequentialWriteOurs(benchmark::State& state) {
  Shared();
  for (auto _ : state) {
    WriteOurs(Shared().folder / "written.h5", static_cast<int>(state.range(0)));
  }
  CountFrames(state, kEpisodes * kFrames);
}
BENCHMARK(BM_SequentialWriteOurs)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_SequentialWriteHdf5(benchmark::State& state) {
  Shared();
  for (auto _ : state) {
    WriteHdf5(Shared().folder / "written.h5", kFrameChunk, static_cast<unsigned>(state.range(0)));
  }
  CountFrames(state, kEpisodes * kFrames);
}
BENCHMARK(BM_SequentialWriteHdf5)->Arg(1)->Arg(4)->Unit(benchmark::kMillisecond)->UseRealTime();

// ---- many short episodes ------------------------------------------------------------------------

constexpr size_t kShortEpisodes = 2000, kShortRows = 4;

// Without pictures; without the index, as files of older programs are.
void WriteShort(const fs::path& file, bool index) {
  Episode episode = StillEpisode(kShortRows);
  {
    DatasetWriter writer(file, Header(0), {.overwrite = true, .flush_episodes = false});
    for (size_t e = 0; e < kShortEpisodes; ++e) {
      episode.meta.uuid = MakeUuid("bench", RngKey{.parent = e});
      writer.Append(episode);
    }
    writer.Finish();
  }
  if (index) return;
  const hid_t id = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  H5Ldelete(id, "understudy/index", H5P_DEFAULT);
  H5Fclose(id);
}

void CountEpisodes(benchmark::State& state, const fs::path& file) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kShortEpisodes));
  state.counters["bytes_per_episode"] =
      static_cast<double>(fs::file_size(file)) / static_cast<double>(kShortEpisodes);
}

// What `data info` does. Argument: with the index.
void BM_DescribeShort(benchmark::State& state) {
  const fs::path file = Shared().folder / "short.h5";
  WriteShort(file, state.range(0) != 0);
  for (auto _ : state) benchmark::DoNotOptimize(DescribeDataset(DatasetReader(file)));
  CountEpisodes(state, file);
}
BENCHMARK(BM_DescribeShort)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond);

void BM_CopyShort(benchmark::State& state) {
  const fs::path file = Shared().folder / "short.h5", copy = Shared().folder / "copy.h5";
  WriteShort(file, true);
  for (auto _ : state) MergeDatasets({file}, copy, false, true);
  CountEpisodes(state, copy);
}
BENCHMARK(BM_CopyShort)->Unit(benchmark::kMillisecond);

// The same groups by H5Ocopy alone: no hash, no journal, no list.
void BM_CopyShortHdf5(benchmark::State& state) {
  const fs::path file = Shared().folder / "short.h5", copy = Shared().folder / "copy.h5";
  WriteShort(file, true);
  for (auto _ : state) {
    const hid_t from = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t to = H5Fcreate(copy.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(H5Gcreate2(to, "data", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    for (size_t e = 0; e < kShortEpisodes; ++e) {
      const std::string name = "data/demo_" + std::to_string(e);
      H5Ocopy(from, name.c_str(), to, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    }
    H5Fclose(to);
    H5Fclose(from);
  }
  CountEpisodes(state, copy);
}
BENCHMARK(BM_CopyShortHdf5)->Unit(benchmark::kMillisecond);

// ---- rows without pictures, as Mimic writes them -----------------------------------------------

constexpr size_t kAttempts = 96, kTogether = 8;

// As large as one of Mimic's on stack.
KeptAttempt AttemptOfStack() {
  constexpr size_t kSteps = 138, kState = 199;
  Episode episode;
  Observation seen;
  seen.arms.resize(1);
  seen.arms[0].joint_q = seen.arms[0].joint_v = Eigen::VectorXd::Zero(7);
  seen.arms[0].gripper_q = seen.arms[0].gripper_v = Eigen::VectorXd::Zero(2);
  seen.X_WO.resize(2);
  seen.signals.resize(2);
  for (size_t k = 0; k < kSteps; ++k) {
    Step step;
    step.observation = seen;
    step.action.arms.resize(1);
    step.action_clean.arms.resize(1);
    step.delta.resize(1);
    step.state.assign(kState, static_cast<double>(k));
    episode.steps.push_back(step);
  }
  episode.final_observation = seen;
  episode.final_state.assign(kState, 0);
  episode.meta.arms = {"robot0"};
  episode.meta.objects = {"cubeA", "cubeB"};
  episode.meta.signals = {"grasp", "on_b"};
  episode.meta.control_hz = 20;
  episode.meta.uuid = MakeUuid("bench", RngKey{});
  return {{.success = true}, episode};
}

void WriteAttempts(const fs::path& file, size_t together) {
  static const KeptAttempt attempt = AttemptOfStack();
  DatasetHeader header = Header(0);
  header.simulator.state_size = header.simulator.flat_state_size = 199;
  DatasetWriter writer(file, header, {.overwrite = true});
  const std::vector<KeptAttempt> batch(together, attempt);
  for (size_t i = 0; i < kAttempts; i += together) writer.AppendAttempts(batch);
  writer.Finish();
}

// Argument: how many go together.
void BM_AppendAttempts(benchmark::State& state) {
  for (auto _ : state) {
    WriteAttempts(Shared().folder / "attempts.h5", static_cast<size_t>(state.range(0)));
  }
  state.SetItemsProcessed(static_cast<int64_t>(kAttempts) * state.iterations());
}
BENCHMARK(BM_AppendAttempts)->Arg(1)->Arg(kTogether)->Unit(benchmark::kMillisecond);

// The arrays of such an episode alone, by H5Dcreate and H5Dwrite: no attribute, no hash, no table
// of attempts, and a kill may lose the file.
struct Array {
  std::string path;
  hid_t type = -1, space = -1;
  std::vector<char> bytes;
};

herr_t CollectArray(hid_t group, const char* name, const H5O_info_t* info, void* out) {
  if (info->type != H5O_TYPE_DATASET) return 0;
  const hid_t dataset = H5Dopen2(group, name, H5P_DEFAULT);
  Array array{name, H5Dget_type(dataset), H5Dget_space(dataset), {}};
  array.bytes.resize(H5Dget_storage_size(dataset));
  H5Dread(dataset, array.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.bytes.data());
  H5Dclose(dataset);
  static_cast<std::vector<Array>*>(out)->push_back(std::move(array));
  return 0;
}

void BM_AppendArraysHdf5(benchmark::State& state) {
  const fs::path ours = Shared().folder / "attempts.h5", theirs = Shared().folder / "arrays.h5";
  WriteAttempts(ours, kTogether);
  std::vector<Array> arrays;
  const hid_t from = H5Fopen(ours.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t demo = H5Gopen2(from, "data/demo_0", H5P_DEFAULT);
  H5Ovisit1(demo, H5_INDEX_NAME, H5_ITER_INC, CollectArray, &arrays);
  const hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  for (auto _ : state) {
    const hid_t file = H5Fcreate(theirs.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (size_t i = 0; i < kAttempts; ++i) {
      for (const Array& array : arrays) {
        const std::string path = "data/demo_" + std::to_string(i) + "/" + array.path;
        const hid_t dataset = H5Dcreate2(file, path.c_str(), array.type, array.space, links,
                                         H5P_DEFAULT, H5P_DEFAULT);
        H5Dwrite(dataset, array.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.bytes.data());
        H5Dclose(dataset);
      }
      if ((i + 1) % kTogether == 0) H5Fflush(file, H5F_SCOPE_LOCAL);
    }
    H5Fclose(file);
  }
  state.SetItemsProcessed(static_cast<int64_t>(kAttempts) * state.iterations());
  for (const Array& array : arrays) {
    H5Tclose(array.type);
    H5Sclose(array.space);
  }
  H5Pclose(links);
  H5Gclose(demo);
  H5Fclose(from);
}
BENCHMARK(BM_AppendArraysHdf5)->Unit(benchmark::kMillisecond);

// Every column, hash and frame. Arguments: threads, cameras.
void BM_Verify(benchmark::State& state) {
  const fs::path file = Shared().folder / "ours.h5";
  const auto cameras = static_cast<size_t>(state.range(1));
  WriteOurs(file, 0, cameras);
  for (auto _ : state) {
    const VerifyReport report = VerifyDataset(file, {.threads = static_cast<int>(state.range(0))});
    if (report.faults.empty()) continue;
    state.SkipWithError((report.faults[0].place + ": " + report.faults[0].what).c_str());
    return;
  }
  CountFrames(state, cameras * kEpisodes * kFrames);
}
BENCHMARK(BM_Verify)
    ->ArgsProduct({{1, 2}, {1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

}  // namespace
}  // namespace understudy

BENCHMARK_MAIN();
