#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace understudy {

// What a token of a backbone's features is.
enum FeatureKind : uint8_t { kNoToken = 0, kTextToken = 1, kImageToken = 2 };

// Features of a dataset's rows that the backbone of a vision-language-action model made: a folder
// with a file for each episode, `<name>.safetensors`, of two tensors and no others,
//   features  T L W  BF16, F16 or F32: the backbone's last hidden states, row by row
//   kinds     T L    U8: FeatureKind of each token; kNoToken pads, and is seen by nothing
// and, in its metadata, `backbone` and `layer`: what made them. docs/with_groot.md says how. L may
// differ between episodes. Thread-safe.
class FeatureFolder {
 public:
  explicit FeatureFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Opens the file of an episode of `rows` rows; its number is how many were opened before. Throws
  // Error(kBadInput) where it is missing, not sound, of another length or width, made by another
  // backbone than the files before, or where a row has no token of text or of an image.
  void Open(const std::string& episode, size_t rows);

  int tokens() const { return tokens_; }  // of the longest row
  int width() const { return width_; }    // W

  // A row of the n-th episode, padded to `tokens` tokens in front. Throws Error(kBadInput) where
  // the file has changed or a number is not finite.
  void ReadFeatures(size_t n, size_t row, int tokens, float* out_LW) const;
  void ReadKinds(size_t n, size_t row, int tokens, float* out_L) const;

 private:
  struct File {
    std::filesystem::path path;
    std::string dtype;
    uint64_t features_begin = 0;
    int tokens = 0;
    std::vector<uint8_t> kinds_TL;
  };

  std::filesystem::path folder_;
  std::vector<File> files_;
  std::map<std::string, std::string> made_by_;
  int tokens_ = 0, width_ = 0;
};

}  // namespace understudy
