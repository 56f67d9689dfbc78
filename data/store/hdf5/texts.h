#pragma once

// Lists of texts: 1-D datasets of strings. Read and written block by block, so that memory holds
// few of them.

#include <functional>
#include <string>

#include "data/store/hdf5/id.h"

namespace understudy::h5 {

// Makes the dataset `name` below `parent` with `count` texts of at most `width` bytes, from
// text(0), text(1), …
void CreateTexts(hid_t parent, const std::string& name, const std::string& place, size_t count,
                 size_t width, const std::function<std::string(size_t)>& text);

// Hands every text of a dataset to each(text), in order.
void VisitTextsOf(const Id& dataset, const std::string& place,
                  const std::function<void(const std::string&)>& each);

// Row `row` of a 1-D dataset of strings or lists of bytes, or of a 2-D one of bytes; or the one
// string of a dataset without rows. Of a fixed string all bytes, with those that pad it.
std::string ReadRowOfBytes(const Id& dataset, const std::string& place, size_t row);

}  // namespace understudy::h5
