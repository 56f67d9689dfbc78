#include "data/store/image_column.h"

#include <fmt/format.h>
#include <libdeflate.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/ordered_pool.h"
#include "data/store/hdf5/filters.h"
#include "data/store/hdf5/links.h"

namespace understudy {
namespace {

struct FreeCompressor {
  void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
};
struct FreeDecompressor {
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};

// Of the way from black to white: resizing overshoots.
constexpr double kOvershoot = 0.25;

// One per thread: making one costs more than a small frame.
libdeflate_decompressor* Decompressor() {
  thread_local const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(
      libdeflate_alloc_decompressor());
  return decompressor.get();
}

}  // namespace

std::string ImagePath(const std::string& camera) { return fmt::format("obs/{}_image", camera); }

std::string StoredImagePath(const h5::Group& demo, const std::string& camera) {
  const std::string path = ImagePath(camera);
  if (demo.Has(path)) return path;
  for (const char* end : {"", "_rgb"}) {
    if (const std::string other = "obs/" + camera + end; demo.Has(other)) return other;
  }
  return path;
}

std::optional<PictureLayout> PictureLayoutOf(const h5::DatasetInfo& info) {
  const bool bytes = info.type_class == H5T_INTEGER && info.type_size == 1 && !info.is_signed;
  PictureLayout layout;
  layout.fraction = info.type_class == H5T_FLOAT;
  if (!bytes && !layout.fraction) return std::nullopt;
  const std::vector<hsize_t>& dims = info.dims;
  const auto fits = [&](hsize_t height, hsize_t width, hsize_t channels) {
    const bool known = channels == 3 || channels == 4 || (channels == 1 && bytes);
    if (!known || height < 1 || width < 1 || height > kMaxImageSide || width > kMaxImageSide) {
      return false;
    }
    layout.height = static_cast<int>(height);
    layout.width = static_cast<int>(width);
    layout.channels = static_cast<int>(channels);
    return true;
  };
  bool found = dims.size() == 3 && fits(dims[1], dims[2], 1);
  if (dims.size() == 4 && !(found = fits(dims[1], dims[2], dims[3]))) {
    layout.channel_first = true;
    found = fits(dims[2], dims[3], dims[1]);
  }
  if (!found) return std::nullopt;
  // small ones of other layouts are matrices: (T, N, 4, 4) of poses
  constexpr int kSmallest = 16;
  const bool plain = bytes && layout.channels == 3 && !layout.channel_first;
  if (!plain && std::min(layout.width, layout.height) < kSmallest) return std::nullopt;
  return layout;
}

struct ImageWriter::Impl {
  h5::Id dataset;
  std::string place;
  size_t frames = 0, written = 0;
  int width = 0, height = 0;
};

FrameCompressor::FrameCompressor(int level, int threads)
    : level_(level), threads_(ThreadCount(threads)) {
  Require(level >= 0 && level <= 12, "compression of images lies in [0, 12]");
}

std::vector<std::vector<uint8_t>> FrameCompressor::Compress(
    const std::vector<const Image*>& images) const {
  std::vector<std::vector<uint8_t>> packed(images.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    const std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor(
        libdeflate_alloc_compressor(level_));
    std::vector<uint8_t> buffer;
    for (size_t i = next++; i < images.size(); i = next++) {
      const std::vector<uint8_t>& pixels = images[i]->rgb;
      buffer.resize(libdeflate_zlib_compress_bound(compressor.get(), pixels.size()));
      const size_t size = libdeflate_zlib_compress(compressor.get(), pixels.data(), pixels.size(),
                                                   buffer.data(), buffer.size());
      packed[i].assign(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < std::min(threads_, static_cast<int>(images.size())); ++i) {
      helpers.emplace_back(work);
    }
    work();
  }
  return packed;
}

ImageWriter::ImageWriter(const h5::Group& demo, const std::string& path, size_t frames, int width,
                         int height, int compression)
    : impl_(std::make_unique<Impl>()) {
  const h5::Guard guard;
  Impl& m = *impl_;
  m.place = demo.Place(path);
  m.frames = frames;
  m.width = width;
  m.height = height;
  const hsize_t h = static_cast<hsize_t>(height), w = static_cast<hsize_t>(width);
  const hsize_t dims[4] = {frames, h, w, 3}, chunk[4] = {1, h, w, 3};
  const h5::Id space(H5Screate_simple(4, dims, nullptr));
  const h5::Id plist(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_chunk(plist.get(), 4, chunk);
  H5Pset_obj_track_times(plist.get(), false);
  H5Pset_deflate(plist.get(), static_cast<unsigned>(std::min(compression, 9)));
  m.dataset = h5::Id(H5Dcreate2(demo.id(), path.c_str(), H5T_NATIVE_UINT8, space.get(),
                                h5::LinkCreation(), plist.get(), H5P_DEFAULT));
  if (!m.dataset.valid()) h5::FailWriting(m.place, "cannot create the dataset");
}

ImageWriter::~ImageWriter() = default;
ImageWriter::ImageWriter(ImageWriter&&) noexcept = default;

size_t ImageWriter::frames_written() const { return impl_->written; }

void ImageWriter::Add(const Image& image, const std::vector<uint8_t>& compressed) {
  Impl& m = *impl_;
  Require(image.width == m.width && image.height == m.height &&
              image.rgb.size() == static_cast<size_t>(m.width) * m.height * 3,
          "every image has the size that the header names");
  AddCompressed(compressed);
}

void ImageWriter::AddCompressed(const std::vector<uint8_t>& compressed) {
  Impl& m = *impl_;
  Require(m.written < m.frames, "an episode has one frame per step");
  Require(!compressed.empty(), "a frame fits into the bound of its compressed size");
  const h5::Guard guard;
  const hsize_t offset[4] = {m.written, 0, 0, 0};
  if (H5Dwrite_chunk(m.dataset.get(), H5P_DEFAULT, 0, offset, compressed.size(),
                     compressed.data()) < 0) {
    h5::FailWriting(m.place, fmt::format("cannot write frame {}", m.written));
  }
  ++m.written;
}

ImageReader::ImageReader(const h5::Group& demo, const std::string& camera,
                         const std::optional<PictureScale>& scale)
    : scale_(scale) {
  const h5::Guard guard;
  const std::string path = StoredImagePath(demo, camera);
  place_ = demo.Place(path);
  const h5::DatasetInfo info = demo.Info(path);
  const std::optional<PictureLayout> layout = PictureLayoutOf(info);
  if (!layout) {
    h5::FailReading(place_, fmt::format("must hold pictures (T, H, W, 3), has shape ({})",
                                        fmt::join(info.dims, ", ")));
  }
  layout_ = *layout;
  frames_ = info.dims[0];
  height_ = layout_.height;
  width_ = layout_.width;
  frame_dims_.assign(info.dims.begin() + 1, info.dims.end());
  dataset_ = demo.OpenDataset(path);
  if (scale_ && !layout_.fraction) {
    h5::FailReading(place_, "holds bytes: `pictures` of the map is for pictures of fractions");
  }
  if (layout_.fraction && frames_ > 0 && !scale_) FindRange();
  if (layout_.fraction || layout_.channel_first || layout_.channels != 3) return;
  // one frame per chunk with deflate or nothing is read without HDF5's filters
  const h5::Id plist(H5Dget_create_plist(dataset_.get()));
  if (H5Pget_layout(plist.get()) != H5D_CHUNKED) return;
  hsize_t chunk[4] = {};
  if (H5Pget_chunk(plist.get(), 4, chunk) != 4) return;
  const int filters = H5Pget_nfilters(plist.get());
  unsigned flags = 0;
  size_t values = 0;
  deflated_ = filters == 1 && H5Pget_filter2(plist.get(), 0, &flags, &values, nullptr, 0, nullptr,
                                             nullptr) == H5Z_FILTER_DEFLATE;
  direct_ = chunk[0] == 1 && chunk[1] == info.dims[1] && chunk[2] == info.dims[2] &&
            chunk[3] == 3 && (deflated_ || filters == 0);
}

// False where the frame has no chunk of its own.
bool ImageReader::ReadChunk(size_t step, std::vector<uint8_t>* out, bool* deflated) const {
  if (!direct_) return false;
  hsize_t size = 0;
  uint32_t skipped = 0;
  const h5::Guard guard;
  const hsize_t offset[4] = {step, 0, 0, 0};
  // never written chunks have no size: HDF5 reads them as fill values
  if (H5Dget_chunk_storage_size(dataset_.get(), offset, &size) < 0 || size == 0) return false;
  if (size > 2 * frame_bytes() + 4096) {
    h5::FailReading(
        fmt::format("{}[{}]", place_, step),
        fmt::format("claims {} compressed bytes for a frame of {}", size, frame_bytes()));
  }
  out->resize(size);
  if (H5Dread_chunk(dataset_.get(), H5P_DEFAULT, offset, &skipped, out->data()) < 0) {
    h5::FailReading(fmt::format("{}[{}]", place_, step),
                    fmt::format("the frame cannot be read ({})", h5::ErrorText()));
  }
  // bit 0 set: the filter was skipped for this chunk
  *deflated = deflated_ && (skipped & 1) == 0;
  return true;
}

bool ImageReader::ReadCompressed(size_t step, std::vector<uint8_t>* out) const {
  bool deflated = false;
  return ReadChunk(step, out, &deflated) && deflated;
}

void ImageReader::Read(size_t step, uint8_t* out) const {
  Require(step < frames_, "a frame of the episode");
  thread_local std::vector<uint8_t> buffer;
  bool deflated = false;
  if (!ReadChunk(step, &buffer, &deflated)) return ReadSlowly(step, out);
  if (!deflated) {
    if (buffer.size() != frame_bytes()) {
      h5::FailReading(fmt::format("{}[{}]", place_, step), "a frame of the wrong size");
    }
    std::copy(buffer.begin(), buffer.end(), out);
    return;
  }
  size_t written = 0;
  const auto result = libdeflate_zlib_decompress(Decompressor(), buffer.data(), buffer.size(), out,
                                                 frame_bytes(), &written);
  if (result != LIBDEFLATE_SUCCESS || written != frame_bytes()) {
    h5::FailReading(fmt::format("{}[{}]", place_, step), "the compressed frame is damaged");
  }
}

std::string ImageReader::Hash() const {
  Hasher hasher;
  std::vector<uint8_t> frame(frame_bytes());
  for (size_t k = 0; k < frames_; ++k) {
    Read(k, frame.data());
    hasher.Add(frame.data(), frame.size());
  }
  return hasher.Hex();
}

template <class T>
void ImageReader::ReadRaw(size_t step, hid_t type, std::vector<T>* raw) const {
  const h5::Guard guard;
  std::vector<hsize_t> start(frame_dims_.size() + 1), count{1};
  start[0] = step;
  count.insert(count.end(), frame_dims_.begin(), frame_dims_.end());
  size_t size = 1;
  for (const hsize_t n : count) size *= n;
  raw->resize(size);
  const h5::Id memory(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr));
  const h5::Id space(H5Dget_space(dataset_.get()));
  H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
  if (H5Dread(dataset_.get(), type, memory.get(), space.get(), H5P_DEFAULT, raw->data()) < 0) {
    h5::FailReading(fmt::format("{}[{}]", place_, step),
                    fmt::format("the frame cannot be read ({})", h5::WhyNotRead(dataset_.get())));
  }
}

void ImageReader::FindRange() {
  double lowest = INFINITY, highest = -INFINITY;
  for (const size_t step : {size_t{0}, frames_ / 2, frames_ - 1}) {
    std::vector<float> raw;
    ReadRaw(step, H5T_NATIVE_FLOAT, &raw);
    for (const float v : raw) {
      // a NaN is for whoever reads the frame
      lowest = std::fmin(lowest, v);
      highest = std::fmax(highest, v);
    }
  }
  constexpr double kMostOfNormalised = 8;  // standard deviations of a bright pixel are below 3
  white_ = highest > kMostOfNormalised ? 255 : 1;
  black_ = white_ == 1 && lowest < -kOvershoot ? -1 : 0;
  const double margin = kOvershoot * (white_ - black_);
  if (!(lowest > highest) && (lowest < black_ - margin || highest > white_ + margin)) {
    strange_range_ = fmt::format(
        "holds numbers from {:.4g} to {:.4g}: pictures lie in [0, 1], [-1, 1] or [0, 255]", lowest,
        highest);
  }
}

void ImageReader::RequireInRange(size_t step, const std::vector<float>& raw) const {
  const double margin = kOvershoot * (white_ - black_);
  const auto wrong = std::ranges::find_if(
      raw, [&](const double v) { return !(v >= black_ - margin && v <= white_ + margin); });
  if (wrong == raw.end()) return;
  h5::FailReading(
      fmt::format("{}[{}]", place_, step),
      fmt::format("holds {:.4g}, must lie in [{}, {}] as other frames of the episode do", *wrong,
                  black_, white_));
}

template <class T, class ByteOf>
void ImageReader::ToRgb(const std::vector<T>& raw, const ByteOf& byte_of, uint8_t* out) const {
  const size_t pixels = static_cast<size_t>(width_) * static_cast<size_t>(height_);
  const auto channels = static_cast<size_t>(layout_.channels);
  const size_t pixel_step = layout_.channel_first ? 1 : channels;
  const size_t colour_step = layout_.channel_first ? pixels : 1;
  for (size_t p = 0; p < pixels; ++p) {
    for (size_t c = 0; c < 3; ++c) {
      out[3 * p + c] = byte_of(raw[p * pixel_step + (channels < 3 ? 0 : c) * colour_step], c);
    }
  }
}

void ImageReader::ReadSlowly(size_t step, uint8_t* out) const {
  if (layout_.fraction) {
    std::vector<float> raw;
    if (!strange_range_.empty()) h5::FailReading(place_, strange_range_);
    ReadRaw(step, H5T_NATIVE_FLOAT, &raw);
    const auto byte = [](double bright) {
      return static_cast<uint8_t>(std::clamp(255 * bright + 0.5, 0.0, 255.0));
    };
    if (scale_) {
      const auto scaled = [&](const double value, size_t colour) {
        const double bright = scale_->mean[colour] + scale_->deviation[colour] * value;
        if (bright >= -kOvershoot && bright <= 1 + kOvershoot) return byte(bright);
        h5::FailReading(fmt::format("{}[{}]", place_, step),
                        fmt::format("holds {:.4g}, a brightness of {:.4g} by mean and deviation of "
                                    "the map, must lie in [0, 1]",
                                    value, bright));
      };
      return ToRgb(raw, scaled, out);
    }
    RequireInRange(step, raw);
    const auto stored = [&](const double value, size_t) {
      return byte((value - black_) / (white_ - black_));
    };
    return ToRgb(raw, stored, out);
  }
  std::vector<uint8_t> raw;
  ReadRaw(step, H5T_NATIVE_UINT8, &raw);
  ToRgb(
      raw, [](const uint8_t byte, size_t) { return byte; }, out);
}

}  // namespace understudy
