// Modules: what crosses the border between the program and what it opens, and what is said where it
// cannot be opened.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>

#include "core/base/error.h"
#include "core/base/module.h"
#include "core/base/progress.h"
#include "data/formats/lerobot/module.h"
#include "data/video/module.h"
#include "tests/support/own_folder.h"
#include "train/policies/policies.h"
#include "train/torch/cuda_name.h"
#include "train/torch/module.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The message and the kind of what `act` throws.
std::pair<std::string, ErrorKind> Thrown(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return {error.what(), error.kind()};
  }
  return {"nothing was thrown", ErrorKind::kFailed};
}

// Modules are looked for in another folder while this lives.
class OtherFolder {
 public:
  explicit OtherFolder(const std::filesystem::path& folder) {
    setenv("UNDERSTUDY_MODULES", folder.c_str(), 1);
  }
  ~OtherFolder() { unsetenv("UNDERSTUDY_MODULES"); }
};

TEST(Modules, AreNotOpenedTwice) {
  if (!HasModule(VideoModule::kName)) GTEST_SKIP() << "built without libav";
  EXPECT_EQ(&Module<VideoModule>(), &Module<VideoModule>());
  EXPECT_EQ(Module<VideoModule>().encode_png(Image(2, 3)).at(1), 'P');
}

TEST(Modules, AnErrorIsCaughtAcrossTheBorder) {
  if (!HasModule(TorchModule::kName)) GTEST_SKIP() << "built without LibTorch";
  const auto [message, kind] = Thrown([] {
    Module<TorchModule>().make_chunk_model("groot", {}, {{"widht", 3}}, {});
  });
  EXPECT_EQ(kind, ErrorKind::kBadInput);
  EXPECT_THAT(message, HasSubstr("widht"));
}

// A type is not the name of whatever network there is.
TEST(Modules, EveryListedPolicyHasItsNetwork) {
  if (!HasModule(TorchModule::kName)) GTEST_SKIP() << "built without LibTorch";
  const auto refusal = [](const std::string& type) {
    return Thrown([&] {
             Module<TorchModule>().make_chunk_model(type, {}, {{"nonsense", 3}}, {});
           })
        .first;
  };
  for (const PolicyType& policy : PolicyTypes()) {
    EXPECT_THAT(refusal(policy.name), HasSubstr("nonsense")) << policy.name;
  }
  EXPECT_THAT(refusal("banana"), HasSubstr("unknown policy 'banana'"));
}

// The flag that Ctrl-C sets is the same in the program and in a module.
TEST(Modules, AnInterruptIsSeenAcrossTheBorder) {
  if (!HasModule(LerobotModule::kName)) GTEST_SKIP() << "built without Arrow";
  const std::filesystem::path folder = UNDERSTUDY_SOURCE_DIR "/tests/golden/lerobot_v30";
  Progress progress;
  const auto verify = [&] { return Module<LerobotModule>().verify(folder, {}, progress); };
  EXPECT_GT(verify().episodes, 0);
  RequestInterrupt();
  const auto [message, kind] = Thrown([&] { verify(); });
  ClearInterrupt();
  EXPECT_EQ(kind, ErrorKind::kFailed);
  EXPECT_THAT(message, HasSubstr("interrupted"));
}

TEST(Modules, AMissingOneIsOneSentence) {
  const OwnFolder folder;
  const OtherFolder there(folder.path());
  const ModuleName name{"nothing", "LibNothing", "daydreams", "WITH_NOTHING"};
  EXPECT_FALSE(HasModule(name));
  const auto [message, kind] = Thrown([&] { OpenModule(name); });
  EXPECT_EQ(kind, ErrorKind::kUsage);
  EXPECT_THAT(message, AllOf(HasSubstr("daydreams need LibNothing"), HasSubstr("nothing.so"),
                             HasSubstr("-DWITH_NOTHING=ON")));
}

TEST(Modules, WhatCannotBeOpenedSaysWhy) {
  const OwnFolder folder;
  const OtherFolder there(folder.path());
  std::ofstream(folder / "text.so") << "no library";
  const auto [message, kind] = Thrown([&] { OpenModule({"text", "LibText", "letters", ""}); });
  EXPECT_EQ(kind, ErrorKind::kFailed);
  EXPECT_THAT(message, AllOf(HasSubstr("LibText cannot be opened"), HasSubstr("text.so")));
}

// Graphs and NCCL are compiled without CUDA; without it, all of them is one sentence.
TEST(Modules, WhatNeedsCudaSaysSoInOneSentence) {
  if (!HasModule(kCudaModule)) GTEST_SKIP() << "built without headers of CUDA";
  if (dlopen("libcuda.so.1", RTLD_NOW) != nullptr) GTEST_SKIP() << "this machine has a driver";
  const std::string graphs = Module<TorchModule>().probe().graphs;
  const auto [message, kind] = Thrown([] { OpenModule(kCudaModule); });
  EXPECT_EQ(kind, ErrorKind::kFailed);
  EXPECT_THAT(message, AllOf(HasSubstr("cuda.so: the module for a LibTorch for CUDA cannot be "),
                             HasSubstr("libtorch_cuda.so: cannot open shared object file"),
                             testing::Not(HasSubstr("\n"))));
  EXPECT_EQ(graphs, message);
}

