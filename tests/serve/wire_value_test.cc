// Messages of policy servers: what is written is read, and nothing that is sent does harm.
#include "serve/wire_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"
#include "core/base/rng.h"

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Complaint(std::string_view bytes) {
  try {
    Unpack(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    return error.what();
  }
  return "accepted";
}

WireValue Example() {
  return WireMap{{"none", WireValue()},
                 {"flag", true},
                 {"whole", int64_t{-5}},
                 {"large", INT64_MAX},
                 {"real", 0.1},
                 {"text", "grüße"},
                 {"list", WireList{1, "two", WireList{}}},
                 {"map", WireMap{{"array", WireArray::Float32({2, 3}, {1, 2, 3, 4, 5, 6.5})}}},
                 {"scalar", WireArray::Float64({}, {0.25})},
                 {"empty", WireArray::Float64({0, 4}, {})},
                 {"picture", WireArray::Bytes({1, 2, 3}, "abcdef")}};
}

TEST(WireValue, WhatIsWrittenIsRead) {
  for (const ArrayForm form : {ArrayForm::kMsgpackNumpy, ArrayForm::kNpy, ArrayForm::kOpenpi}) {
    const WireMessage read = Unpack(Pack(Example(), form));
    EXPECT_EQ(read.value, Example());
    EXPECT_EQ(read.arrays, form);
  }
}

// By the published formats: NumPy's file format 1.0, and msgpack-numpy's keys of bytes.
TEST(WireValue, ArraysHaveThePublishedForms) {
  const WireValue array = WireArray::Bytes({2}, "hi");
  const std::string plain = Pack(array);
  EXPECT_EQ(plain, std::string("\x85\xc4\x02nd\xc3\xc4\x04type\xa3|u1\xc4\x04kind\xc4\x00\xc4\x05"
                               "shape\x91\x02\xc4\x04"
                               "data\xc4\x02hi",
                               43));
  const std::string npy = Pack(array, ArrayForm::kNpy);
  const size_t at = npy.find("\x93NUMPY");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(npy.substr(at + 6, 2), std::string("\x01\x00", 2));
  EXPECT_THAT(npy, HasSubstr("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }"));
  // the numbers begin at a multiple of 64 bytes
  EXPECT_EQ((npy.size() - 2 - at) % 64, 0u);
}

// As openpi_client 0.1.2 writes {"a": uint8 [[1, 2, 3]], "s": float32 0.25}.
TEST(WireValue, ArraysOfOpenpiHaveItsForm) {
  const std::string array(
      "\xa1"
      "a\x84\xc4\x0b__ndarray__\xc3\xc4\x04"
      "data\xc4\x03\x01\x02\x03\xc4\x05"
      "dtype\xa3|u1\xc4\x05shape\x92\x01\x03",
      49);
  const std::string scalar(
      "\xa1s\x83\xc4\r__npgeneric__\xc3\xc4\x04"
      "data\xcb?\xd0\0\0\0\0\0\0\xc4\x05"
      "dtype\xa3<f4",
      45);
  const WireArray numbers = WireArray::Bytes({1, 3}, "\x01\x02\x03");
  EXPECT_EQ(Pack(WireMap{{"a", numbers}}, ArrayForm::kOpenpi), "\x81" + array);
  const WireMessage read = Unpack("\x82" + array + scalar);
  EXPECT_EQ(read.value, WireValue(WireMap{{"a", numbers}, {"s", 0.25}}));
  EXPECT_EQ(read.arrays, ArrayForm::kOpenpi);

  // an array without one of its parts, or with a part of another kind
  for (const auto& [part, other] : {std::pair("dtype", "dtyp3"),
                                    {"shape", "shap3"},
                                    {"data\xc4", "dat4\xc4"},
                                    {"data\xc4", "data\xa4"},
                                    {"dtype\xa3", "dtype\x93"},
                                    {"shape\x92", "shape\x82"}}) {
    std::string broken = "\x81" + array;
    broken.replace(broken.find(part), std::string_view(part).size(), other);
    EXPECT_NE(Complaint(broken), "accepted") << other;
  }
  EXPECT_THAT(Complaint(std::string("\x81\xc4\x0e__npgeneric__\xc3", 17)),
              testing::Not("accepted"));
}

TEST(WireValue, EveryKindOfNumberIsRead) {
  const auto numbers = [](std::string dtype, std::string data) {
    const int64_t size = dtype.back() == '?' ? 1 : dtype.back() - '0';
    return WireArray{dtype, {static_cast<int64_t>(data.size()) / size}, data}.Numbers();
  };
  EXPECT_THAT(numbers("|u1", "\xff"), ElementsAre(255));
  EXPECT_THAT(numbers("|i1", "\xff"), ElementsAre(-1));
  EXPECT_THAT(numbers("?", "\x01"), ElementsAre(1));
  EXPECT_THAT(numbers("<i2", "\xfe\xff"), ElementsAre(-2));
  EXPECT_THAT(numbers("<u2", "\xfe\xff"), ElementsAre(65534));
  EXPECT_THAT(numbers("<i4", "\xfe\xff\xff\xff"), ElementsAre(-2));
  EXPECT_THAT(numbers("<i8", std::string("\x02\0\0\0\0\0\0\0", 8)), ElementsAre(2));
  // halves by IEEE 754: 1, -2, the largest, the smallest, infinity
  EXPECT_THAT(numbers("<f2", std::string("\x00\x3c\x00\xc0\xff\x7b\x01\x00\x00\x7c", 10)),
              ElementsAre(1, -2, 65504, std::ldexp(1, -24), INFINITY));
}

TEST(WireValue, WhatIsWrongIsSaid) {
  EXPECT_THAT(Complaint(""), HasSubstr("cut off"));
  EXPECT_THAT(Complaint("\xc1"), HasSubstr("no msgpack message"));
  EXPECT_THAT(Complaint(std::string("\xc0\xc0")), HasSubstr("bytes behind the end"));
  EXPECT_THAT(Complaint(std::string(40, '\x91') + '\xc0'), HasSubstr("nests more than 32 levels"));
  EXPECT_THAT(Complaint("\xd4\x05x"), HasSubstr("extension type"));
  // five bytes that claim four thousand million values
  EXPECT_THAT(Complaint("\xdd\xff\xff\xff\xff"), HasSubstr("no msgpack message"));
  EXPECT_THAT(Complaint(std::string("\xdd\x00\x02\x00\x00", 5) + std::string(131072, '\xc0')),
              testing::AnyOf(HasSubstr("more than 100000 values"), HasSubstr("no msgpack")));
  EXPECT_THAT(Complaint(Pack(WireArray{"<f4", {3}, "12345678"})),
              HasSubstr("shape [3] and type '<f4' with 8 bytes"));
  EXPECT_THAT(Complaint(Pack(WireArray{"<f4", {INT64_MAX / 2, 4}, "12345678"})),
              HasSubstr("an array whose shape"));
  EXPECT_THAT(Complaint(Pack(WireArray{"|O8", {1}, "12345678"})), HasSubstr("no objects"));
  EXPECT_THAT(Complaint(Pack(WireArray{">f4", {1}, "1234"})), HasSubstr("little-endian"));
  EXPECT_THAT(Complaint(Pack(WireArray{"<U4", {1}, "1234"})), HasSubstr("'<U4'"));
}

// Whatever comes is a message or an error, cut anywhere and with any byte changed.
TEST(WireValue, NothingThatIsSentDoesHarm) {
  Rng rng(RngKey{1}.WithStage("hostile"));
  int refused = 0;
  for (const ArrayForm form : {ArrayForm::kMsgpackNumpy, ArrayForm::kNpy, ArrayForm::kOpenpi}) {
    const std::string sound = Pack(Example(), form);
    for (size_t length = 0; length < sound.size(); ++length) {
      EXPECT_NE(Complaint(sound.substr(0, length)), "accepted");
    }
    for (int i = 0; i < 20000; ++i) {
      std::string bytes = sound;
      for (uint64_t changes = 1 + rng.UniformInt(uint64_t{3}); changes > 0; --changes) {
        bytes[rng.UniformInt(bytes.size())] = static_cast<char>(rng.NextU32());
      }
      refused += Complaint(bytes) != "accepted";
    }
    for (int i = 0; i < 20000; ++i) {
      std::string bytes(rng.UniformInt(uint64_t{64}), '\0');
      for (char& byte : bytes) byte = static_cast<char>(rng.NextU32());
      refused += Complaint(bytes) != "accepted";
    }
  }
  EXPECT_GT(refused, 60000);
}

}  // namespace
}  // namespace understudy
