// Servos on a serial line, sound and broken.
#include "serve/robots/feetech_bus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "core/base/error.h"
#include "tests/drive/fake_servos.h"

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(FeetechBus, RegistersAreReadAndWritten) {
  FakeServos servos(6);
  servos.Set(3, 31, 2, ToSignMagnitude(-1200, 11));
  FeetechBus bus(servos.port(), 1'000'000);
  EXPECT_EQ(FromSignMagnitude(bus.Read(3, 31, 2), 11), -1200);
  bus.Write(2, 40, 1, 1);
  EXPECT_EQ(servos.Get(2, 40, 1), 1);
  const std::array ids{5, 1, 4}, goals{2048, 517, 4000};
  bus.WriteAll(ids, 42, 2, goals);
  std::vector<int> values;
  bus.ReadAll(ids, 42, 2, &values);
  EXPECT_THAT(values, ElementsAre(2048, 517, 4000));
  EXPECT_EQ(servos.Get(6, 42, 2), 0);
}

// The example of Feetech's manual: reading the position of servo 1 is FF FF 01 04 02 38 02 BE.
TEST(FeetechBus, ThePacketOfTheManual) {
  int outside = -1, inside = -1;
  ASSERT_EQ(openpty(&outside, &inside, nullptr, nullptr, nullptr), 0);
  std::array<char, 256> name{};
  ptsname_r(outside, name.data(), name.size());
  FeetechBus bus(name.data(), 1'000'000);
  std::string asked(8, 0);
  std::thread servo([&] {
    ASSERT_EQ(read(outside, asked.data(), asked.size()), 8);
    const std::string answer("\xFF\xFF\x01\x04\x00\x18\x05\xDD", 8);
    ASSERT_EQ(write(outside, answer.data(), answer.size()), 8);
  });
  EXPECT_EQ(bus.Read(1, 0x38, 2), 0x0518);
  servo.join();
  EXPECT_EQ(asked, std::string("\xFF\xFF\x01\x04\x02\x38\x02\xBE", 8));
  close(outside);
  close(inside);
}

// Noise and damage are noticed: a value is right, or there is none.
TEST(FeetechBus, FaultsNeverGiveAWrongValue) {
  FakeServos servos(3);
  const std::array ids{1, 2, 3};
  for (const int id : ids) servos.Set(id, 56, 2, 1000 * id + 7);
  servos.SetFaults({.lost = 0.05, .damaged = 0.1, .noise = 0.2});
  FeetechBus bus(servos.port(), 1'000'000);
  int sound = 0, failed = 0;
  std::vector<int> values;
  for (int i = 0; i < 150; ++i) {
    try {
      bus.ReadAll(ids, 56, 2, &values);
      ASSERT_THAT(values, ElementsAre(1007, 2007, 3007));
      ++sound;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("servo "));
      ++failed;
    }
  }
  EXPECT_GT(sound, 50);
  EXPECT_GT(failed, 20);
  servos.SetFaults({});
  bus.ReadAll(ids, 56, 2, &values);
  EXPECT_THAT(values, ElementsAre(1007, 2007, 3007));
}

TEST(FeetechBus, WhatIsWrongIsSaid) {
  FakeServos servos(2);
  FeetechBus bus(servos.port(), 1'000'000);
  EXPECT_THAT([&] { bus.Read(9, 56, 2); },
              ThrowsMessage<Error>(HasSubstr("servo 9: does not answer")));
  servos.SetError(2, 0x20 | 0x04);
  EXPECT_THAT([&] { bus.Read(2, 56, 2); },
              ThrowsMessage<Error>(HasSubstr("servo 2: reports an error: temperature, overload")));
  servos.Unplug();
  EXPECT_THAT([&] { bus.Read(1, 56, 2); }, ThrowsMessage<Error>(HasSubstr("servo 1: ")));
  EXPECT_THAT([] { FeetechBus("/dev/nothing", 1'000'000); },
              ThrowsMessage<Error>(HasSubstr("/dev/nothing: cannot be opened")));
  EXPECT_THAT([] { FeetechBus("/dev/null", 1'000'000); },
              ThrowsMessage<Error>(HasSubstr("is no serial line")));
  EXPECT_THAT([] { FeetechBus("/dev/null", 12345); }, ThrowsMessage<Error>(HasSubstr("baud")));
}

}  // namespace
}  // namespace understudy
