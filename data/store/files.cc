#include "data/store/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "core/base/error.h"
#include "data/store/hdf5/library.h"

namespace understudy {

std::filesystem::path PartOf(const std::filesystem::path& path) {
  std::filesystem::path part = path;
  part += ".part";
  return part;
}

UnfinishedFile::~UnfinishedFile() {
  if (!begun_) return;
  std::error_code none;
  // the growing file's first flush and its journal have names of their own
  for (const char* ending : {"", ".new", ".journal"}) {
    std::filesystem::remove(part().string() + ending, none);
  }
}

void UnfinishedFile::Rename() {
  RenameDurably(part(), output_);
  begun_ = false;
}

void CheckOutput(const std::filesystem::path& output, bool overwrite,
                 const std::vector<std::filesystem::path>& inputs) {
  std::error_code none;
  for (const std::filesystem::path& input : inputs) {
    if (std::filesystem::equivalent(input, output, none)) {
      ThrowUsage(fmt::format("{}: is input and output", output.string()));
    }
  }
  if (std::filesystem::exists(output, none) && !overwrite) {
    ThrowUsage(
        fmt::format("{}: exists already; choose another name, or say --overwrite to replace it",
                    output.string()));
  }
}

void CheckRemade(const std::filesystem::path& output, std::string_view beginning,
                 const char* what) {
  std::error_code none;
  if (!std::filesystem::exists(output, none)) return;
  // neither folders nor devices
  if (std::filesystem::is_regular_file(output, none)) {
    std::string begins(beginning.size(), '\0');
    std::ifstream in(output, std::ios::binary);
    in.read(begins.data(), static_cast<std::streamsize>(begins.size()));
    if (in && begins == beginning) return;
  }
  ThrowUsage(fmt::format("{}: exists already, and is no {} of this program; choose another name",
                         output.string(), what));
}

Json OlderReport(const std::filesystem::path& output, const char* field, const char* what,
                 const std::function<void(const Json&)>& read) {
  std::error_code none;
  if (output.empty() || !std::filesystem::exists(output, none)) return nullptr;
  try {
    // neither folders nor devices, nor what is long to read
    if (!std::filesystem::is_regular_file(output, none) || IsHdf5(output)) ThrowBadInput("no text");
    Json report = LoadJson(output);
    read(report);
    return report;
  } catch (const Error&) {
    ThrowUsage(fmt::format("{}: {}: exists already, and is no {}; choose another name", field,
                           output.string(), what));
  }
}

void TryToWrite(const std::filesystem::path& file, const char* field) {
  const std::filesystem::path part = PartOf(file);
  for (const std::filesystem::path& lost : {file, part}) {
    if (!IsHdf5(lost)) continue;
    ThrowUsage(fmt::format("{}: '{}' is a dataset: name another file", field, lost.string()));
  }
  std::error_code failed;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), failed);
  const bool was_there = std::filesystem::exists(part, failed);
  if (std::filesystem::is_directory(file, failed) || !std::ofstream(part, std::ios::app)) {
    ThrowUsage(fmt::format("{}: '{}' cannot be written: name a file in a folder of yours", field,
                           file.string()));
  }
  if (!was_there) std::filesystem::remove(part, failed);
}

uint64_t BytesOnDisk(const std::filesystem::path& path) {
  std::error_code problem;
  if (!std::filesystem::is_directory(path, problem)) {
    const uint64_t bytes = std::filesystem::file_size(path, problem);
    return problem ? 0 : bytes;
  }
  uint64_t sum = 0;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (std::filesystem::recursive_directory_iterator at(path, options, problem), end;
       !problem && at != end; at.increment(problem)) {
    std::error_code here;
    if (!at->is_regular_file(here)) continue;
    const uint64_t bytes = at->file_size(here);
    if (!here) sum += bytes;
  }
  return sum;
}

void RenameDurably(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    ThrowFailed(fmt::format("cannot rename '{}' to '{}': {}", from.string(), to.string(),
                            std::strerror(errno)));
  }
  const std::filesystem::path folder = to.has_parent_path() ? to.parent_path() : ".";
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  // some file systems cannot sync folders: the rename stands all the same
  fsync(fd);
  close(fd);
}

}  // namespace understudy
