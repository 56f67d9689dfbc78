#include "train/tensors/safetensors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>
#include <string_view>

#include "core/base/error.h"
#include "core/base/file_bytes.h"
#include "core/base/json.h"

namespace understudy {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

// the limit of the format's reference implementation
constexpr uint64_t kMaxHeader = 100'000'000;
constexpr const char* kMetadata = "__metadata__";

struct Entry {
  std::string name, dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;
};

// Reads one file's header; every complaint names the file.
class HeaderReader {
 public:
  HeaderReader(std::string file, uint64_t data_bytes)
      : file_(std::move(file)), bytes_(data_bytes) {}

  [[noreturn]] void Fail(const std::string& what) const {
    ThrowBadInput(fmt::format("{}: not a sound safetensors file: {}", file_, what));
  }

  Json Parse(const std::string& text) const {
    // the callback sees every key: nlohmann would silently keep one of two equal ones
    std::vector<std::set<std::string>> open;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
      if (depth > 3) Fail("header nested too deep");
      if (event == Json::parse_event_t::object_start) open.emplace_back();
      if (event == Json::parse_event_t::object_end) open.pop_back();
      if (event == Json::parse_event_t::key &&
          !open.back().insert(value.get<std::string>()).second) {
        Fail(fmt::format("name '{}' twice", value.get<std::string>()));
      }
      return true;
    };
    Json header;
    try {
      header = Json::parse(text, watch);
    } catch (const Json::exception& error) {
      Fail(fmt::format("header: {}", error.what()));
    }
    if (!header.is_object()) Fail("the header is no JSON object");
    return header;
  }

  std::map<std::string, std::string> Metadata(const Json& value) const {
    if (!value.is_object()) Fail("__metadata__ is no object");
    std::map<std::string, std::string> result;
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) Fail(fmt::format("__metadata__['{}'] is no text", key));
      result[key] = text.get<std::string>();
    }
    return result;
  }

  Entry ReadEntry(const std::string& name, const Json& value) const {
    const auto fail = [&](const std::string& what) {
      Fail(fmt::format("tensor '{}': {}", name, what));
    };
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
        !value.contains("shape") || !value.contains("data_offsets")) {
      fail("must have exactly dtype, shape and data_offsets");
    }
    Entry entry;
    entry.name = name;
    if (!value["dtype"].is_string() || DtypeSize(value["dtype"].get<std::string>()) == 0) {
      fail(fmt::format("dtype {} is not known here", value["dtype"].dump()));
    }
    entry.dtype = value["dtype"].get<std::string>();
    uint64_t size = DtypeSize(entry.dtype);
    if (!value["shape"].is_array() || value["shape"].size() > 64) fail("shape is no list");
    for (const Json& dim : value["shape"]) {
      if (!dim.is_number_unsigned()) fail("shape holds something that is no size");
      const uint64_t extent = dim.get<uint64_t>();
      if (extent > uint64_t{1} << 62 || __builtin_mul_overflow(size, extent, &size)) {
        fail("shape overflows");
      }
      entry.shape.push_back(static_cast<int64_t>(extent));
    }
    const Json& offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
      fail("data_offsets must be two sizes");
    }
    entry.begin = offsets[0].get<uint64_t>();
    entry.end = offsets[1].get<uint64_t>();
    if (entry.begin > entry.end || entry.end > bytes_) {
      fail(fmt::format("data_offsets [{}, {}] leave the {} bytes of data", entry.begin, entry.end,
                       bytes_));
    }
    if (entry.end - entry.begin != size) {
      fail(fmt::format("{} bytes of data, its shape needs {}", entry.end - entry.begin, size));
    }
    return entry;
  }

  // data must be covered without gap and overlap
  void CheckCover(const std::vector<Entry>& entries) const {
    uint64_t at = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != at) {
        Fail(fmt::format("tensor '{}' starts at byte {}, expected {} ({})", entry.name, entry.begin,
                         at, entry.begin < at ? "overlap" : "gap"));
      }
      at = entry.end;
    }
    if (at != bytes_) Fail(fmt::format("{} trailing bytes", bytes_ - at));
  }

 private:
  std::string file_;
  uint64_t bytes_;
};

// in the order of the format's reference implementation, by which its files are sorted
struct Dtype {
  std::string_view name;
  size_t size;
};
constexpr Dtype kDtypes[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
                             {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
                             {"U32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8}};

const Dtype* FindDtype(const std::string& name) {
  const Dtype* end = std::end(kDtypes);
  const Dtype* found = std::find_if(kDtypes, end, [&](const Dtype& d) { return d.name == name; });
  return found == end ? nullptr : found;
}

}  // namespace

size_t DtypeSize(const std::string& dtype) {
  const Dtype* found = FindDtype(dtype);
  return found == nullptr ? 0 : found->size;
}

TensorBlob FloatTensor(const std::vector<float>& values, std::vector<int64_t> shape) {
  TensorBlob blob;
  blob.shape = std::move(shape);
  blob.data.resize(values.size() * sizeof(float));
  if (!values.empty()) std::memcpy(blob.data.data(), values.data(), blob.data.size());
  return blob;
}

std::vector<float> FloatsOf(const TensorBlob& blob) {
  Require(blob.dtype == "F32" && blob.data.size() % sizeof(float) == 0, "an F32 tensor");
  std::vector<float> values(blob.data.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), blob.data.data(), blob.data.size());
  return values;
}

std::vector<float> WidenedFloats(const TensorBlob& blob) {
  if (blob.dtype == "F32") return FloatsOf(blob);
  const bool half = blob.dtype == "F16";
  Require(half || blob.dtype == "BF16", "a tensor of floats");
  std::vector<float> values(blob.data.size() / 2);
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, &blob.data[2 * i], 2);
    if (!half) {
      values[i] = std::bit_cast<float>(uint32_t{bits} << 16);
      continue;
    }
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double magnitude = exponent == 0    ? std::ldexp(fraction, -24)
                             : exponent == 31 ? (fraction == 0 ? HUGE_VAL : std::nan(""))
                                              : std::ldexp(1024 + fraction, exponent - 25);
    values[i] = static_cast<float>(bits >> 15 ? -magnitude : magnitude);
  }
  return values;
}

