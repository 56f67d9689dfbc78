#include <hdf5.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "data/formats/family/foreign_writer.h"
#include "data/formats/family/import.h"
#include "data/formats/formats.h"
#include "data/formats/isaaclab/isaaclab.h"
#include "data/formats/robosuite/robosuite.h"
#include "data/store/edit/describe.h"
#include "data/store/reader.h"
#include "tests/data/surgeon.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/targets.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using store_test::Folder;

// The files that are injured, made once.
struct Patients {
  Folder folder;
  fs::path golden = fs::path(UNDERSTUDY_SOURCE_DIR) / "tests/golden";
  std::vector<fs::path> files{store_test::WriteSound(folder / "sound.h5"),
                              golden / "h5py_robomimic.h5", golden / "h5py_mimicgen_source.h5",
                              golden / "h5py_isaaclab.h5"};
};
const Patients& AllPatients() {
  static const Patients patients;
  return patients;
}

herr_t CollectObject(hid_t, const char* name, const H5O_info_t*, void* out) {
  static_cast<std::vector<std::string>*>(out)->push_back(name);
  return 0;
}
herr_t CollectAttribute(hid_t, const char* name, const H5A_info_t*, void* out) {
  static_cast<std::vector<std::string>*>(out)->push_back(name);
  return 0;
}

hid_t SomeType(Bytes& bytes) {
  const std::vector<hid_t> types{H5T_NATIVE_DOUBLE, H5T_NATIVE_FLOAT, H5T_NATIVE_UINT8,
                                 H5T_NATIVE_INT32,  H5T_NATIVE_INT64, H5T_NATIVE_UINT32,
                                 H5T_C_S1,          H5T_NATIVE_INT16, H5T_STD_REF_OBJ};
  return bytes.OneOf(types);
}

// Another array in the place of an object: any rank, any claim of size, nothing allocated for it.
void Replace(hid_t file, const std::string& name, Bytes& bytes) {
  const std::vector<hsize_t> sizes{0, 1,  2,  3,      7,         8,
                                   9, 10, 11, 50'000, 1'000'000, 1'000'000'000'000};
  std::vector<hsize_t> dims(bytes.Below(5));
  for (hsize_t& n : dims) n = bytes.OneOf(sizes);
  H5Ldelete(file, name.c_str(), H5P_DEFAULT);
  const hid_t space = dims.empty()
                          ? H5Screate(H5S_SCALAR)
                          : H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
  const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  if (!dims.empty() && bytes.Below(2) == 1) {
    std::vector<hsize_t> chunk(dims.size(), 1);
    for (size_t i = 0; i < dims.size(); ++i) chunk[i] = std::clamp<hsize_t>(dims[i], 1, 10);
    H5Pset_chunk(plist, static_cast<int>(chunk.size()), chunk.data());
  }
  const hid_t d =
      H5Dcreate2(file, name.c_str(), SomeType(bytes), space, H5P_DEFAULT, plist, H5P_DEFAULT);
  if (d >= 0) H5Dclose(d);
  H5Pclose(plist);
  H5Sclose(space);
}

// Numbers of a dataset: some of them not finite, huge or of another sign.
void Overwrite(hid_t file, const std::string& name, Bytes& bytes) {
  const hid_t d = H5Dopen2(file, name.c_str(), H5P_DEFAULT);
  if (d < 0) return;
  const hid_t space = H5Dget_space(d), type = H5Dget_type(d);
  const auto count =
      static_cast<size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space)));
  if (H5Tget_class(type) != H5T_STRING && count > 0 && count < 100'000) {
    std::vector<double> all(count);
    H5Dread(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data());
    for (size_t i = 0; i < 4; ++i) all[bytes.Below(count)] = bytes.Take<double>();
    H5Dwrite(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data());
  }
  H5Tclose(type);
  H5Sclose(space);
  H5Dclose(d);
}

