// A format is added by a pair of files and one line of the list: docs/add_a_format.md.

#include "tests/data/toy_format.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "core/base/json.h"
#include "data/store/edit/describe.h"
#include "data/store/edit/select.h"
#include "data/store/reader.h"
#include "tests/data/foreign_support.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::ElementsAre;
using testing::HasSubstr;

class ToyFormatTest : public testing::Test {
 protected:
  ToyFormatTest() { formats_.push_back(ToyFormat()); }  // the one line
  fs::path File(const std::string& text) {
    const fs::path file = folder_ / "a.toy";
    std::ofstream(file) << text;
    return file;
  }

  const Folder folder_;
  FormatList formats_ = DatasetFormats();
};

TEST_F(ToyFormatTest, IsRecognisedAndRead) {
  const fs::path file = File("toy up\n0 0 0.5 1\n0 0 0.6 -1\ntoy down\n1 0 0.5 0\n");
  ASSERT_NE(FindFormat(file, {}, formats_), nullptr);
  EXPECT_EQ(FindFormat(file, {}, formats_)->name, "toy");
  EXPECT_EQ(FindFormat(file), nullptr);
  const std::unique_ptr<EpisodeSource> toy = OpenDataset(file, {}, formats_);
  ASSERT_EQ(toy->episodes().size(), 2u);
  EXPECT_EQ(toy->ReadEpisode(0).steps[1].action.arms[0].gripper, -1);
  EXPECT_EQ(toy->ReadEpisode(0).meta.name, "up");
  EXPECT_TRUE(toy->content_hash().empty());
  EXPECT_TRUE(toy->MaskNames().empty());
  EXPECT_TRUE(toy->attempts().empty());
  // and by what stands on the seam
  EXPECT_EQ(DescribeDataset(*toy)["steps"], 3);
  EXPECT_EQ(DescribeDataset(*toy)["success_from"]["toys always succeed"], 2);
  EXPECT_EQ(FactsOf(*toy, 1, false)["name"], "down");
  EXPECT_TRUE(VerifyDataset(file, {}, formats_).faults.empty());
}

TEST_F(ToyFormatTest, FaultsNameTheFile) {
  const fs::path file = File("toy up\n0 0 0.5\n");
  EXPECT_THAT(ErrorOf([&] { OpenDataset(file, {}, formats_); }, ErrorKind::kBadInput),
              HasSubstr("'0 0 0.5' is not four numbers"));
  EXPECT_EQ(VerifyDataset(file, {}, formats_).faults.size(), 1u);
}

TEST_F(ToyFormatTest, IsWrittenAndConvertedIntoOtherFormats) {
  const fs::path own = WriteConvertible(folder_ / "own.h5"), file = folder_ / "b.toy",
                 robomimic = folder_ / "r.hdf5";
  Progress quiet;
  const DatasetFormat& toy = FormatNamed("toy", formats_);
  EXPECT_THAT(toy.Lost(*OpenDataset(own), {}), ElementsAre(HasSubstr("all but targets")));
  EXPECT_EQ(toy.Write(*OpenDataset(own), file, {}, quiet)["episodes"], 3);
  const std::unique_ptr<EpisodeSource> read = OpenDataset(file, {}, formats_);
  EXPECT_EQ(FormatNamed("robomimic").Write(*read, robomimic, {}, quiet)["episodes"], 3);
  const Episode there = OpenDataset(robomimic)->ReadEpisode(1), here = read->ReadEpisode(1);
  ASSERT_EQ(there.length(), here.length());
  ExpectNear(there.steps[3].observation.arms[0].X_WE, here.steps[3].observation.arms[0].X_WE,
             1e-12);
}

