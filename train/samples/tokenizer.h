#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/options.h"

namespace understudy {

// Instructions as numbers: lower-case words without punctuation. 0 is padding, 1 an unknown word,
// 2 + i is words[i]. Stored in every checkpoint.
struct Tokenizer {
  std::vector<std::string> words;  // sorted

  template <class V>
  void Visit(V& v) {
    v("words", words, "known words; the first has number 2");
  }

  int vocabulary() const { return static_cast<int>(words.size()) + 2; }
  // Exactly `length` numbers. Throws Error(kBadInput) for a text of more words.
  std::vector<int32_t> Encode(std::string_view text, int length) const;
};

// The words of a text: ASCII letters lowered, ASCII punctuation dropped ("don't" is "dont"; a
// hyphen parts words), other UTF-8 kept as it is.
std::vector<std::string> SplitWords(std::string_view text);

Tokenizer MakeTokenizer(const std::vector<std::string>& instructions);

}  // namespace understudy