// A chunk of pictures that is no deflate, or deflate of another length.
void SpoilChunk(hid_t file, const std::string& name, Bytes& bytes) {
  const hid_t d = H5Dopen2(file, name.c_str(), H5P_DEFAULT);
  if (d < 0) return;
  const hid_t plist = H5Dget_create_plist(d);
  if (H5Pget_layout(plist) == H5D_CHUNKED && H5Pget_chunk(plist, 0, nullptr) == 4) {
    const hsize_t offset[4] = {bytes.Below(3), 0, 0, 0};
    const std::string text = bytes.Text(200);
    H5Dwrite_chunk(d, H5P_DEFAULT, bytes.Below(2), offset, text.size(), text.data());
  }
  H5Pclose(plist);
  H5Dclose(d);
}

void SpoilAttribute(hid_t file, const std::string& name, Bytes& bytes) {
  const hid_t object =
      name == "." ? H5Gopen2(file, "/", H5P_DEFAULT) : H5Oopen(file, name.c_str(), H5P_DEFAULT);
  if (object < 0) return;
  std::vector<std::string> names;
  hsize_t at = 0;
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, CollectAttribute, &names);
  names.push_back(bytes.Text(12));
  const std::string& attribute = bytes.OneOf(names);
  // text as it stands, with some letters changed: JSON that nearly holds
  std::string text;
  const hid_t old = H5Aopen(object, attribute.c_str(), H5P_DEFAULT);
  if (old >= 0) {
    const hid_t type = H5Aget_type(old);
    char* stored = nullptr;
    if (H5Tis_variable_str(type) > 0 && H5Aread(old, type, &stored) >= 0 && stored != nullptr) {
      text = stored;
      H5free_memory(stored);
    }
    H5Tclose(type);
    H5Aclose(old);
    H5Adelete(object, attribute.c_str());
  }
  const hid_t scalar = H5Screate(H5S_SCALAR);
  const size_t way = bytes.Below(4);
  if (way == 0) {
    const auto value = bytes.Take<int64_t>();
    const hid_t a =
        H5Acreate2(object, attribute.c_str(), H5T_NATIVE_INT64, scalar, H5P_DEFAULT, H5P_DEFAULT);
    if (a >= 0) H5Awrite(a, H5T_NATIVE_INT64, &value);
    if (a >= 0) H5Aclose(a);
  } else if (way == 1) {
    const hsize_t count = 3;
    const hid_t list = H5Screate_simple(1, &count, nullptr);
    const hid_t a =
        H5Acreate2(object, attribute.c_str(), SomeType(bytes), list, H5P_DEFAULT, H5P_DEFAULT);
    if (a >= 0) H5Aclose(a);
    H5Sclose(list);
  } else if (way == 2) {
    for (size_t i = 0; i < 3 && !text.empty(); ++i) {
      text[bytes.Below(text.size())] = static_cast<char>(bytes.Take<uint8_t>());
    }
    if (text.empty()) text = bytes.Text(40);
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    const char* pointer = text.c_str();
    const hid_t a = H5Acreate2(object, attribute.c_str(), type, scalar, H5P_DEFAULT, H5P_DEFAULT);
    if (a >= 0) H5Awrite(a, type, &pointer);
    if (a >= 0) H5Aclose(a);
    H5Tclose(type);
  }
  H5Sclose(scalar);
  H5Oclose(object);
}

