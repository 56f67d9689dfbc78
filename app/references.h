#pragma once

#include <functional>
#include <string>

#include "core/base/json.h"

namespace understudy {

// `json` with `change` applied to every text in it.
Json MapStrings(const Json& json, const std::function<std::string(const std::string&)>& change);

// `text` with every "${name}" replaced by what `value` says of the name.
std::string ReplaceReferences(const std::string& text,
                              const std::function<std::string(const std::string& name)>& value);

// The name where `text` is one "${name}" and nothing else; else empty.
std::string WholeReference(const std::string& text);

}  // namespace understudy
