#include "augment/randomizers/randomizers.h"

namespace understudy {

std::vector<RandomizerLine> RandomizerLines() { return ListRandomizers<Randomizer>(); }

std::vector<std::string> RandomizerNames() { return NamesOf(RandomizerLines()); }

}  // namespace understudy
