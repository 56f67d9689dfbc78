#pragma once

#include <string>

namespace understudy::h5 {

// The innermost messages of HDF5's error stack, or of our file driver. Call it right after a
// failure.
std::string ErrorText();

// What a message with such a text ends with where the file is of a newer HDF5: what to do.
std::string NewerFormatHint(const std::string& error_text);

// Throws Error(kFailed): "<place>: <what> (<ErrorText>)".
[[noreturn]] void FailWriting(const std::string& place, const std::string& what);
// Throws Error(kBadInput), since a file that we read is somebody's input: "<place>: <what>".
[[noreturn]] void FailReading(const std::string& place, const std::string& what);

}  // namespace understudy::h5
