#include "core/base/utf8.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(Utf8, KnowsWhatIsNone) {
  for (const char* text : {"", "abc", "ö", "€", "😀", "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
    EXPECT_EQ(AsUtf8(text), text);
  }
  // cut off, too long, a half of UTF-16, beyond the last, a byte alone
  for (const char* text : {"a\xC3", "\xE2\x82", "\xC0\xAF", "\xE0\x80\xAF", "\xF0\x80\x80\xAF",
                           "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF6", "\x80", "\xC3("}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
    EXPECT_TRUE(IsUtf8(AsUtf8(text)));
  }
}

TEST(Utf8, OtherTextsAreTakenForLatin1) {
  EXPECT_EQ(AsUtf8("\xF6"
                   "ffne"),
            "öffne");
  EXPECT_EQ(AsUtf8("20 \xB0"
                   "C\xFF"),
            "20 °Cÿ");
}

}  // namespace
}  // namespace understudy
