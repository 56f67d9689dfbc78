#pragma once

// A sound dataset, and plain HDF5 to injure it with.

#include <gtest/gtest.h>
#include <hdf5.h>

#include "core/image/image.h"
#include "data/store/writer.h"
#include "tests/data/store_support.h"
#include "tests/support/cameras.h"

namespace understudy::store_test {

inline const EpisodeShape kSoundShape{.length = 10, .teleop_arms = 1, .raw = 8, .teleop = true};

// Two episodes with pictures, a mask and attempts.
inline std::filesystem::path WriteSound(const std::filesystem::path& file, uint64_t first = 0) {
  DatasetHeader header = HeaderFor(kSoundShape);
  header.cameras = {"agentview", "wrist"};
  header.image_width = 16;
  header.image_height = 8;
  Rng rng(RngKey{.seed = first});
  DatasetWriter writer(file, header);
  for (uint64_t e = first; e < first + 2; ++e) {
    std::vector<std::vector<Image>> images(2);
    for (auto& list : images) {
      for (size_t k = 0; k < kSoundShape.length; ++k) list.push_back(RandomImage(rng, 16, 8));
    }
    writer.Append(RandomEpisode(e, kSoundShape), images, CamerasOf(header));
    writer.AppendAttempt({.attempt = static_cast<int64_t>(e), .success = true, .sources = {1, 2}});
  }
  writer.AppendAttempt({.attempt = 99, .success = false, .cause = "dropped"});
  writer.WriteMask("train", {"demo_1"});
  writer.Finish();
  return file;
}

// An open file of plain HDF5 for injecting faults.
class Surgeon {
 public:
  explicit Surgeon(const std::filesystem::path& file, bool create = false)
      : id_(create ? H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)
                   : H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT)) {}
  ~Surgeon() { H5Fclose(id_); }
  hid_t id() const { return id_; }
  void Group(const char* name) {
    H5Gclose(H5Gcreate2(id_, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  }
  void Delete(const char* name) { ASSERT_GE(H5Ldelete(id_, name, H5P_DEFAULT), 0) << name; }
  // Changes number `index` of a dataset of doubles.
  void Poke(const char* name, size_t index, double value) {
    const hid_t d = H5Dopen2(id_, name, H5P_DEFAULT);
    const hid_t space = H5Dget_space(d);
    std::vector<double> all(static_cast<size_t>(H5Sget_simple_extent_npoints(space)));
    H5Dread(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data());
    all.at(index) = value;
    ASSERT_GE(H5Dwrite(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()), 0);
    H5Sclose(space);
    H5Dclose(d);
  }
  // Makes picture `step` of a dataset of pictures one grey.
  void Paint(const std::string& name, hsize_t step, uint8_t grey) {
    const hid_t d = H5Dopen2(id_, name.c_str(), H5P_DEFAULT), space = H5Dget_space(d);
    hsize_t dims[4] = {};
    ASSERT_EQ(H5Sget_simple_extent_dims(space, dims, nullptr), 4) << name;
    const hsize_t start[4] = {step, 0, 0, 0};
    dims[0] = 1;
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, dims, nullptr);
    const hid_t memory = H5Screate_simple(4, dims, nullptr);
    const std::vector<uint8_t> pixels(dims[1] * dims[2] * dims[3], grey);
    ASSERT_GE(H5Dwrite(d, H5T_NATIVE_UINT8, memory, space, H5P_DEFAULT, pixels.data()), 0);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(d);
  }
  void Array(const char* name, std::vector<hsize_t> dims, hid_t type = H5T_NATIVE_DOUBLE) {
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    const hid_t space = H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
    H5Dclose(H5Dcreate2(id_, name, type, space, links, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    H5Pclose(links);
  }
  void Int(const char* object, const char* name, int64_t value) {
    H5Adelete_by_name(id_, object, name, H5P_DEFAULT);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t a = H5Acreate_by_name(id_, object, name, H5T_NATIVE_INT64, space, H5P_DEFAULT,
                                      H5P_DEFAULT, H5P_DEFAULT);
    ASSERT_GE(H5Awrite(a, H5T_NATIVE_INT64, &value), 0);
    H5Aclose(a);
    H5Sclose(space);
  }

  void Text(const char* object, const char* name, const std::string& text) {
    H5Adelete_by_name(id_, object, name, H5P_DEFAULT);
    const hid_t space = H5Screate(H5S_SCALAR), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    const hid_t a =
        H5Acreate_by_name(id_, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const char* pointer = text.c_str();
    ASSERT_GE(H5Awrite(a, type, &pointer), 0);
    H5Aclose(a);
    H5Tclose(type);
    H5Sclose(space);
  }

 private:
  hid_t id_;
};

}  // namespace understudy::store_test
