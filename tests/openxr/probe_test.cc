#include "teleop/openxr/probe.h"

#include <dlfcn.h>
#include <elf.h>
#include <gmock/gmock.h>
#include <openxr/openxr.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "teleop/openxr/openxr_options.h"
#include "tests/openxr/fixture.h"
#include "tests/support/effects.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using ProbeTest = HeadsetTest;

TEST_F(ProbeTest, TellsWhatTheRuntimeHas) {
  const OpenXrProbe probe = ProbeOpenXr();
  EXPECT_TRUE(probe.runtime_found && probe.headset_found && probe.can_record) << probe.problem;
  EXPECT_THAT(probe.loader_version, HasSubstr("1."));
  EXPECT_EQ(probe.runtime_name, "Understudy virtual headset");
  EXPECT_EQ(probe.runtime_version, "0.1.0");
  EXPECT_EQ(probe.system_name, "Understudy virtual headset");
  EXPECT_THAT(probe.manifest, HasSubstr("understudy_virtual_headset.json"));
  EXPECT_THAT(probe.extensions,
              testing::IsSupersetOf({"XR_MND_headless", "XR_KHR_convert_timespec_time"}));
  EXPECT_EQ(probe.problem, "");
  EXPECT_EQ(probe.next_step, "");
}

TEST_F(ProbeTest, TellsWhatIsMissing) {
  headset_->SetHeadsetConnected(false);
  OpenXrProbe probe = ProbeOpenXr();
  EXPECT_TRUE(probe.runtime_found);
  EXPECT_FALSE(probe.can_record || probe.headset_found);
  EXPECT_EQ(probe.problem,
            "Understudy virtual headset finds no headset (XR_ERROR_FORM_FACTOR_UNAVAILABLE)");

  VirtualHeadsetOptions options;
  options.extensions = UNDERSTUDY_VH_TIMESPEC;
  headset_->Reset(options);
  probe = ProbeOpenXr();
  EXPECT_EQ(probe.problem, "Understudy virtual headset lacks XR_MND_headless");
  EXPECT_FALSE(probe.can_record);

  headset_->Reset();
  headset_->SetServiceRunning(false);
  probe = ProbeOpenXr();
  EXPECT_FALSE(probe.can_record);
  EXPECT_THAT(probe.problem, AllOf(HasSubstr("does not answer"),
                                   HasSubstr("xrCreateInstance: XR_ERROR_RUNTIME_FAILURE")));
  EXPECT_FALSE(probe.next_step.empty());
}

TEST_F(ProbeTest, DoesNotDisturbAnOpenDevice) {
  auto device = OpenFocused();
  const OpenXrProbe probe = ProbeOpenXr();
  EXPECT_FALSE(probe.can_record);
  EXPECT_EQ(probe.problem, "this process already uses OpenXR");
  const RawSample sample = Step(*device);
  EXPECT_EQ(sample.events, 0u);
  EXPECT_EQ(sample.hands[0].tracking, 15u);
}

// Opens a device in this process, tells why it did not open, and ends the process: 40 and the kind
// of the error, or 0 where it opened.
[[noreturn]] void OpenAndTell() {
  try {
    OpenXrDevice::Open({});
  } catch (const Error& error) {
    std::fprintf(stderr, "[%s]", error.what());
    std::_Exit(40 + static_cast<int>(error.kind()));
  }
  std::_Exit(0);
}

class NoRuntimeTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(NoRuntimeTest, ManifestThatDoesNotExist) {
  const auto open = [] {
    setenv("XR_RUNTIME_JSON", "/nowhere/runtime.json", 1);
    OpenAndTell();
  };
  EXPECT_EXIT(open(), testing::ExitedWithCode(41),
              AllOf(HasSubstr("[no OpenXR runtime: XR_RUNTIME_JSON names /nowhere/runtime.json, "
                              "which does not exist"),
                    HasSubstr("`understudy doctor`")));
}

TEST_F(NoRuntimeTest, NoManifestAtAll) {
  const auto open = [] {
    unsetenv("XR_RUNTIME_JSON");
    setenv("HOME", "/nowhere", 1);
    unsetenv("XDG_CONFIG_HOME");
    OpenAndTell();
  };
  // a machine with a real runtime installed system-wide has nothing to say here
  if (std::ifstream("/etc/xdg/openxr/1/active_runtime.json") ||
      std::ifstream("/etc/openxr/1/active_runtime.json") ||
      std::ifstream("/usr/local/etc/openxr/1/active_runtime.json")) {
    GTEST_SKIP() << "this machine has an OpenXR runtime";
  }
  EXPECT_EXIT(open(), testing::ExitedWithCode(41),
              AllOf(HasSubstr("XR_RUNTIME_JSON is not set"), HasSubstr("active_runtime.json"),
                    HasSubstr("`understudy doctor`")));
}

