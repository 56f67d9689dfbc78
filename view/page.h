#pragma once

#include <string_view>

namespace understudy {

// The page: view/page, put together into one text when the program is built. `@KEY@` and
// `@NONCE@` stand for what a server fills in.
std::string_view Page();

}  // namespace understudy
