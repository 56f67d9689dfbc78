// What `doctor` says of the machine: its system, and the C library that our files ask for.
#include "app/system.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "app/doctor.h"
#include "tests/support/own_folder.h"
#include "tests/support/subprocess.h"

namespace understudy {
namespace {

using testing::HasSubstr;

template <class T>
void Put(std::string* bytes, const T& value) {
  bytes->append(reinterpret_cast<const char*>(&value), sizeof(T));
}

// An ELF file of nothing but a section of needed versions, all of one library, and their names.
std::string ElfThatNeeds(const std::vector<std::string>& versions) {
  std::string names(1, '\0'), needs;
  Put(&needs, Elf64_Verneed{.vn_version = 1,
                            .vn_cnt = static_cast<uint16_t>(versions.size()),
                            .vn_file = 0,
                            .vn_aux = sizeof(Elf64_Verneed),
                            .vn_next = 0});
  for (size_t i = 0; i < versions.size(); ++i) {
    const bool last = i + 1 == versions.size();
    Put(&needs, Elf64_Vernaux{.vna_hash = 0,
                              .vna_flags = 0,
                              .vna_other = 2,
                              .vna_name = static_cast<uint32_t>(names.size()),
                              .vna_next = last ? 0u : uint32_t{sizeof(Elf64_Vernaux)}});
    names += versions[i] + '\0';
  }
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_shoff = sizeof(header);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 2;
  Elf64_Shdr need{}, strings{};
  need.sh_type = SHT_GNU_verneed;
  need.sh_link = 1;
  need.sh_info = 1;
  need.sh_offset = sizeof(header) + 2 * sizeof(Elf64_Shdr);
  strings.sh_type = SHT_STRTAB;
  strings.sh_offset = need.sh_offset + needs.size();
  std::string file;
  Put(&file, header);
  Put(&file, need);
  Put(&file, strings);
  return file + needs + names;
}

class System : public testing::Test {
 protected:
  std::filesystem::path Write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  LibcVersion Needed(const std::vector<std::string>& versions) {
    return RequiredGlibc(Write("made.so", ElfThatNeeds(versions)));
  }
  OwnFolder folder_;
};

TEST_F(System, TheNewestNeededVersionCounts) {
  EXPECT_EQ(Needed({"GLIBC_2.4", "GLIBC_2.34", "GLIBC_2.17"}), (LibcVersion{2, 34}));
  // numbers, not letters
  EXPECT_EQ(Needed({"GLIBC_2.9", "GLIBC_2.28"}), (LibcVersion{2, 28}));
  // of other libraries, or by no number
  EXPECT_FALSE(Needed({"GLIBCXX_3.4.30", "GLIBC_PRIVATE", "CXXABI_1.3"}).known());
}

TEST_F(System, FilesThatAreNoElfOrEndEarlyAskForNothing) {
  EXPECT_FALSE(RequiredGlibc(folder_ / "nowhere.so").known());
  EXPECT_FALSE(RequiredGlibc(Write("text.so", "no library")).known());
  const std::string whole = ElfThatNeeds({"GLIBC_2.34"});
  for (size_t size = 0; size < whole.size(); size += 7) {
    const LibcVersion found = RequiredGlibc(Write("cut.so", whole.substr(0, size)));
    EXPECT_TRUE(!found.known() || found <= (LibcVersion{2, 34})) << size;
  }
}

TEST_F(System, TheFloorNamesTheFile) {
  const auto old = Write("old.so", ElfThatNeeds({"GLIBC_2.17"}));
  const auto young = Write("young.so", ElfThatNeeds({"GLIBC_2.35"}));
  const GlibcFloor floor = FloorOf({old, young, folder_ / "nowhere.so"});
  EXPECT_EQ(floor.version, (LibcVersion{2, 35}));
  EXPECT_EQ(floor.file, young);
}

// The same as binutils reads from this program.
TEST_F(System, AgreesWithReadelf) {
  const CommandResult tool =
      RunShell("readelf --version-info --wide " UNDERSTUDY_BINARY_DIR
               "/understudy 2>/dev/null | grep -o 'GLIBC_[0-9.]*' | sort -V | tail -n 1");
  const size_t at = tool.output.find("GLIBC_");
  if (at == std::string::npos) GTEST_SKIP() << "no readelf, or the program is not built";
  EXPECT_THAT(
      tool.output,
      HasSubstr("GLIBC_" + RequiredGlibc(UNDERSTUDY_BINARY_DIR "/understudy").Text() + "\n"));
}

TEST_F(System, TheDistributionIsReadFromOsRelease) {
  const auto file = Write("os-release", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n");
  EXPECT_EQ(ThisSystem(file).distribution, "Debian GNU/Linux 12");
  EXPECT_EQ(ThisSystem(folder_ / "nowhere").distribution, "Linux");
  EXPECT_FALSE(ThisSystem(file).architecture.empty());
}

// This machine can run what was built on it.
TEST_F(System, DoctorSaysWhatIsSupported) {
  const std::string text = DescribeDiagnosis(Diagnose(folder_.path().string()));
  EXPECT_THAT(text, HasSubstr("glibc " + ThisSystem().glibc.Text()));
  EXPECT_THAT(text, HasSubstr("ok   supported"));
  const GlibcFloor floor = FloorOf(InstalledBinaries());
  EXPECT_TRUE(floor.version.known());
  EXPECT_THAT(text, HasSubstr("glibc " + floor.version.Text() + " or newer (needed by " +
                              floor.file.filename().string() + ")"));
}

}  // namespace
}  // namespace understudy
