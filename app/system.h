#pragma once

#include <compare>
#include <filesystem>
#include <string>
#include <vector>

namespace understudy {

// "2.36" as numbers.
struct LibcVersion {
  int major = 0, minor = 0;
  auto operator<=>(const LibcVersion&) const = default;
  bool known() const { return major > 0; }
  std::string Text() const;  // "2.36"; "unknown" if it is not known
};

// The machine that the program runs on.
struct SystemInfo {
  std::string distribution;  // "Debian GNU/Linux 12 (bookworm)"; "Linux" if it has no os-release
  std::string architecture;  // "x86_64", "aarch64"
  LibcVersion glibc;         // unknown with another C library
};
SystemInfo ThisSystem(const std::filesystem::path& os_release = "/etc/os-release");

// The newest glibc whose symbols an ELF file (64 bits, little-endian) asks for; unknown if it asks
// for none, or is no such file.
LibcVersion RequiredGlibc(const std::filesystem::path& file);

// The newest glibc that one of the files asks for, and which of them it is.
struct GlibcFloor {
  LibcVersion version;
  std::filesystem::path file;
};
GlibcFloor FloorOf(const std::vector<std::filesystem::path>& files);

// The program, its shared library, and all that lies in the folder of its modules.
std::vector<std::filesystem::path> InstalledBinaries();

}  // namespace understudy
