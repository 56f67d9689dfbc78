# Eigen, JSON and fmt cost seconds in each file that includes them. understudy_core_objects parses
# them once for every library, test_headers (with GoogleTest) once for every test.
function(understudy_precompile name owner)
  if(NOT USE_PCH)
    return()
  endif()
  if(TARGET ${owner} AND NOT name STREQUAL owner)
    target_precompile_headers(${name} REUSE_FROM ${owner})
    return()
  endif()
  target_precompile_headers(${name} PRIVATE <Eigen/Core> <Eigen/Geometry> <fmt/format.h>
    <nlohmann/json.hpp> <functional> <map> <memory> <optional> <string> <variant> <vector> ${ARGN})
endfunction()

# Files of a library or a test are compiled a few at a time, `batch` of them or 10: what templates
# they share is made once.
function(understudy_unity name)
  set(batch 10)
  if(ARGC GREATER 1)
    set(batch ${ARGV1})
  endif()
  if(USE_UNITY)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
    # files that are included look like headers to GCC
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${name} PRIVATE -Wno-subobject-linkage)
    endif()
  endif()
endfunction()

# Code that is compiled oftener than it does any work: commands, pages, test programs. A release
# build optimises it less, which takes a third less time. Results do not depend on it: GCC and Clang
# keep the order of floating-point operations at every level.
function(understudy_light name)
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# .cc files that stand directly in the folders.
function(understudy_sources variable)
  set(sources)
  foreach(dir IN LISTS ARGN)
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*.cc)
    list(APPEND sources ${found})
  endforeach()
  set(${variable} ${sources} PARENT_SCOPE)
endfunction()

# understudy_part(<name> DIRS <folder>... DEPS <target or part>... PRIVATE_DEPS <target>...)
# A part of the one shared library understudy_shared, which the program and its modules use, so that
# nothing in it exists twice. Linking <name> links that library.
function(understudy_part name)
  cmake_parse_arguments(ARG "" "" "DIRS;DEPS;PRIVATE_DEPS" ${ARGN})
  # what including its headers takes, and nothing to link
  add_library(${name}_headers INTERFACE)
  foreach(dep IN LISTS ARG_DEPS)
    if(TARGET ${dep}_headers)
      target_link_libraries(${name}_headers INTERFACE ${dep}_headers)
    else()
      target_link_libraries(${name}_headers INTERFACE ${dep})
    endif()
  endforeach()
  understudy_sources(sources ${ARG_DIRS})
  add_library(${name}_objects OBJECT ${sources})
  understudy_precompile(${name}_objects understudy_core_objects)
  understudy_unity(${name}_objects)
  target_link_libraries(${name}_objects PUBLIC ${name}_headers PRIVATE ${ARG_PRIVATE_DEPS})
  target_sources(understudy_shared PRIVATE $<TARGET_OBJECTS:${name}_objects>)
  target_link_libraries(understudy_shared PUBLIC ${name}_headers PRIVATE ${ARG_PRIVATE_DEPS})
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE ${name}_headers understudy_shared)
endfunction()

# understudy_module(<name> SOURCES <file>... DEPS <target>...)
# lib/understudy/<name>.so, opened when it is needed (core/base/module.h): all that it exports is its
# entry.
function(understudy_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(understudy_${name}_module MODULE ${ARG_SOURCES})
  target_link_libraries(understudy_${name}_module PRIVATE ${ARG_DEPS})
  target_compile_definitions(understudy_${name}_module PRIVATE
    UNDERSTUDY_VERSION="${PROJECT_VERSION}")
  target_link_options(understudy_${name}_module PRIVATE LINKER:--exclude-libs,ALL)
  set_target_properties(understudy_${name}_module PROPERTIES PREFIX "" OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/understudy)
  set_property(GLOBAL APPEND PROPERTY UNDERSTUDY_MODULES understudy_${name}_module)
endfunction()

# understudy_library(<name> DIRS <folder>... DEPS <target>... PRIVATE_DEPS <target>...)
# A static library of every .cc file that stands directly in the folders. A library without sources
# is an interface library, so that headers alone can be depended on.
function(understudy_library name)
  cmake_parse_arguments(ARG "" "" "DIRS;DEPS;PRIVATE_DEPS" ${ARGN})
  understudy_sources(sources ${ARG_DIRS})
  if(sources)
    add_library(${name} STATIC ${sources})
    understudy_precompile(${name} understudy_core_objects)
    understudy_unity(${name})
    target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARG_DEPS})
  endif()
endfunction()

# understudy_test(<folder> DEPS <target>... [WHOLE] [LABELS <label>...] [TIMEOUT <s>] [COST <number>])
# One executable <folder>_test of tests/<folder>/*_test.cc (slashes become underscores); each TEST is
# a ctest of its own, or the executable one (WHOLE: for LibTorch, whose start-up costs a second). The
# first `ctest --parallel` of a build begins with what has the highest COST, so that no long test is
# left to run alone at the end; later ones know the time of each test.
function(understudy_test folder)
  cmake_parse_arguments(ARG "WHOLE" "TIMEOUT;COST" "DEPS;LABELS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${folder}/*_test.cc)
  if(NOT sources)
    return()
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT ARG_COST)
    set(ARG_COST 0)
  endif()
  string(REPLACE "/" "_" target ${folder}_test)
  add_executable(${target} ${sources})
  target_link_libraries(${target} PRIVATE ${ARG_DEPS} test_support)
  understudy_precompile(${target} test_headers)
  understudy_unity(${target} 20)
  if(ARG_WHOLE)
    add_test(NAME ${target} COMMAND ${target})
    set_tests_properties(${target} PROPERTIES
      LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} COST ${ARG_COST})
  else()
    gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST
      PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} COST ${ARG_COST})
  endif()
endfunction()