TensorIndex ReadSafetensorsIndex(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::error_code gone;
  const uint64_t total = std::filesystem::file_size(file, gone);
  if (!in || gone) ThrowBadInput(fmt::format("{}: cannot be read", file.string()));
  const HeaderReader early(file.string(), 0);
  uint64_t header_size = 0;
  if (total < 8 || !in.read(reinterpret_cast<char*>(&header_size), 8)) {
    early.Fail(fmt::format("{} bytes are too few", total));
  }
  if (header_size > kMaxHeader || header_size > total - 8) {
    early.Fail(fmt::format("header of {} bytes in a file of {}", header_size, total));
  }
  std::string text(header_size, '\0');
  if (!in.read(text.data(), static_cast<std::streamsize>(header_size))) early.Fail("truncated");

  const HeaderReader reader(file.string(), total - 8 - header_size);
  const Json header = reader.Parse(text);
  TensorIndex result;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadata) {
      result.metadata = reader.Metadata(value);
    } else {
      entries.push_back(reader.ReadEntry(name, value));
    }
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  reader.CheckCover(entries);
  const uint64_t first = 8 + header_size;
  for (Entry& entry : entries) {
    result.tensors.emplace(std::move(entry.name),
                           TensorPlace{std::move(entry.dtype), std::move(entry.shape),
                                       first + entry.begin, first + entry.end});
  }
  return result;
}

TensorFile ReadSafetensors(const std::filesystem::path& file) {
  TensorIndex index = ReadSafetensorsIndex(file);
  TensorFile result;
  result.metadata = std::move(index.metadata);
  for (auto& [name, place] : index.tensors) {
    TensorBlob blob{place.dtype, std::move(place.shape), {}};
    blob.data.resize(place.end - place.begin);
    ReadBytes(file, place.begin, blob.data.size(), blob.data.data());
    result.tensors.emplace(name, std::move(blob));
  }
  return result;
}

void ReadBytes(const std::filesystem::path& file, uint64_t begin, uint64_t bytes, void* out) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) ThrowBadInput(fmt::format("{}: {}", file.string(), std::strerror(errno)));
  const bool read = ReadAt(fd, out, bytes, begin);
  const std::string reason = errno == 0 ? "it has become shorter" : std::strerror(errno);
  ::close(fd);
  if (!read) ThrowBadInput(fmt::format("{}: cannot be read: {}", file.string(), reason));
}

void WriteSafetensors(const std::filesystem::path& file, const TensorMap& tensors,
                      const std::map<std::string, std::string>& metadata) {
  using Item = TensorMap::value_type;
  std::vector<const Item*> order;
  for (const Item& item : tensors) {
    const size_t unit = DtypeSize(item.second.dtype);
    Require(unit > 0 && item.first != kMetadata, "a dtype and a name that the format knows");
    uint64_t size = unit;
    for (const int64_t extent : item.second.shape) {
      Require(extent >= 0, "extents are not negative");
      size *= static_cast<uint64_t>(extent);
    }
    Require(size == item.second.data.size(), "as much data as the shape says");
    order.push_back(&item);
  }
  std::stable_sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
    return FindDtype(a->second.dtype) > FindDtype(b->second.dtype);
  });
  Json header = Json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  uint64_t at = 0;
  for (const Item* item : order) {
    const uint64_t end = at + item->second.data.size();
    header[item->first] = Json{{"dtype", item->second.dtype},
                               {"shape", item->second.shape},
                               {"data_offsets", Json::array({at, end})}};
    at = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception& error) {
    ThrowFailed(fmt::format("{}: a name is no UTF-8: {}", file.string(), error.what()));
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t header_size = text.size();
  text.insert(0, reinterpret_cast<const char*>(&header_size), 8);

  // piece by piece: weights can be large
  const std::string part = file.string() + ".part";
  const auto fail = [&](const char* what) {
    const std::string reason = std::strerror(errno);
    ::unlink(part.c_str());
    ThrowFailed(fmt::format("{}: {} failed: {}", file.string(), what, reason));
  };
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) fail("open for writing");
  const auto put = [&](const void* data, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
      const ssize_t n = ::write(fd, static_cast<const char*>(data) + done, bytes - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int reason = errno;
        ::close(fd);
        errno = reason;
        fail("write");
      }
      done += static_cast<size_t>(n);
    }
  };
  put(text.data(), text.size());
  for (const Item* item : order) put(item->second.data.data(), item->second.data.size());
  const bool synced = ::fsync(fd) == 0;
  if (::close(fd) != 0 || !synced) fail("fsync");
  if (::rename(part.c_str(), file.c_str()) != 0) fail("rename");
}

}  // namespace understudy
