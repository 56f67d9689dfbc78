#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace understudy {

// Keys keep the order in which they were written: files read like the structs behind them.
using Json = nlohmann::ordered_json;

// Both throw Error(kBadInput) naming the file, the line and what is wrong. YAML mappings with a key
// twice, anchors that recurse and non-string keys are refused; scalars are typed by YAML 1.2's core
// schema (`yes` is a string).
Json LoadYaml(const std::filesystem::path& file);
Json ParseYaml(const std::string& text, const std::string& name);
// For people to read and change: mappings and lists in blocks, what is short in one line. ParseYaml
// gives the same back.
std::string DumpYaml(const Json& json);
Json LoadJson(const std::filesystem::path& file);
Json ParseJson(const std::string& text, const std::string& name);

// Place of the first value in which `b` differs from `a`; the root where they are equal or differ
// as a whole.
Json::json_pointer FirstDifference(const Json& a, const Json& b);
// "settings.osc.kp"
std::string Dotted(const Json::json_pointer& place);

// Writes to `file`.part and renames, so that no reader sees half a file. Throws Error(kFailed).
void WriteTextAtomically(const std::filesystem::path& file, const std::string& text);
std::string ReadText(const std::filesystem::path& file);

}  // namespace understudy
