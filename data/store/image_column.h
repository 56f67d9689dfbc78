#pragma once

// Images of one camera of one episode. Ours: (T,H,W,3) uint8, one deflated chunk per frame.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/image/image.h"
#include "data/store/hdf5/group.h"
#include "data/store/read_options.h"

namespace understudy {

std::string ImagePath(const std::string& camera);  // "obs/agentview_image"
// The same, or "obs/agentview" or "obs/agentview_rgb" where only that is there (files of others).
std::string StoredImagePath(const h5::Group& demo, const std::string& camera);

// How the pictures of an array lie: grey, RGB or RGBA, their colours last or first, as bytes or as
// fractions (depth, with one fraction per pixel, is a column of numbers and no picture).
struct PictureLayout {
  int width = 0, height = 0, channels = 3;
  bool channel_first = false;
  bool fraction = false;  // floating point
};
// Unset: they are no pictures. (T,H,W) is grey, in bytes only.
std::optional<PictureLayout> PictureLayoutOf(const h5::DatasetInfo& info);

// Pictures wait until so many bytes can be compressed together.
inline constexpr size_t kPictureBlockBytes = 4 << 20;

// Deflates pictures, several at a time.
class FrameCompressor {
 public:
  // `level` is libdeflate's, 0 to 12; `threads` as in ThreadCount.
  FrameCompressor(int level, int threads);
  // Compresses images[i] into result i.
  std::vector<std::vector<uint8_t>> Compress(const std::vector<const Image*>& images) const;

 private:
  int level_, threads_;
};

// Makes the dataset and writes frame by frame. One thread.
class ImageWriter {
 public:
  // `path` as ImagePath gives it; `compression` is libdeflate's level, 0 to 12.
  ImageWriter(const h5::Group& demo, const std::string& path, size_t frames, int width, int height,
              int compression);
  ~ImageWriter();
  ImageWriter(ImageWriter&&) noexcept;
  // The next frame and its pixels as FrameCompressor gives them.
  void Add(const Image& image, const std::vector<uint8_t>& compressed);
  void AddCompressed(const std::vector<uint8_t>& compressed);
  size_t frames_written() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// An open dataset of images. Read may be called by several threads at once: HDF5 is locked, our
// decompression is not.
class ImageReader {
 public:
  // Checks type, rank and sizes. Throws Error(kBadInput). Pictures of another layout than ours
  // become RGB when they are read: grey is repeated, an alpha channel is left out, floating point
  // is taken for [0, 1], [-1, 1] or [0, 255], whichever holds the first, middle and last frame, or
  // for what `scale` says. Numbers of another range are refused by Read.
  ImageReader(const h5::Group& demo, const std::string& camera,
              const std::optional<PictureScale>& scale = {});
  // "holds numbers from -2.1 to 2.6: …"; empty: they are pictures of the ranges above.
  const std::string& strange_range() const { return strange_range_; }
  size_t frames() const { return frames_; }
  int width() const { return width_; }
  int height() const { return height_; }
  size_t frame_bytes() const { return static_cast<size_t>(width_) * height_ * 3; }
  // Frame `step` into `out`, frame_bytes() bytes.
  void Read(size_t step, uint8_t* out) const;
  // Frame `step` as it is deflated; false where it is not stored in one deflated chunk.
  bool ReadCompressed(size_t step, std::vector<uint8_t>* out) const;

  // Hash of all frames, as ColumnHashes makes it of those that are written.
  std::string Hash() const;
  const std::string& place() const { return place_; }  // "x.h5: /data/demo_0/obs/wrist_image"

 private:
  void ReadSlowly(size_t step, uint8_t* out) const;
  template <class T>
  void ReadRaw(size_t step, hid_t type, std::vector<T>* raw) const;
  // Each pixel's three colours, by `byte_of` a stored number and a colour.
  template <class T, class ByteOf>
  void ToRgb(const std::vector<T>& raw, const ByteOf& byte_of, uint8_t* out) const;
  void FindRange();
  void RequireInRange(size_t step, const std::vector<float>& raw) const;
  bool ReadChunk(size_t step, std::vector<uint8_t>* out, bool* deflated) const;
  h5::Id dataset_;
  std::string place_;
  size_t frames_ = 0;
  int width_ = 0, height_ = 0;
  PictureLayout layout_;
  std::vector<hsize_t> frame_dims_;
  double black_ = 0, white_ = 255;  // as the file has them
  std::optional<PictureScale> scale_;
  std::string strange_range_;
  bool direct_ = false;  // one frame per chunk, deflate or nothing
  bool deflated_ = false;
};

}  // namespace understudy
