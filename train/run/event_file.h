#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace understudy {

// A picture as a viewer gets it, with GIFs among them.
struct EncodedPicture {
  std::string tag;
  int width = 0, height = 0;  // px
  std::string bytes;          // of a file of PNG, JPEG or GIF
};

// A TensorBoard event file: records of TensorFlow's TFRecord format, each an Event message of
// protocol buffers (tensorflow/core/util/event.proto). One thread.
class EventFile {
 public:
  // `folder` is made with the first row; a process has a file of its own there. `step`: the run
  // goes on from it, so that TensorBoard leaves out what older files hold beyond it.
  EventFile(std::filesystem::path folder, int64_t step) : folder_(std::move(folder)), step_(step) {}

  // Numbers and pictures of one step by tag; they are in the file when it returns. Throws
  // Error(kFailed).
  void Append(int64_t step, const std::vector<std::pair<std::string, double>>& scalars,
              const std::vector<EncodedPicture>& pictures = {});

 private:
  void Write(const std::string& record);

  std::filesystem::path folder_, file_;
  int64_t step_;
};

// Checksum of the format: Castagnoli's CRC-32.
uint32_t Crc32c(const std::string& bytes);

}  // namespace understudy
