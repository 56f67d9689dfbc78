// Columns of Parquet files in every form in which other programs write them.

#include "data/formats/parquet/parquet_reader.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/json/from_string.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include "tests/data/store_support.h"

namespace understudy::store_test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class ParquetReaderTest : public testing::Test {
 protected:
  // One column from JSON, in row groups of three rows.
  ParquetReader Write(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
    const auto array = arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
    const auto table = arrow::Table::Make(arrow::schema({arrow::field("x", type)}), {array});
    const std::filesystem::path file = folder_ / "x.parquet";
    const auto sink = arrow::io::FileOutputStream::Open(file.string()).ValueOrDie();
    EXPECT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), sink, 3).ok());
    EXPECT_TRUE(sink->Close().ok());
    return ParquetReader(file);
  }
  Folder folder_;
};

TEST_F(ParquetReaderTest, EveryKindOfList) {
  const std::string pairs = "[[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]";
  for (const auto& type :
       {arrow::list(arrow::float32()), arrow::large_list(arrow::float64()),
        arrow::fixed_size_list(arrow::float64(), 2), arrow::list(arrow::int32())}) {
    const ParquetReader reader = Write(type, pairs);
    EXPECT_EQ(reader.rows(), 5);
    EXPECT_TRUE(reader.IsNumeric("x"));
    // across row groups, and within one
    EXPECT_THAT(reader.Numbers("x", 1, 3, 2), ElementsAre(3, 4, 5, 6, 7, 8)) << type->ToString();
    EXPECT_THAT(reader.Numbers("x", 4, 1, 2), ElementsAre(9, 10));
    EXPECT_THAT(reader.Numbers("x", 0, 1, 2), ElementsAre(1, 2));
    EXPECT_THAT(ErrorOf([&] { reader.Numbers("x", 3, 3, 2); }, ErrorKind::kBadInput),
                AllOf(HasSubstr("x.parquet"), HasSubstr("'x' has 5 rows")));
    EXPECT_THAT(ErrorOf([&] { reader.Numbers("x", 0, 2, 3); }, ErrorKind::kBadInput),
                HasSubstr("must hold 3 per row"));
  }
  EXPECT_THAT(
      Write(arrow::fixed_size_list(arrow::list(arrow::float32()), 2), "[[[1], [2]], [[3], [4]]]")
          .Numbers("x", 1, 1, 2),
      ElementsAre(3, 4));
}

TEST_F(ParquetReaderTest, EveryKindOfNumber) {
  for (const auto& type : {arrow::int8(), arrow::uint8(), arrow::int16(), arrow::uint16(),
                           arrow::int32(), arrow::uint32(), arrow::int64(), arrow::uint64()}) {
    const ParquetReader reader = Write(type, "[1, 2, 3, 4]");
    EXPECT_THAT(reader.Integers("x", 1, 3), ElementsAre(2, 3, 4)) << type->ToString();
    EXPECT_THAT(reader.Numbers("x", 3, 1, 1), ElementsAre(4));
  }
  EXPECT_THAT(Write(arrow::boolean(), "[true, false]").Numbers("x", 0, 2, 1), ElementsAre(1, 0));
  EXPECT_THAT(
      ErrorOf([&] { Write(arrow::float32(), "[1.5]").Integers("x", 0, 1); }, ErrorKind::kBadInput),
      HasSubstr("must hold whole numbers"));
}

TEST_F(ParquetReaderTest, WhatIsMissingOrOfAnotherKind) {
  const auto numbers = [&](const std::shared_ptr<arrow::DataType>& type, const char* json,
                           size_t width) {
    return ErrorOf([&] { Write(type, json).Numbers("x", 0, 2, width); }, ErrorKind::kBadInput);
  };
  const auto lacks_one = AllOf(HasSubstr("x.parquet"), HasSubstr("'x'"),
                               HasSubstr("lacks a value in row 1 of the file"));
  EXPECT_THAT(numbers(arrow::float32(), "[1, null]", 1), lacks_one);
  EXPECT_THAT(numbers(arrow::list(arrow::float32()), "[[1], null]", 1), lacks_one);
  EXPECT_THAT(numbers(arrow::list(arrow::float32()), "[[1, 2], [null, 3]]", 2), lacks_one);
  EXPECT_THAT(numbers(arrow::fixed_size_list(arrow::list(arrow::float32()), 2),
                      "[[[1], [2]], [[3], [null]]]", 2),
              lacks_one);
  // counted over row groups, from the first row that is read
  EXPECT_THAT(ErrorOf([&] { Write(arrow::int64(), "[1, 2, 3, 4, null]").Integers("x", 1, 4); },
                      ErrorKind::kBadInput),
              HasSubstr("lacks a value in row 4 of the file"));
  EXPECT_EQ(Write(arrow::list(arrow::int64()), "[[1], [2], [3], [], [null]]").FirstGap("x", 2, 3),
            2);
  EXPECT_THAT(numbers(arrow::list(arrow::float32()), "[[1, 2], [3]]", 2),
              HasSubstr("different lengths: 1 in row 1 of the file, 2 in the one before"));
  EXPECT_THAT(numbers(arrow::utf8(), "[\"1\", \"2\"]", 1), HasSubstr("must hold numbers"));
  const ParquetReader texts = Write(arrow::large_utf8(), "[\"a\", \"\", \"ü\", \"d\"]");
  EXPECT_FALSE(texts.IsNumeric("x"));
  EXPECT_THAT(texts.Texts("x", 1, 3), ElementsAre("", "ü", "d"));
  EXPECT_THAT(ErrorOf([&] { texts.Texts("y", 0, 1); }, ErrorKind::kBadInput),
              AllOf(HasSubstr("no column 'y'"), HasSubstr("it has x")));
  EXPECT_THAT(Write(arrow::list(arrow::utf8()), "[[\"a\", \"b\"], []]").TextLists("x", 0, 2),
              ElementsAre(ElementsAre("a", "b"), ElementsAre()));
}

TEST_F(ParquetReaderTest, FilesWithinTheFile) {
  const auto type =
      arrow::struct_({arrow::field("bytes", arrow::binary()), arrow::field("path", arrow::utf8())});
  const ParquetReader reader = Write(type, R"([{"bytes": "a", "path": "1"},
      {"bytes": "bc", "path": null}, {"bytes": null, "path": "3"}, {"bytes": "d", "path": "4"}])");
  EXPECT_FALSE(reader.IsNumeric("x"));
  EXPECT_THAT(reader.Files("x", 1, 1), ElementsAre("bc"));
  EXPECT_THAT(reader.Files("x", 3, 1), ElementsAre("d"));
  EXPECT_THAT(ErrorOf([&] { reader.Files("x", 1, 3); }, ErrorKind::kBadInput),
              HasSubstr("lie elsewhere"));
  EXPECT_THAT(ErrorOf([&] { reader.Numbers("x", 0, 1, 1); }, ErrorKind::kBadInput),
              HasSubstr("must hold numbers"));
}

}  // namespace
}  // namespace understudy::store_test
