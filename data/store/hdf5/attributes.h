#pragma once

// Single values as attributes of a group or dataset. `place` names the owner in messages.

#include <hdf5.h>

#include <cstdint>
#include <string>
#include <vector>

namespace understudy::h5 {

inline constexpr uint64_t kMaxTextBytes = uint64_t{1} << 28;

// h5py's boolean.
hid_t BoolType();

bool AttributeExists(hid_t owner, const std::string& name);

// These replace an attribute of the same name.
void WriteTextAttribute(hid_t owner, const std::string& place, const std::string& name,
                        const std::string& text);
// A text as one of fixed length, which lies in the owner's header instead of a heap: h5py reads it
// as bytes. One of more than 32 KiB is written as the others are.
void WriteTextInHeader(hid_t owner, const std::string& place, const std::string& name,
                       const std::string& text);
void WriteIntAttribute(hid_t owner, const std::string& place, const std::string& name,
                       int64_t value);
void WriteUintAttribute(hid_t owner, const std::string& place, const std::string& name,
                        uint64_t value);
void WriteDoubleAttribute(hid_t owner, const std::string& place, const std::string& name,
                          double value);
// A list of numbers.
void WriteDoublesAttribute(hid_t owner, const std::string& place, const std::string& name,
                           const std::vector<double>& values);
// h5py's boolean.
void WriteBoolAttribute(hid_t owner, const std::string& place, const std::string& name, bool value);

// These throw where the attribute is missing or of another kind.
// As UTF-8 (AsUtf8).
std::string ReadTextAttribute(hid_t owner, const std::string& place, const std::string& name);
int64_t ReadIntAttribute(hid_t owner, const std::string& place, const std::string& name);
uint64_t ReadUintAttribute(hid_t owner, const std::string& place, const std::string& name);
double ReadDoubleAttribute(hid_t owner, const std::string& place, const std::string& name);
bool ReadBoolAttribute(hid_t owner, const std::string& place, const std::string& name);

// Copies all attributes of one object to another that has none. Not by H5Ocopy: see copy.h.
void CopyAttributes(hid_t from, hid_t to, const std::string& place);

}  // namespace understudy::h5
