#pragma once

#include <string_view>

namespace understudy {

// The page: the files of view/page, joined when the program is built. A server replaces `@KEY@` and
// `@NONCE@`.
std::string_view Page();

}  // namespace understudy
