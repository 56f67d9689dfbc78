# cmake -DFOLDER=view/page -DOUT=page.cc -P embed_page.cmake
# One self-contained page of page.html and the files beside it: a line `@include name@` stands for
# the text of a file. The result is bytes in a .cc, for a compiler's limits on literals are short.
file(READ ${FOLDER}/page.html page)
string(REGEX MATCHALL "@include [a-z_]+\\.[a-z]+@" includes "${page}")
foreach(include IN LISTS includes)
  string(REGEX REPLACE "@include (.*)@" "\\1" name "${include}")
  file(READ ${FOLDER}/${name} text)
  string(REPLACE "${include}" "${text}" page "${page}")
endforeach()
file(WRITE ${OUT}.html "${page}")
file(READ ${OUT}.html bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUT} "// Made by cmake/embed_page.cmake.
#include \"view/page.h\"
namespace understudy {
static constexpr unsigned char kPage[] = {
${bytes}
};
std::string_view Page() { return {reinterpret_cast<const char*>(kPage), sizeof kPage}; }
}  // namespace understudy
")
