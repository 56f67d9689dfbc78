#include "train/tensors/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/rng.h"
#include "tests/train/training_fixture.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

fs::path WriteRaw(uint64_t header_size, const std::string& header, size_t data_bytes) {
  const fs::path file = FreshFolder("safetensors") / "hostile.safetensors";
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&header_size), 8);
  out << header << std::string(data_bytes, 'x');
  return file;
}

void ExpectRefused(const fs::path& file, const std::string& what) {
  try {
    ReadSafetensors(file);
    ADD_FAILURE() << "taken: " << what;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), testing::HasSubstr(file.string()));
    EXPECT_THAT(error.what(), testing::HasSubstr(what));
  }
}

void ExpectHeaderRefused(const std::string& header, size_t data_bytes, const std::string& what) {
  ExpectRefused(WriteRaw(header.size(), header, data_bytes), what);
}

TEST(Safetensors, WrittenIsRead) {
  TensorMap tensors;
  Rng rng(RngKey{.seed = 2});
  for (const char* dtype : {"F32", "F64", "I64", "U8", "BF16", "F16", "BOOL", "I32"}) {
    TensorBlob blob{dtype, {3, 0, 2}, {}};
    tensors[std::string("empty.") + dtype] = blob;
    blob.shape = {2, 5};
    blob.data.resize(10 * DtypeSize(dtype));
    for (uint8_t& byte : blob.data) byte = static_cast<uint8_t>(rng.NextU32());
    tensors[std::string("a.") + dtype] = blob;
    tensors[std::string("scalar.") + dtype] = {
        dtype, {}, std::vector<uint8_t>(DtypeSize(dtype), 1)};
  }
  const fs::path file = FreshFolder("safetensors") / "t.safetensors";
  WriteSafetensors(file, tensors, {{"step", "12"}});
  const TensorFile back = ReadSafetensors(file);
  EXPECT_EQ(back.tensors, tensors);
  EXPECT_EQ(back.metadata.at("step"), "12");
  EXPECT_FALSE(fs::exists(file.string() + ".part"));
  // the data starts at a multiple of eight, so that it can be mapped
  std::ifstream in(file, std::ios::binary);
  uint64_t header = 0;
  in.read(reinterpret_cast<char*>(&header), 8);
  EXPECT_EQ(header % 8, 0u);
}

TEST(Safetensors, NothingIsAFileToo) {
  const fs::path file = FreshFolder("safetensors") / "none.safetensors";
  WriteSafetensors(file, {});
  EXPECT_TRUE(ReadSafetensors(file).tensors.empty());
}

// Written by the Python package: tests/golden/make_safetensors.py.
TEST(Safetensors, ReadsAndWritesTheReferenceByteForByte) {
  const fs::path golden =
      fs::path(UNDERSTUDY_SOURCE_DIR) / "tests/golden/safetensors_reference.safetensors";
  const TensorFile file = ReadSafetensors(golden);
  ASSERT_EQ(file.tensors.size(), 8u);
  EXPECT_EQ(file.metadata.at("note"), "gold \u00e9");
  const TensorBlob& weight = file.tensors.at("encoder.weight");
  EXPECT_THAT(weight.shape, testing::ElementsAre(3, 4));
  EXPECT_EQ(FloatsOf(weight)[11], 11 / 8.0f);
  EXPECT_THAT(FloatsOf(file.tensors.at("encoder.bias")), testing::ElementsAre(-1.5f, 0, 2.25f));
  const TensorBlob& steps = file.tensors.at("steps");
  EXPECT_TRUE(steps.shape.empty());
  int64_t value = 0;
  std::memcpy(&value, steps.data.data(), 8);
  EXPECT_EQ(value, 1234567890123);
  EXPECT_EQ(file.tensors.at("half").dtype, "F16");
  EXPECT_EQ(file.tensors.at("flags").dtype, "BOOL");
  EXPECT_THAT(file.tensors.at("empty").shape, testing::ElementsAre(0, 3));
  // and again: the same bytes (the header differs in the order of the metadata at most)
  const fs::path copy = FreshFolder("safetensors") / "copy.safetensors";
  WriteSafetensors(copy, file.tensors, file.metadata);
  const TensorFile back = ReadSafetensors(copy);
  EXPECT_EQ(back.tensors, file.tensors);
  EXPECT_EQ(back.metadata, file.metadata);
  const std::string ours = ReadText(copy), theirs = ReadText(golden);
  ASSERT_EQ(ours.size(), theirs.size());
  const size_t tensors_at = ours.find("\"steps\":");
  ASSERT_EQ(tensors_at, theirs.find("\"steps\":"));
  EXPECT_EQ(ours.substr(tensors_at), theirs.substr(tensors_at));
}

