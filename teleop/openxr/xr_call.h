#pragma once

// The OpenXR headers as the client uses them, and its way of calling.
#include <time.h>

#define XR_USE_TIMESPEC
#include <openxr/openxr.h>
#include <openxr/openxr_platform.h>

#include <string>
#include <vector>

namespace understudy {

// "XR_ERROR_FORM_FACTOR_UNAVAILABLE"; works without an instance.
std::string ResultName(XrResult result);

// A call that failed; never leaves teleop/openxr.
struct XrFailure {
  XrResult result;
  std::string call;  // "xrCreateSession"
};

// Throws XrFailure unless `result` is a success code, which it returns.
XrResult Check(XrResult result, const char* call);

// Keeps the loader from writing to stderr by itself, unless the user asked it to (XR_LOADER_DEBUG):
// what it says is part of our messages.
void QuietLoader();

// The manifest file that the loader will use, by its search order; empty where there is none.
std::string ActiveManifest();

// "no OpenXR runtime: …" with the reason and the next step.
std::string NoRuntimeMessage(const XrFailure& failure);

// Names of the runtime's extensions, sorted. Throws XrFailure.
std::vector<std::string> RuntimeExtensions();

std::string VersionText(XrVersion version);

}  // namespace understudy
