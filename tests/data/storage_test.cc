// Arrays whose numbers lie in other arrays or files: virtual datasets and raw files.
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "data/formats/edit.h"
#include "data/formats/formats.h"
#include "data/store/edit/verify.h"
#include "data/store/hdf5/file.h"
#include "tests/data/stranger.h"
#include "tests/data/surgeon.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

using namespace store_test;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kColumn = "data/demo_0/obs/touch";
constexpr hsize_t kDims[3] = {5, 2, 4};  // WriteStranger's

class StoredElsewhere : public testing::Test {
 protected:
  StoredElsewhere() {
    fs::create_directories(folder_ / "set");
    fs::create_directories(folder_ / "far");
    WriteStranger(file_);
    numbers_ = Numbers(file_);
  }
  // The numbers of kColumn move to `source` of `target`.
  void MakeVirtual(const fs::path& target, const char* source = "touch") {
    if (target != ".") {
      Surgeon other(file_.parent_path() / target, true);
      other.Array("touch", {kDims[0], kDims[1], kDims[2]});
      const hid_t d = H5Dopen2(other.id(), "touch", H5P_DEFAULT);
      H5Dwrite(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers_.data());
      H5Dclose(d);
    }
    Replace([&](hid_t plist, hid_t space) {
      H5Pset_virtual(plist, space, target.c_str(), source, space);
    });
  }
  // The same into the raw file `target`. (HDF5 looks for relative ones in the working folder.)
  void MakeRaw(const fs::path& target) {
    std::ofstream(target, std::ios::binary)
        .write(reinterpret_cast<const char*>(numbers_.data()),
               static_cast<std::streamsize>(numbers_.size()));
    Replace(
        [&](hid_t plist, hid_t) { H5Pset_external(plist, target.c_str(), 0, numbers_.size()); });
  }
  static std::vector<uint8_t> Numbers(const fs::path& file) {
    return h5::OpenForReading(file).Read(kColumn, ColumnType::kF64).bytes;
  }
  std::string WhyNot(const ReadOptions& read = {}) const {
    const auto source = OpenDataset(file_, read);
    for (const ColumnSpec& column : source->ColumnsOf(1)) {
      if (column.name != "obs/touch") continue;
      return ErrorOf([&] { source->ReadColumns(0, std::vector{column}); }, ErrorKind::kBadInput);
    }
    ADD_FAILURE() << "no such column";
    return "";
  }

  Folder folder_;
  const fs::path file_ = folder_ / "set" / "a.hdf5";
  std::vector<uint8_t> numbers_;
  Progress quiet_;

 private:
  void Replace(const std::function<void(hid_t plist, hid_t space)>& store) {
    Surgeon surgeon(file_);
    surgeon.Delete(kColumn);
    const hid_t space = H5Screate_simple(3, kDims, nullptr);
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    store(plist, space);
    const hid_t d = H5Dcreate2(surgeon.id(), kColumn, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, plist,
                               H5P_DEFAULT);
    ASSERT_GE(d, 0);
    H5Dclose(d);
    H5Pclose(plist);
    H5Sclose(space);
  }
};

TEST_F(StoredElsewhere, IsReadAndCopiedWithItsNumbers) {
  const fs::path copy = folder_ / "far" / "copy.hdf5";
  for (const bool raw : {false, true}) {
    raw ? MakeRaw(folder_ / "set" / "touch.bin") : MakeVirtual("numbers.h5");
    EXPECT_EQ(Numbers(file_), numbers_) << raw;
    FilterAny(file_, copy, {.where = "steps > 0", .overwrite = true}, quiet_);
    EXPECT_EQ(Numbers(copy), numbers_) << raw;
    TrimAny(file_, copy, {.overwrite = true}, quiet_);
    EXPECT_EQ(Numbers(copy), numbers_) << raw;
    RepairAny(file_, copy, true, {}, quiet_);
    EXPECT_EQ(Numbers(copy), numbers_) << raw;
  }
}

