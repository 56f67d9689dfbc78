#pragma once

// Modules: parts of the program that are opened when they are needed. LibTorch, Arrow and libav
// cost start-up time and memory that most commands do not use. Program and modules share one
// library (core, data and the LibTorch-free part of train), so that nothing in it exists twice: an
// interrupt is seen and an Error is caught across the border.
//
// A module is lib/understudy/<name>.so with one C function, named kModuleEntry, that returns its
// ModuleEntry. Its functions stand in a table that a header beside it declares:
//
//   struct VideoModule {
//     static constexpr ModuleName kName{"video", "libav", "films", "WITH_VIDEO"};
//     std::string (*h264_encoder)() = nullptr;
//   };
//   Module<VideoModule>().h264_encoder();
//
// A module may be there twice: <name>.so, and <name>_cuda.so that was linked with the CUDA build of
// its library. ChooseModule says which of them is opened.

#include <filesystem>
#include <string>

namespace understudy {

// How a module is found and named in messages.
struct ModuleName {
  const char* name;       // of the file: "torch"
  const char* library;    // that it brings along: "LibTorch"
  const char* purpose;    // what needs it: "training and policies"
  const char* option;     // of CMake that builds it: "WITH_TORCH"
  bool variants = false;  // whether it may be there twice
};

// Raised when a table of functions changes.
inline constexpr int kModuleInterface = 5;

struct ModuleEntry {
  int interface = kModuleInterface;  // of the headers that the module was compiled with
  const char* version = "";          // of the program, likewise
  const void* functions = nullptr;   // the table; lives as long as the program
};

inline constexpr const char* kModuleEntry = "understudy_module_v1";
using ModuleEntryFunction = ModuleEntry (*)();

// Folder of the modules: $UNDERSTUDY_MODULES, or understudy/ beside the shared library.
std::filesystem::path ModuleFolder();

// The file that is opened for a module, which need not exist, and why it is that one.
struct ModuleChoice {
  std::filesystem::path file;
  bool cuda = false;
  std::string why;
};

// For a module with variants: that for CUDA if it is there and NVIDIA's driver (libcuda.so.1) can
// be opened, else the other one; $UNDERSTUDY_VARIANT says cpu, cuda or auto (as without it). Throws
// Error(kUsage) for another value.
ModuleChoice ChooseModule(const ModuleName& name);

// Whether the module's file is there. It may still fail to open.
bool HasModule(const ModuleName& name);

// The table of the module, which is opened at the first call and stays open. Thread-safe. Throws
// Error(kUsage) in one sentence where it is missing, Error(kFailed) where it cannot be opened or
// was built for another version of the program.
const void* OpenModule(const ModuleName& name);

template <class Functions>
const Functions& Module() {
  return *static_cast<const Functions*>(OpenModule(Functions::kName));
}

}  // namespace understudy