TEST_F(NoRuntimeTest, ManifestThatIsNoManifest) {
  const OwnFolder folder;
  const std::string file = folder / "no_manifest.json";
  std::ofstream(folder / "text.so") << "no library";
  const auto manifest = [](const std::string& library) {
    return R"({"file_format_version": "1.0.0", "runtime": {"library_path": ")" + library + "\"}}";
  };
  // what is wrong with it, in the loader's own words where a library cannot be loaded
  for (const auto& [text, why] : std::initializer_list<std::pair<std::string, std::string>>{
           {"{ broken", "the manifest cannot be read: "},
           {"{}", "it has no runtime.library_path"},
           {R"({"runtime": 3})", "it has no runtime.library_path"},
           {manifest("./none.so"), "none.so: cannot open shared object file: No such file"},
           {manifest("./text.so"), "text.so: file too short|text.so: invalid ELF header"},
           {manifest("libc.so.6"), "libc.so.6 that .* names is no OpenXR runtime"}}) {
    std::ofstream(file) << text;
    const auto open = [&] {
      setenv("XR_RUNTIME_JSON", file.c_str(), 1);
      OpenAndTell();
    };
    EXPECT_EXIT(open(), testing::ExitedWithCode(41), testing::ContainsRegex(why)) << text;
  }
}

TEST(VirtualHeadsetTest, MissingFolderIsNamed) {
  try {
    VirtualHeadset::Load("/nowhere");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("/nowhere/understudy_virtual_headset.json"),
                                    HasSubstr("build the target understudy_virtual_headset")));
  }
}

// Names in the dynamic symbol table of an ELF file that are defined there.
std::set<std::string> ExportedSymbols(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const auto read = [&](auto& value, size_t offset) {
    if (offset + sizeof(value) <= bytes.size()) {
      std::memcpy(&value, bytes.data() + offset, sizeof(value));
    }
  };
  std::set<std::string> names;
  Elf64_Ehdr header{};
  read(header, 0);
  for (int i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section{}, strings{};
    read(section, header.e_shoff + i * sizeof(section));
    if (section.sh_type != SHT_DYNSYM) continue;
    read(strings, header.e_shoff + section.sh_link * sizeof(strings));
    for (size_t at = 0; at < section.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol{};
      read(symbol, section.sh_offset + at);
      if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS) continue;
      names.insert(bytes.c_str() + strings.sh_offset + symbol.st_name);
    }
  }
  return names;
}

TEST(VirtualHeadsetTest, LibraryExportsTheLoadersEntryAndItsControlsAlone) {
  const std::set<std::string> names =
      ExportedSymbols(std::string(kHeadsetFolder) + "/libunderstudy_virtual_headset.so");
  EXPECT_EQ(names.count("xrNegotiateLoaderRuntimeInterface"), 1u);
  EXPECT_EQ(names.count("understudy_vh_advance_ns"), 1u);
  for (const std::string& name : names) {
    EXPECT_TRUE(name == "xrNegotiateLoaderRuntimeInterface" || name.rfind("understudy_vh_", 0) == 0)
        << name;
  }
}

TEST(VirtualHeadsetTest, NegotiationRefusesForeignLoaders) {
  const std::string file = std::string(kHeadsetFolder) + "/libunderstudy_virtual_headset.so";
  void* library = dlopen(file.c_str(), RTLD_NOW);
  ASSERT_NE(library, nullptr);
  struct Loader {
    int32_t type = 1;
    uint32_t version = 1;
    size_t size = sizeof(Loader);
    uint32_t min_interface = 1, max_interface = 1;
    XrVersion min_api = XR_MAKE_VERSION(1, 0, 0), max_api = XR_MAKE_VERSION(1, 0x3ff, 0xfff);
  };
  struct Request {
    int32_t type = 3;
    uint32_t version = 1;
    size_t size = sizeof(Request);
    uint32_t interface = 0;
    XrVersion api = 0;
    PFN_xrGetInstanceProcAddr get = nullptr;
  };
  const auto negotiate = reinterpret_cast<XrResult (*)(const Loader*, Request*)>(
      dlsym(library, "xrNegotiateLoaderRuntimeInterface"));
  ASSERT_NE(negotiate, nullptr);
  const auto result = [&](auto change) {
    Loader loader;
    Request request;
    change(loader, request);
    return negotiate(&loader, &request);
  };
  EXPECT_EQ(result([](Loader&, Request&) {}), XR_SUCCESS);
  EXPECT_NE(result([](Loader& l, Request&) { l.type = 2; }), XR_SUCCESS);
  EXPECT_NE(result([](Loader& l, Request&) { l.size -= 1; }), XR_SUCCESS);
  EXPECT_NE(result([](Loader& l, Request&) { l.min_interface = l.max_interface = 2; }), XR_SUCCESS);
  EXPECT_NE(result([](Loader& l, Request&) { l.min_api = l.max_api = XR_MAKE_VERSION(2, 0, 0); }),
            XR_SUCCESS);
  EXPECT_NE(result([](Loader&, Request& r) { r.version = 2; }), XR_SUCCESS);
  Loader loader;
  Request request;
  EXPECT_NE(negotiate(nullptr, &request), XR_SUCCESS);
  EXPECT_NE(negotiate(&loader, nullptr), XR_SUCCESS);
  ASSERT_EQ(negotiate(&loader, &request), XR_SUCCESS);
  EXPECT_EQ(request.interface, 1u);
  EXPECT_EQ(XR_VERSION_MAJOR(request.api), 1);
  EXPECT_NE(request.get, nullptr);
  dlclose(library);
}

// How long a headset is awaited changes no recording.
TEST(OpenXrOptions, WaitingChangesNoResult) {
  EXPECT_EQ(OtherEffects<OpenXrOptions>(),
            (std::map<std::string, Effect>{{"wait_for_headset_s", Effect::kSpeed}}));
}

}  // namespace
}  // namespace understudy
