# cmake -DPAGES=a.html;b.html -DLIBRARIES=x.js;y.js -DOUT=assets.cc -P embed_assets.cmake
# Files that stand in the program. A page is joined with the files beside it: a line `@include name@`
# stands for the text of a file. A library is taken as it is.
get_filename_component(folder ${OUT} DIRECTORY)
set(symbols)
set(entries)
set(count 0)
macro(embed name path)
  set(symbols "${symbols}
asm(\".section .rodata\\n.balign 16\\n.global understudy_asset_${count}\\n\"
    \".hidden understudy_asset_${count}\\nunderstudy_asset_${count}:\\n\"
    \".incbin \\\"${path}\\\"\\n.global understudy_asset_${count}_end\\n\"
    \".hidden understudy_asset_${count}_end\\nunderstudy_asset_${count}_end:\\n.byte 0\\n.previous\\n\");
extern \"C\" const char understudy_asset_${count}[], understudy_asset_${count}_end[];")
  set(entries "${entries}
  if (name == \"${name}\") return {understudy_asset_${count}, understudy_asset_${count}_end};")
  math(EXPR count "${count} + 1")
endmacro()

foreach(page IN LISTS PAGES)
  get_filename_component(name ${page} NAME)
  get_filename_component(parts ${page} DIRECTORY)
  file(READ ${page} text)
  string(REGEX MATCHALL "@include [a-z_]+\\.[a-z]+@" includes "${text}")
  foreach(include IN LISTS includes)
    string(REGEX REPLACE "@include (.*)@" "\\1" part "${include}")
    file(READ ${parts}/${part} part_text)
    string(REPLACE "${include}" "${part_text}" text "${text}")
  endforeach()
  file(WRITE ${folder}/${name} "${text}")
  embed(${name} ${folder}/${name})
endforeach()
foreach(library IN LISTS LIBRARIES)
  get_filename_component(name ${library} NAME)
  embed(${name} ${library})
endforeach()

file(WRITE ${OUT} "// Made by cmake/embed_assets.cmake.
#include \"view/http/assets.h\"
${symbols}

namespace understudy {
std::string_view Asset(std::string_view name) {${entries}
  return {};
}
}  // namespace understudy
")