TEST(Safetensors, HostileHeadersAreRefused) {
  const std::string f32 = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
  ExpectRefused(WriteRaw(1000, "{}", 0), "header of 1000 bytes");
  ExpectRefused(WriteRaw(~uint64_t{0}, "{}", 0), "header of 18446744073709551615 bytes");
  ExpectHeaderRefused("", 0, "header");
  ExpectHeaderRefused("[1]", 0, "no JSON object");
  ExpectHeaderRefused("{\"a\":", 0, "header");
  ExpectHeaderRefused("{\"a\":{" + f32 + "},\"a\":{" + f32 + "}}", 8, "name 'a' twice");
  ExpectHeaderRefused(R"({"a":{"dtype":"F32","dtype":"U8","shape":[2],"data_offsets":[0,8]}})", 8,
                      "name 'dtype' twice");
  ExpectHeaderRefused("{\"a\":{" + f32 + ",\"extra\":1}}", 8, "exactly dtype");
  ExpectHeaderRefused(R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8, "\"F31\"");
  ExpectHeaderRefused(R"({"a":{"dtype":4,"shape":[2],"data_offsets":[0,8]}})", 8, "dtype 4");
  ExpectHeaderRefused(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "no size");
  ExpectHeaderRefused(R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8, "no size");
  ExpectHeaderRefused(
      R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}})", 0,
      "overflows");
  ExpectHeaderRefused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8,
                      "[8, 0] leave the 8 bytes");
  ExpectHeaderRefused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}})", 8,
                      "[0, 9] leave the 8 bytes");
  ExpectHeaderRefused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 8,
                      "its shape needs 4");
  ExpectHeaderRefused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8, "two sizes");
  ExpectHeaderRefused("{\"a\":{" + f32 + "}}", 12, "4 trailing bytes");
  ExpectHeaderRefused(
      "{\"a\":{" + f32 + R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12,
      "overlap");
  ExpectHeaderRefused(
      "{\"a\":{" + f32 + R"(},"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}})", 16, "gap");
  ExpectHeaderRefused(R"({"__metadata__":{"a":1}})", 0, "__metadata__['a'] is no text");
  ExpectHeaderRefused(R"({"a":)" + std::string(5000, '[') + std::string(5000, ']') + "}", 0,
                      "too deep");
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const fs::path folder = FreshFolder("safetensors");
  WriteSafetensors(folder / "t", {{"a", FloatTensor({1, 2, 3}, {3})}});
  const std::string whole = ReadText(folder / "t");
  for (size_t size = 0; size < whole.size(); ++size) {
    std::ofstream(folder / "cut", std::ios::binary) << whole.substr(0, size);
    EXPECT_THROW(ReadSafetensors(folder / "cut"), Error) << size;
  }
}

// Any single changed byte of the header is refused or read as something of the right sizes.
TEST(Safetensors, FlippedBytesNeverCrash) {
  const fs::path folder = FreshFolder("safetensors");
  WriteSafetensors(folder / "t",
                   {{"a", FloatTensor({1, 2, 3}, {3})}, {"b", FloatTensor({4}, {1, 1})}},
                   {{"k", "v"}});
  const std::string whole = ReadText(folder / "t");
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {1, 0x20, 0x80}) {
      std::string bad = whole;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      std::ofstream(folder / "bad", std::ios::binary) << bad;
      try {
        for (const auto& [name, blob] : ReadSafetensors(folder / "bad").tensors) {
          size_t size = DtypeSize(blob.dtype);
          for (const int64_t extent : blob.shape) size *= static_cast<size_t>(extent);
          EXPECT_EQ(size, blob.data.size());
        }
      } catch (const Error&) {
      }
    }
  }
}

TEST(Safetensors, AMissingFileIsNamed) {
  EXPECT_THAT([] { ReadSafetensors("/nowhere/m.safetensors"); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("/nowhere/m.safetensors")));
}

}  // namespace
}  // namespace understudy