// Its options have a name, are checked as a whole and reach its Write.
TEST_F(ToyFormatTest, HasOptionsOfItsOwn) {
  const DatasetFormat& toy = FormatNamed("toy", formats_);
  ASSERT_EQ(toy.write_options.size(), 1u);
  const FormatOptions& options = toy.write_options[0];
  ASSERT_EQ(options.fields.size(), 1u);
  EXPECT_EQ(options.fields[0].path, "toy.digits");
  EXPECT_EQ(options.defaults, (Json{{"digits", 17}}));
  Problems problems;
  options.read(Json{{"digits", 0}, {"digit", 3}}, problems);
  EXPECT_THAT(problems, ElementsAre(HasSubstr("toy.digits: = 0"), HasSubstr("toy.digit: unknown")));

  const fs::path own = WriteConvertible(folder_ / "own.h5"), file = folder_ / "b.toy";
  ConvertRequest request;
  problems.clear();
  request.options.Set("toy", options.read(Json{{"digits", 2}}, problems));
  EXPECT_TRUE(problems.empty());
  Progress quiet;
  toy.Write(*OpenDataset(own), file, request, quiet);
  const double x =
      OpenDataset(own)->ReadEpisode(0).steps[0].action.arms[0].X_WE_cmd.translation().x();
  const double written = OpenDataset(file, {}, formats_)
                             ->ReadEpisode(0)
                             .steps[0]
                             .action.arms[0]
                             .X_WE_cmd.translation()
                             .x();
  EXPECT_NE(written, x);
  EXPECT_NEAR(written, x, 0.06 * std::abs(x));
}

// What no format recognises is refused with our own format's reason, and a name with the known
// ones.
TEST(Formats, RefuseWhatIsUnknown) {
  const Folder folder;
  std::ofstream(folder / "x.h5") << "no HDF5";
  EXPECT_THAT(ErrorOf([&] { OpenDataset(folder / "x.h5"); }, ErrorKind::kBadInput),
              HasSubstr("is no HDF5 file"));
  EXPECT_THAT(ErrorOf([&] { OpenDataset(folder / "y.h5"); }, ErrorKind::kBadInput),
              HasSubstr("no such file"));
  EXPECT_THAT(ErrorOf([] { FormatNamed("robomimc"); }, ErrorKind::kUsage), HasSubstr("robomimic"));
  // another program's file is refused where only ours will do
  const fs::path theirs = folder / "r.hdf5";
  Export(&foreign::kRobomimicWriter, WriteConvertible(folder / "own.h5"), theirs, {},
         Translation());
  EXPECT_THAT(ErrorOf([&] { DatasetReader reader(theirs); }, ErrorKind::kBadInput),
              HasSubstr("was written by another program"));
}

// The document shows the two files of this format as they are.
TEST(Formats, TheDocumentIsWhatIsTested) {
  const fs::path root = UNDERSTUDY_SOURCE_DIR;
  const std::string document = ReadText(root / "docs/add_a_format.md");
  for (const char* name : {"toy_format.h", "toy_format.cc"}) {
    const std::string block =
        fmt::format("```cpp {}\n{}```", name, ReadText(root / "tests/data" / name));
    EXPECT_NE(document.find(block), std::string::npos) << name;
    // what includes the list cannot stand in a folder that the list includes
    EXPECT_EQ(block.find("data/formats/formats.h"), std::string::npos) << name;
  }
}

// A folder of LeRobot is recognised without Arrow, which only reading it opens.
TEST(Formats, LerobotFoldersAreRecognised) {
  const Folder folder;
  fs::create_directories(folder / "l" / "meta");
  std::ofstream(folder / "l" / "meta" / "info.json") << "{}";
  EXPECT_EQ(FindFormat(folder / "l")->name, "lerobot");
}

// Each file goes to its own format: robomimic's stands last of its family and takes what is left.
TEST(Formats, EachFileGoesToItsOwn) {
  const Folder folder;
  const fs::path own = WriteConvertible(folder / "own.h5");
  EXPECT_EQ(FindFormat(own)->name, "understudy");
  for (const auto& [name, target] : {std::pair{"robomimic", &foreign::kRobomimicWriter},
                                     {"mimicgen", &foreign::kMimicgenWriter},
                                     {"isaaclab", &foreign::kIsaacLabWriter}}) {
    const fs::path file = folder / name;
    Export(target, own, file, {}, Translation());
    EXPECT_EQ(FindFormat(file)->name, name);
  }
}

}  // namespace
}  // namespace understudy
