#include "app/assets.h"

#include <fmt/format.h>

#include <cstdlib>

#include "app/registry.h"

namespace understudy {
namespace {

std::filesystem::path AssetFolder() {
  if (const char* folder = std::getenv("UNDERSTUDY_ASSETS")) return folder;
  return HomeFolder() / ".deps" / "assets";
}

}  // namespace

const PictureLibrary& Pictures() {
  static const PictureLibrary library(HomeFolder() / "demo" / "assets.json", AssetFolder());
  return library;
}

AssetReport ReportAssets() {
  const AssetState state = Pictures().State();
  AssetReport report;
  report.what = fmt::format("{} of {} pictures for plans in {}", state.installed, state.listed,
                            AssetFolder().string());
  if (state.installed < state.listed) {
    report.fix = "`make assets`, where plans are to show pictures";
  }
  if (!state.wrong.empty()) {
    report.fine = false;
    report.what += fmt::format("; not those of the list: {}", fmt::join(state.wrong, ", "));
    report.fix = "remove these and run `make assets`";
  }
  return report;
}

}  // namespace understudy
