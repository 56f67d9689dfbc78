// hf:user/name: datasets in the cache of Hugging Face's hub.

#include "data/formats/hub.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <optional>

#include "core/base/error.h"
#include "data/formats/formats.h"
#include "data/store/files.h"
#include "tests/data/stranger.h"
#include "tests/data/surgeon.h"

namespace understudy::store_test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class HubTest : public testing::Test {
 protected:
  HubTest() {
    for (const char* name : {"HF_HOME", "HF_HUB_CACHE", "HF_LEROBOT_HOME", "XDG_CACHE_HOME"}) {
      const char* value = std::getenv(name);
      before_[name] = value == nullptr ? std::nullopt : std::optional<std::string>(value);
      unsetenv(name);
    }
    setenv("HF_HOME", folder_.path().c_str(), 1);
  }
  ~HubTest() override {
    for (const auto& [name, value] : before_) {
      if (value) {
        setenv(name.c_str(), value->c_str(), 1);
      } else {
        unsetenv(name.c_str());
      }
    }
  }
  // A snapshot as huggingface_hub lays it out: files are links to blobs.
  fs::path Snapshot(const std::string& commit, const std::vector<std::string>& refs) const {
    const fs::path repository = folder_ / "hub/datasets--somebody--cups";
    const fs::path snapshot = repository / "snapshots" / commit;
    fs::create_directories(repository / "blobs");
    fs::create_directories(snapshot / "raw");
    WriteStranger(repository / "blobs" / commit);
    fs::create_symlink("../../../blobs/" + commit, snapshot / "raw/a.hdf5");
    fs::create_directories(repository / "refs");
    for (const std::string& ref : refs) WriteTextAtomically(repository / "refs" / ref, commit);
    return snapshot;
  }

  Folder folder_;
  std::map<std::string, std::optional<std::string>> before_;
};

TEST_F(HubTest, SnapshotsAreFoundByTheirRevision) {
  const fs::path first = Snapshot("aaa111", {"v2.1"});
  EXPECT_EQ(DatasetPath("hf:somebody/cups"), first) << "the only one";
  const fs::path second = Snapshot("bbb222", {"main", "v3.0"});
  EXPECT_EQ(DatasetPath("hf:somebody/cups"), second) << "main";
  EXPECT_EQ(DatasetPath("hf:somebody/cups@v2.1"), first);
  EXPECT_EQ(DatasetPath("hf:somebody/cups@bbb222"), second);
  // a file of it, read through its link
  EXPECT_EQ(DatasetPath("hf:somebody/cups@v2.1/raw/a.hdf5"), first / "raw/a.hdf5");
  EXPECT_EQ(OpenDataset("hf:somebody/cups/raw/a.hdf5")->episodes().size(), 2u);
  EXPECT_TRUE(VerifyDataset("hf:somebody/cups/raw/a.hdf5").faults.empty());
}

TEST_F(HubTest, LerobotsOwnCopiesAreFoundToo) {
  fs::create_directories(folder_ / "lerobot/somebody/cups");
  EXPECT_EQ(DatasetPath("hf:somebody/cups"), folder_ / "lerobot/somebody/cups");
  setenv("HF_LEROBOT_HOME", (folder_ / "else").c_str(), 1);
  EXPECT_THROW(DatasetPath("hf:somebody/cups"), Error);
}

TEST_F(HubTest, WhatIsNotThereNamesTheDownload) {
  EXPECT_THAT(
      [] { OpenDataset("hf:somebody/cups@v3.0/data/a.h5"); },
      ThrowsMessage<Error>(AllOf(
          HasSubstr("hf download --repo-type dataset --revision v3.0 somebody/cups data/a.h5"),
          HasSubstr(folder_.path().string()))));
  for (const char* slip :
       {"hf:", "hf:cups", "hf:/cups", "hf:a/../b", "hf:a/b/../../../c", "hf:a/b@", "hf:a /b"}) {
    EXPECT_THAT([&] { DatasetPath(slip); }, ThrowsMessage<Error>(HasSubstr("hf:USER/NAME")))
        << slip;
  }
  EXPECT_EQ(DatasetPath("plain/path.h5"), "plain/path.h5");
}

}  // namespace
}  // namespace understudy::store_test
