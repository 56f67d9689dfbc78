#pragma once

#include <map>
#include <string>

#include "data/store/hdf5/group.h"

namespace understudy::h5 {

// The groups below `group` that were asked for, opened once each: HDF5 finds a name in an open
// group much faster than at the end of a path. `group` outlives it.
class OpenedGroups {
 public:
  explicit OpenedGroups(const Group& group) : group_(group) {}

  struct Member {
    const Group& group;
    std::string name;
  };
  // Where the member at `path` stands. Throws as Group::Open.
  Member Find(const std::string& path) {
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return {group_, path};
    const std::string parent = path.substr(0, slash);
    auto opened = opened_.find(parent);
    if (opened == opened_.end()) opened = opened_.emplace(parent, group_.Open(parent)).first;
    return {opened->second, path.substr(slash + 1)};
  }

 private:
  const Group& group_;
  std::map<std::string, Group> opened_;
};

}  // namespace understudy::h5