// ---- variants: for processors and for CUDA ----

constexpr const char* kVariants = UNDERSTUDY_BINARY_DIR "/tests/variants";

// UNDERSTUDY_VARIANT while this lives.
class Variant {
 public:
  explicit Variant(const char* variant) { setenv("UNDERSTUDY_VARIANT", variant, 1); }
  ~Variant() { unsetenv("UNDERSTUDY_VARIANT"); }
};

ModuleName VariantModule(const char* name = "variant") {
  return {name, "LibVariant", "variants", "WITH_VARIANT", true};
}

// Whether the opened module is the one for CUDA.
bool OpenedCuda(const ModuleName& name) { return *static_cast<const bool*>(OpenModule(name)); }

TEST(ModuleVariants, WithoutADriverItIsTheOneForProcessors) {
  if (dlopen("libcuda.so.1", RTLD_NOW) != nullptr) GTEST_SKIP() << "this machine has a driver";
  const OtherFolder there(kVariants);
  const ModuleChoice choice = ChooseModule(VariantModule());
  EXPECT_FALSE(choice.cuda);
  EXPECT_EQ(choice.file.filename(), "variant.so");
  EXPECT_THAT(choice.why, HasSubstr("no driver for CUDA (libcuda.so.1: cannot open"));
  EXPECT_FALSE(OpenedCuda(VariantModule()));
}

// In a process of its own: what is opened stays open.
TEST(ModuleVariantsDeathTest, WithADriverItIsTheOneForCuda) {
  const auto choose = [] {
    const OtherFolder there(kVariants);
    if (dlopen((std::string(kVariants) + "/driver.so").c_str(), RTLD_NOW) == nullptr) _exit(3);
    const ModuleChoice choice = ChooseModule(VariantModule());
    std::fprintf(stderr, "%s: %s, opened %d", choice.file.filename().c_str(), choice.why.c_str(),
                 OpenedCuda(VariantModule()));
    _exit(0);
  };
  EXPECT_EXIT(choose(), testing::ExitedWithCode(0),
              "variant_cuda.so: the driver for CUDA is there, opened 1");
}

TEST(ModuleVariants, TheEnvironmentDecidesOtherwise) {
  const OtherFolder there(kVariants);
  {
    const Variant cuda("cuda");
    EXPECT_TRUE(ChooseModule(VariantModule()).cuda);
    EXPECT_EQ(ChooseModule(VariantModule()).why, "UNDERSTUDY_VARIANT=cuda");
    // not there: it is named, and none is taken in its place
    EXPECT_FALSE(HasModule(VariantModule("driver")));
    EXPECT_THAT(Thrown([] { OpenModule(VariantModule("driver")); }).first,
                HasSubstr("driver_cuda.so' does not exist"));
  }
  {
    const Variant cpu("cpu");
    EXPECT_FALSE(ChooseModule(VariantModule()).cuda);
  }
  const Variant other("gpu");
  const auto [message, kind] = Thrown([] { ChooseModule(VariantModule()); });
  EXPECT_EQ(kind, ErrorKind::kUsage);
  EXPECT_EQ(message, "UNDERSTUDY_VARIANT=gpu: must be cpu, cuda or auto");
}

TEST(ModuleVariants, TheOnlyOneIsTaken) {
  const OtherFolder there(kVariants);
  EXPECT_EQ(ChooseModule(VariantModule("driver")).why, "no module for CUDA is installed");
  const OwnFolder folder;
  std::ofstream(folder / "x_cuda.so") << "no library";
  const OtherFolder own(folder.path());
  EXPECT_TRUE(ChooseModule(VariantModule("x")).cuda);
  EXPECT_TRUE(HasModule(VariantModule("x")));
  EXPECT_THAT(Thrown([] { OpenModule(VariantModule("x")); }).first,
              HasSubstr("UNDERSTUDY_VARIANT=cpu takes the other one"));
}

TEST(Modules, OfAnotherBuildAreRejected) {
  const OtherFolder there(UNDERSTUDY_BINARY_DIR "/tests/modules");
  const auto [old, kind] = Thrown([&] { OpenModule({"old", "LibOld", "old things", ""}); });
  EXPECT_EQ(kind, ErrorKind::kFailed);
  EXPECT_THAT(old, AllOf(HasSubstr("was built for version 0.0.0"), HasSubstr("one build")));
  const auto [empty, none] = Thrown([&] { OpenModule({"empty", "LibEmpty", "nothing", ""}); });
  EXPECT_THAT(empty, HasSubstr("is not a module of this program"));
}

}  // namespace
}  // namespace understudy
