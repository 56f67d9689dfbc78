// Rates that LeRobot's whole numbers cannot say, and pictures that films cannot show.

#include <fmt/format.h>

#include "data/formats/formats.h"
#include "data/formats/lerobot/lerobot_copy.h"
#include "data/formats/lerobot/lerobot_import.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "tests/convert/lerobot_damage.h"

namespace understudy::store_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

TEST_F(LerobotTest, ARateThatIsNoWholeNumberIsGiven) {
  header_.simulator.control_hz = 29.97;
  EXPECT_THAT([&] { Convert(); },
              testing::ThrowsMessage<Error>(
                  AllOf(HasSubstr("29.97 rows per second"), HasSubstr("--control-hz 29 or 30"))));
  LerobotOptions options;
  options.control_hz = 12.5;
  EXPECT_THAT([&] { Convert(options); }, testing::ThrowsMessage<Error>(HasSubstr("12.5 is none")));
  options.control_hz = 30;
  EXPECT_THAT(LostInLerobot(DatasetReader(Write()), options),
              Contains(HasSubstr("29.97 rows per second are written as 30")));
  Convert(options);
  EXPECT_EQ(LoadJson(folder_ / "out/meta/info.json")["fps"], 30);
  EXPECT_FLOAT_EQ(static_cast<float>(Numbers(*Frames(), "timestamp")[3]), 0.1F);
  // what it was is in the extras
  EXPECT_TRUE(Import().exact);
  EXPECT_EQ(DatasetReader(folder_ / "back.h5").header().simulator.control_hz, 29.97);
}

TEST_F(LerobotTest, AWholeRateStaysAsItIs) {
  LerobotOptions options;
  options.control_hz = 30;
  Convert(options);
  EXPECT_EQ(LoadJson(folder_ / "out/meta/info.json")["fps"], 20);
  EXPECT_THAT(LostInLerobot(DatasetReader(Write()), options),
              Not(Contains(HasSubstr("rows per second"))));
}

// A rate that info.json lacks is given, and said; one that it has stays.
TEST_F(LerobotTest, ARateThatTheFolderLacksIsGiven) {
  LerobotOptions without_extras;
  without_extras.extras = false;
  Convert(without_extras);
  const auto source = [&](double control_hz) {
    return OpenLerobotSource(folder_ / "out", {.control_hz = control_hz});
  };
  EXPECT_EQ(source(7)->header().simulator.control_hz, 20);
  for (const Json& fps : {Json(), Json(0), Json("fast")}) {
    EditJson(folder_ / "out/meta/info.json", [&](Json& json) { json["fps"] = fps; });
    EXPECT_THAT([&] { source(0); },
                testing::ThrowsMessage<Error>(
                    AllOf(HasSubstr(fmt::format("fps = {} is no rate: rows per second lie in "
                                                "[0.001, 100000]",
                                                fps.dump())),
                          HasSubstr("`data convert --control-hz` gives it"))));
    EXPECT_EQ(source(20)->header().simulator.control_hz, 20);
    EXPECT_THAT(LostInCopy(*source(20), {}),
                Contains(fmt::format("meta/info.json: fps = {} is no rate: it is 20 as given",
                                     fps.dump())));
    fs::remove_all(folder_ / "copy");
    CopyLerobot(*source(20), folder_ / "copy", {}, {}, quiet_);
    EXPECT_EQ(LoadJson(folder_ / "copy/meta/info.json")["fps"], 20);
    // times of the rows are those of 20 Hz
    EXPECT_THAT([&] { CopyLerobot(*source(10), folder_ / "other", {}, {}, quiet_); },
                testing::ThrowsMessage<Error>(HasSubstr("at 10 frames/s")));
    LerobotImportOptions options;
    options.control_hz = 20;
    options.overwrite = true;
    EXPECT_THAT(LostFromLerobot(folder_ / "out", options),
                Contains(HasSubstr("it is 20 as given")));
    ReadLerobot(folder_ / "out", folder_ / "back.h5", options, quiet_);
    EXPECT_EQ(OpenDataset(folder_ / "back.h5")->header().simulator.control_hz, 20);
  }
}

TEST_F(LerobotTest, PicturesOfOddSizesAreSaidToGrow) {
  EXPECT_THAT(LostInLerobot(DatasetReader(Write()), {}), Not(Contains(HasSubstr("even sizes"))));
  header_.image_width = 41;
  EXPECT_THAT(LostInLerobot(DatasetReader(Write()), {}),
              Contains(HasSubstr("pictures of wrist: 41 x 24 become 42 x 24")));
}

}  // namespace
}  // namespace understudy::store_test