TEST_F(StoredElsewhere, IsLookedAtForNan) {
  const double nan = std::nan("");
  std::memcpy(&numbers_[8 * sizeof(double)], &nan, sizeof(nan));
  MakeVirtual("numbers.h5");
  const std::vector<Fault> faults = VerifyApart(file_, {}, {}, quiet_).faults;
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_THAT(faults[0].place, HasSubstr("obs/touch[1]"));
}

TEST_F(StoredElsewhere, IsNoZeroWhereItIsMissing) {
  MakeVirtual("numbers.h5");
  fs::remove(folder_ / "set" / "numbers.h5");
  EXPECT_THAT(WhyNot(), AllOf(HasSubstr(kColumn), HasSubstr("lie in 'numbers.h5', which is not "
                                                            "there; put that file back")));
  const auto missing = AllOf(HasSubstr(kColumn), HasSubstr("'numbers.h5', which is not there"));
  const std::vector<Fault> faults = VerifyApart(file_, {}, {}, quiet_).faults;
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_THAT(faults[0].what, missing);
  EXPECT_THAT(
      ErrorOf([&] { FilterAny(file_, folder_ / "copy.hdf5", {.where = "steps > 0"}, quiet_); },
              ErrorKind::kBadInput),
      missing);

  MakeVirtual("numbers.h5", "other");
  EXPECT_THAT(WhyNot(), HasSubstr("lie in 'other' of 'numbers.h5', which has no such array"));
  MakeVirtual(".", "/nowhere");
  EXPECT_THAT(WhyNot(), AllOf(HasSubstr("'/nowhere'"), HasSubstr("no such array")));
  MakeRaw(folder_ / "set" / "touch.bin");
  fs::remove(folder_ / "set" / "touch.bin");
  EXPECT_THAT(WhyNot(), HasSubstr("unable to open external raw data file"));
}

// Arrays that show numbers of arrays that show numbers.
TEST_F(StoredElsewhere, IsNoZeroWhereItIsMissingFurtherOn) {
  MakeVirtual("numbers.h5");
  const fs::path set = folder_ / "set";
  fs::rename(set / "numbers.h5", set / "far_away.h5");
  const auto link = [&](const char* source) {
    Surgeon other(set / "numbers.h5", true);
    const hid_t space = H5Screate_simple(3, kDims, nullptr), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(plist, space, source, "touch", space);
    H5Dclose(
        H5Dcreate2(other.id(), "touch", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Pclose(plist);
    H5Sclose(space);
  };
  link("far_away.h5");
  EXPECT_EQ(Numbers(file_), numbers_);
  fs::remove(set / "far_away.h5");
  EXPECT_THAT(WhyNot(), AllOf(HasSubstr(kColumn), HasSubstr("lie in 'touch' of 'numbers.h5'"),
                              HasSubstr("lie in 'far_away.h5', which is not there")));
  // in a circle
  link("numbers.h5");
  EXPECT_THAT(WhyNot(), HasSubstr("more than 8 arrays"));
}

// A file from a stranger shows no numbers of its reader's other files.
TEST_F(StoredElsewhere, MayNotLeaveTheFolderUnlessAllowed) {
  const auto refused = [](const std::string& target) {
    return AllOf(HasSubstr(kColumn), HasSubstr("'" + target + "', outside the dataset's folder"),
                 HasSubstr("--outside-links"));
  };
  MakeVirtual("../far/numbers.h5");
  EXPECT_THAT(WhyNot(), refused("../far/numbers.h5"));
  EXPECT_TRUE(VerifyApart(file_, {.read = {.outside_links = true}}, {}, quiet_).faults.empty());
  const fs::path away = folder_ / "far" / "touch.bin";
  MakeRaw(away);
  EXPECT_THAT(WhyNot(), refused(away.string()));
}

}  // namespace
}  // namespace understudy