void Relink(hid_t file, const std::string& name, const std::string& other, Bytes& bytes) {
  const std::vector<std::string> targets{"x.h5", "../x.h5", "/etc/passwd", "none.h5", other};
  const std::string target = bytes.OneOf(targets);
  H5Ldelete(file, name.c_str(), H5P_DEFAULT);
  switch (bytes.Below(3)) {
    case 0:
      H5Lcreate_hard(file, other.c_str(), file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      return;
    case 1:
      H5Lcreate_soft(("/" + other).c_str(), file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      return;
    default:
      H5Lcreate_external(target.c_str(), ("/" + other).c_str(), file, name.c_str(), H5P_DEFAULT,
                         H5P_DEFAULT);
  }
}

void Injure(const fs::path& path, Bytes& bytes) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  if (file < 0) return;
  const size_t wounds = 1 + bytes.Below(4);
  for (size_t i = 0; i < wounds; ++i) {
    std::vector<std::string> names;
    H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, CollectObject, &names, H5O_INFO_BASIC);
    const std::string name = bytes.OneOf(names), other = bytes.OneOf(names);
    switch (bytes.Below(7)) {
      case 0:
        H5Ldelete(file, name.c_str(), H5P_DEFAULT);
        break;
      case 1:
        Replace(file, name, bytes);
        break;
      case 2:
        Overwrite(file, name, bytes);
        break;
      case 3:
        SpoilChunk(file, name, bytes);
        break;
      case 4:
        SpoilAttribute(file, name, bytes);
        break;
      case 5:
        Relink(file, name, other, bytes);
        break;
      default:
        H5Lmove(file, name.c_str(), file, (other + "/" + bytes.Text(8)).c_str(), H5P_DEFAULT,
                H5P_DEFAULT);
    }
  }
  H5Fclose(file);
}

// Does `work`; an Error is an answer, everything else goes up.
template <class F>
void Answered(F work) {
  try {
    work();
  } catch (const Error&) {
  }
}

void ReadAll(const fs::path& file) {
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file);
  const EpisodeSource& reader = *reader_source;
  Answered([&] { reader.attempts(); });
  Answered([&] { reader.report(); });
  Answered([&] {
    for (const std::string& key : reader.MaskNames()) reader.ReadMask(key);
  });
  for (size_t e = 0; e < reader.episodes().size(); ++e) {
    Answered([&] { reader.ReadMeta(e); });
    Answered([&] { reader.ReadEpisode(e, true); });
    Answered([&] { reader.ReadCameras(e); });
    Answered([&] { reader.ReadColumns(e, reader.ListColumns()); });
    // 0: it cannot be read
    if (reader.episodes()[e].length == 0) continue;
    for (size_t c = 0; c < reader.header().cameras.size(); ++c) {
      Answered([&] {
        reader.ReadImage(e, reader.header().cameras[c], reader.episodes()[e].length - 1);
      });
    }
  }
}

// Into one of the other formats, or ours.
void Convert(const fs::path& file, const fs::path& out, size_t way) {
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file);
  const EpisodeSource& reader = *reader_source;
  Progress quiet;
  if (way == 3) {
    ImportForeign(reader, out, {.control_hz = 20}, Translation(), quiet);
  } else {
    ForeignWriteOptions options;
    options.robosuite.next_obs = true;
    const foreign::WriteDialect& target =
        *std::array{&foreign::kRobomimicWriter, &foreign::kMimicgenWriter,
                    &foreign::kIsaacLabWriter}
             .at(way);
    LostIn(target, reader, options, Translation());
    WriteForeign(target, reader, out, options, Translation(), Translation(), quiet);
  }
}

}  // namespace

void FuzzDataset(const uint8_t* data, size_t size) {
  Bytes bytes(data, size);
  const Folder folder;
  const fs::path file = folder / "x.h5";
  fs::copy_file(bytes.OneOf(AllPatients().files), file);
  Injure(file, bytes);
  Answered([&] { ReadAll(file); });
  Answered([&] { DescribeDataset(*OpenDataset(file)); });
  // the slowest part, for some of them
  if (const size_t way = bytes.Below(16); way < 4) {
    Answered([&] { Convert(file, folder / "out.h5", way); });
  }
  VerifyDataset(file, {.threads = 1});
}

void FuzzFile(const uint8_t* data, size_t size) {
  Bytes bytes(data, size);
  const Folder folder;
  const fs::path file = folder / "x.h5";
  fs::copy_file(bytes.OneOf(AllPatients().files), file);
  {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const uint64_t length = fs::file_size(file);
    while (!bytes.empty()) {
      stream.seekp(static_cast<std::streamoff>(bytes.Take<uint32_t>() % length));
      stream.put(static_cast<char>(bytes.Take<uint8_t>()));
    }
  }
  Progress quiet;
  VerifyApart(file, {.threads = 1}, {}, quiet);
}

}  // namespace understudy
