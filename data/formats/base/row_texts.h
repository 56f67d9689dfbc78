#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/seam/episode_source.h"

namespace understudy {

// A text per row, by the names of their columns.
using TextColumns = std::map<std::string, std::vector<std::string>>;

// What a source is too where its format may have texts in the rows of an episode.
class RowTexts {
 public:
  virtual ~RowTexts() = default;
  virtual TextColumns ReadRowTexts(size_t index) const = 0;
};

// None where the format of the source has none.
inline TextColumns RowTextsOf(const EpisodeSource& source, size_t index) {
  const auto* texts = dynamic_cast<const RowTexts*>(&source);
  return texts == nullptr ? TextColumns{} : texts->ReadRowTexts(index);
}

}  // namespace understudy
