#include "train/samples/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/base/error.h"

namespace understudy {

std::vector<std::string> SplitWords(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto close = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
    if (upper) {
      word += static_cast<char>(c - 'A' + 'a');
    } else if (plain) {
      word += c;
    } else if (c == ' ' || (c >= '\t' && c <= '\r') || c == '-' || c == '/' || c == '_') {
      close();
    }
  }
  close();
  return words;
}

Tokenizer MakeTokenizer(const std::vector<std::string>& instructions) {
  std::set<std::string> words;
  for (const std::string& text : instructions) {
    for (std::string& word : SplitWords(text)) words.insert(std::move(word));
  }
  Tokenizer result;
  result.words.assign(words.begin(), words.end());
  return result;
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text, int length) const {
  const std::vector<std::string> split = SplitWords(text);
  if (static_cast<int>(split.size()) > length) {
    ThrowBadInput(
        fmt::format("instruction '{}' has {} words: at most {} are taken; shorten it or "
                    "train with more 'tokens'",
                    text, split.size(), length));
  }
  std::vector<int32_t> tokens(static_cast<size_t>(length), 0);
  for (size_t i = 0; i < split.size(); ++i) {
    const auto found = std::lower_bound(words.begin(), words.end(), split[i]);
    const bool known = found != words.end() && *found == split[i];
    tokens[i] = known ? static_cast<int32_t>(found - words.begin()) + 2 : 1;
  }
  return tokens;
}

}  // namespace understudy
