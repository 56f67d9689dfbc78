// Decoded frames kept on a disk.

#include "train/samples/frame_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "core/base/error.h"
#include "tests/support/file_size_limit.h"
#include "tests/train/training_fixture.h"
#include "train/samples/batch_source.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kFrames = 50, kBytes = 3000, kPlenty = 1 << 20;

std::vector<uint8_t> FrameOf(uint64_t frame) {
  std::vector<uint8_t> pixels(kBytes);
  for (size_t i = 0; i < kBytes; ++i) pixels[i] = Pixel(frame, 0, 0, i);
  return pixels;
}

uint64_t Kept(const FrameStore& store) {
  uint64_t kept = 0;
  std::vector<uint8_t> out(kBytes);
  for (uint64_t frame = 0; frame < kFrames; ++frame) {
    if (!store.Get(frame, out.data())) continue;
    EXPECT_EQ(out, FrameOf(frame));
    ++kept;
  }
  return kept;
}

class FrameStoreTest : public testing::Test {
 protected:
  FrameStore Open(const std::string& key = "a", uint64_t limit = kPlenty) const {
    return FrameStore(folder_, key, kFrames, kBytes, limit);
  }
  uint64_t Size() const {
    uint64_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(folder_)) bytes += entry.file_size();
    return bytes;
  }
  fs::path folder_ = FreshFolder("frames");
};

TEST_F(FrameStoreTest, KeepsForLaterRunsAndOtherProcesses) {
  {
    FrameStore store = Open();
    EXPECT_EQ(Kept(store), 0u);
    for (uint64_t frame = 0; frame < kFrames; frame += 2) store.Put(frame, FrameOf(frame).data());
    EXPECT_EQ(Kept(store), 25u);
  }
  FrameStore store = Open();
  EXPECT_EQ(Kept(store), 25u);
  // another process adds the others while this one has the file open
  const pid_t child = ::fork();
  if (child == 0) {
    FrameStore own = Open();
    for (uint64_t frame = 1; frame < kFrames; frame += 2) own.Put(frame, FrameOf(frame).data());
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Kept(store), kFrames);
}

TEST_F(FrameStoreTest, ThreadsMayPutTheSameFrames) {
  FrameStore store = Open();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&store, t] {
      for (uint64_t i = 0; i < kFrames; ++i) {
        const uint64_t frame = (i + static_cast<uint64_t>(t) * 13) % kFrames;
        std::vector<uint8_t> out(kBytes);
        if (!store.Get(frame, out.data())) store.Put(frame, FrameOf(frame).data());
      }
    });
  }
  threads.clear();
  // a frame that two put at once can take two places
  EXPECT_GE(Kept(store), kFrames - 12);
}

TEST_F(FrameStoreTest, IsBounded) {
  {
    FrameStore store = Open("a", 60000);
    EXPECT_LT(store.room(), 20u);
    EXPECT_GT(store.room(), 15u);
    for (uint64_t frame = 0; frame < kFrames; ++frame) store.Put(frame, FrameOf(frame).data());
    EXPECT_EQ(Kept(store), store.room());
    EXPECT_LE(Size(), 60000u);
    // what is in use stays, and leaves no room for another
    EXPECT_EQ(Open("b", 60000).room(), 0u);
    EXPECT_LE(Size(), 60000u + 4096);
  }
  // nobody uses it any more
  FrameStore other = Open("c", 60000);
  EXPECT_GT(other.room(), 15u);
  EXPECT_LE(Size(), 60000u);
  EXPECT_FALSE(fs::exists(folder_ / "a.frames"));
}

TEST_F(FrameStoreTest, WhatIsDamagedIsNoFrame) {
  {
    FrameStore store = Open();
    for (uint64_t frame = 0; frame < kFrames; ++frame) store.Put(frame, FrameOf(frame).data());
  }
  {
    std::fstream file(folder_ / "a.frames", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 + 10 * 3032 + 500);
    file.put('!');
  }
  {
    FrameStore store = Open();
    EXPECT_EQ(Kept(store), kFrames - 1);
    store.Put(10, FrameOf(10).data());
    EXPECT_EQ(Kept(store), kFrames);
  }
  // cut while it is open: the rest is missing, nothing dies
  FrameStore store = Open();
  fs::resize_file(folder_ / "a.frames", 4096 + 20 * 3032);
  EXPECT_EQ(Kept(store), 20u);
}

TEST_F(FrameStoreTest, AFullDiskEndsTheKeepingOnly) {
  FrameStore store = Open();
  {
    const FileSizeLimit limit(4096 + 5 * 3032 + 100);
    for (uint64_t frame = 0; frame < kFrames; ++frame) store.Put(frame, FrameOf(frame).data());
  }
  EXPECT_EQ(Kept(store), 5u);
}

TEST_F(FrameStoreTest, AFileInTheWayIsNamed) {
  std::ofstream(folder_ / "file") << "x";
  try {
    FrameStore(folder_ / "file", "a", kFrames, kBytes, kPlenty);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("a.frames: cannot be written"));
  }
}

// A second run decodes nothing, and learns from the same pictures.
TEST_F(FrameStoreTest, ASecondRunDecodesNothing) {
  const auto set = ScriptedSet({2});
  set->datasets[0].hash = "of this content";
  const std::vector<ColumnRequest> asked{{ImageColumn("agentview")}, {ImageColumn("wrist")}};
  const SampleLayout layout = LayoutOf(asked, ColumnsOf(*set, 4));
  std::atomic<int> decoded{0};
  const FrameReader read = set->datasets[0].frames;
  set->datasets[0].frames = [&](size_t episode, size_t camera, size_t step, uint8_t* out) {
    ++decoded;
    read(episode, camera, step, out);
  };
  const auto pictures = [&](const std::string& store) {
    LoaderOptions options;
    options.cache_mib = 0;
    options.frame_store = store;
    options.threads = 2;
    BatchSource source(set, layout, {}, Tokenizer(), options, {}, 8, 1);
    std::vector<uint8_t> all;
    for (int i = 0; i < 40; ++i) {
      for (const BatchColumn& column : source.Next().columns) {
        all.insert(all.end(), column.pixels.begin(), column.pixels.end());
      }
    }
    return all;
  };
  const std::vector<uint8_t> plain = pictures("");
  const int all = decoded.exchange(0);
  EXPECT_EQ(pictures(folder_), plain);
  EXPECT_LT(decoded.exchange(0), all);
  EXPECT_EQ(pictures(folder_), plain);
  // what the threads had begun ahead of the last batch apart
  EXPECT_LT(decoded.exchange(0), 100);
  set->datasets[0].hash = "of another";
  pictures(folder_);
  EXPECT_GT(decoded.exchange(0), 100);
}

}  // namespace
}  // namespace understudy
