#include "app/system.h"

#include <elf.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string_view>

#include "core/base/module.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

LibcVersion ParseLibcVersion(std::string_view text) {
  LibcVersion version;
  const char* const end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, version.major);
  if (error != std::errc() || dot == end || *dot != '.') return {};
  if (std::from_chars(dot + 1, end, version.minor).ec != std::errc()) return {};
  return version;
}

// Values of a file by their place; libraries are too large to read whole.
class Parts {
 public:
  explicit Parts(const fs::path& file) : in_(file, std::ios::binary) {}
  // False if the file ends before.
  template <class T>
  bool Read(uint64_t at, T* out) {
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(at));
    return static_cast<bool>(in_.read(reinterpret_cast<char*>(out), sizeof(T)));
  }
  // Up to the next zero; names of versions are short.
  std::string Text(uint64_t at) {
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(at));
    std::string text;
    for (char c = 0; text.size() < 64 && in_.get(c) && c != 0;) text += c;
    return text;
  }

 private:
  std::ifstream in_;
};

// The newest version "GLIBC_<major>.<minor>" of a .gnu.version_r section.
LibcVersion NewestIn(Parts& file, const Elf64_Shdr& needs, const Elf64_Shdr& strings) {
  LibcVersion newest;
  uint64_t at = needs.sh_offset;
  for (uint32_t i = 0; i < needs.sh_info; ++i) {
    Elf64_Verneed need;
    if (!file.Read(at, &need)) break;
    uint64_t entry = at + need.vn_aux;
    for (uint16_t k = 0; k < need.vn_cnt; ++k) {
      Elf64_Vernaux version;
      if (!file.Read(entry, &version)) break;
      constexpr std::string_view kPrefix = "GLIBC_";
      const std::string name = file.Text(strings.sh_offset + version.vna_name);
      if (name.starts_with(kPrefix)) {
        newest = std::max(newest, ParseLibcVersion(std::string_view(name).substr(kPrefix.size())));
      }
      if (version.vna_next == 0) break;
      entry += version.vna_next;
    }
    if (need.vn_next == 0) break;
    at += need.vn_next;
  }
  return newest;
}

}  // namespace

std::string LibcVersion::Text() const {
  return known() ? fmt::format("{}.{}", major, minor) : "unknown";
}

SystemInfo ThisSystem(const fs::path& os_release) {
  SystemInfo system{.distribution = "Linux", .architecture = "unknown", .glibc = {}};
  std::ifstream in(os_release);
  for (std::string line; std::getline(in, line);) {
    constexpr std::string_view kKey = "PRETTY_NAME=";
    if (!line.starts_with(kKey)) continue;
    line.erase(0, kKey.size());
    std::erase(line, '"');
    system.distribution = line;
  }
  utsname name{};
  if (uname(&name) == 0) system.architecture = name.machine;
#ifdef __GLIBC__
  system.glibc = ParseLibcVersion(gnu_get_libc_version());
#endif
  return system;
}

LibcVersion RequiredGlibc(const fs::path& path) {
  Parts file(path);
  Elf64_Ehdr header;
  if (!file.Read(0, &header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return {};
  }
  LibcVersion newest;
  for (uint16_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section, strings;
    if (!file.Read(header.e_shoff + uint64_t{i} * header.e_shentsize, &section)) break;
    if (section.sh_type != SHT_GNU_verneed) continue;
    if (!file.Read(header.e_shoff + uint64_t{section.sh_link} * header.e_shentsize, &strings))
      break;
    newest = std::max(newest, NewestIn(file, section, strings));
  }
  return newest;
}

GlibcFloor FloorOf(const std::vector<fs::path>& files) {
  GlibcFloor floor;
  for (const fs::path& file : files) {
    const LibcVersion version = RequiredGlibc(file);
    if (floor.version < version) floor = {version, file};
  }
  return floor;
}

std::vector<fs::path> InstalledBinaries() {
  std::error_code none;
  std::vector<fs::path> files{fs::read_symlink("/proc/self/exe", none),
                              ModuleFolder().parent_path() / "libunderstudy.so"};
  std::vector<fs::path> further;
  for (const auto& entry : fs::directory_iterator(ModuleFolder(), none)) {
    if (entry.path().filename().string().find(".so") != std::string::npos) {
      further.push_back(entry.path());
    }
  }
  std::sort(further.begin(), further.end());
  files.insert(files.end(), further.begin(), further.end());
  return files;
}

}  // namespace understudy
