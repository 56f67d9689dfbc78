#pragma once

// One episode file.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/episode/column_spec.h"
#include "core/seam/dataset_header.h"
#include "data/store/hdf5/group.h"

namespace understudy::aloha {

inline constexpr const char* kAction = "action";
inline constexpr const char* kState = "observations/qpos";
inline constexpr const char* kImages = "observations/images";
// Lengths of JPEG pictures by camera and row: the only array whose second side is the rows.
inline constexpr const char* kLengths = "compress_len";

// Whether `path` is such a file. Never throws.
bool IsEpisodeFile(const std::filesystem::path& path, bool outside_links);
// The files of a dataset: itself, or a folder's episode_<i>.hdf5; where none is named so, all HDF5
// files of the folder. By number.
std::vector<std::filesystem::path> EpisodeFiles(const std::filesystem::path& path);
// "episode_3", of the file's name.
std::string NameOf(const std::filesystem::path& file);

// Opens an episode file. Where its observations have one row more than `action`, the state after
// the last one, that row is not read (foreign::WithoutExtraRow).
h5::Group OpenEpisode(const std::filesystem::path& file, bool outside_links, bool mend = false);

// Rows of `action`. Throws Error(kBadInput) where it is no array of rows of numbers.
size_t RowsOf(const h5::Group& root);
// Every array of numbers with a row per step that is no picture; depth is one.
std::vector<ColumnSpec> AlohaColumns(const h5::Group& root, size_t rows);
// Rows of one of them as numbers. Refuses other shapes.
std::vector<double> ReadNumbers(const h5::Group& root, const ColumnSpec& column, size_t rows);

// The attribute or dataset that says what the robot is to do, and its text; both empty where there
// is none.
std::string InstructionName(const h5::Group& root);
std::string InstructionOf(const h5::Group& root);
// Where it stands, else as the attribute `language_instruction`.
void SetInstruction(const h5::Group& root, const std::string& instruction);

std::vector<std::string> CamerasOf(const h5::Group& root);
// Of a camera's first picture.
PictureSize SizeOf(const h5::Group& root, const std::string& camera);
// One picture of the size given, RGB: stored as uint8 (T, H, W, 3), or as a JPEG or PNG file per
// row: padded to one length, a list of bytes, or a string.
void ReadPicture(const h5::Group& root, const std::string& camera, size_t row, size_t rows,
                 const PictureSize& size, uint8_t* out);

}  // namespace understudy::aloha
