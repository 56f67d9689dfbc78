// Rates that LeRobot's whole numbers cannot say, and pictures that films cannot show.

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

TEST_F(LerobotTest, PicturesOfOddSizesAreSaidToGrow) {
  EXPECT_THAT(LostInLerobot(DatasetReader(Write()), {}), Not(Contains(HasSubstr("even sizes"))));
  header_.image_width = 41;
  EXPECT_THAT(LostInLerobot(DatasetReader(Write()), {}),
              Contains(HasSubstr("pictures of wrist: 41 x 24 become 42 x 24")));
}

}  // namespace
}  // namespace understudy::store_test
