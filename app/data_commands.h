#pragma once

// What the files of `data …` commands share.

#include <string>

#include "app/outline.h"
#include "app/registry.h"

namespace understudy {

Command AnnotateCommand();
Command ConvertCommand();
Command ViewCommand();

// `path`, or a usage error of `data <command>` that names the field where it is empty.
const std::string& Given(const std::string& path, const char* command, const char* field);

}  // namespace understudy
