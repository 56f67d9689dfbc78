# Every outside library, in one place. A missing optional part switches itself off with a line that
# says so; the command that needs it says the same at run time. Set-up puts MuJoCo, LibTorch and
# Arrow below .deps/; whatever CMAKE_PREFIX_PATH holds comes first.
set(DEPS_DIR ${CMAKE_SOURCE_DIR}/.deps CACHE PATH "Where set-up unpacked the Python wheels")

find_package(Threads REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json 3.9 REQUIRED)
find_package(fmt REQUIRED)
find_package(PkgConfig REQUIRED)

set(HDF5_PREFER_PARALLEL OFF)
find_package(HDF5 1.10.8 REQUIRED COMPONENTS C)
pkg_check_modules(libdeflate REQUIRED IMPORTED_TARGET libdeflate)

macro(switch_off option why)
  message(STATUS "${option}=OFF: ${why}")
  set(${option} OFF CACHE BOOL "" FORCE)
endmacro()

# MuJoCo: a CMake package where one is installed, else the wheel
if(WITH_MUJOCO)
  find_package(mujoco 3.3 QUIET)
  if(NOT TARGET mujoco::mujoco)
    find_path(MUJOCO_INCLUDE_DIR mujoco/mujoco.h
      HINTS ${DEPS_DIR}/mujoco_core/mujoco/include PATH_SUFFIXES include)
    file(GLOB mujoco_wheel ${DEPS_DIR}/mujoco_core/mujoco/libmujoco.so*)
    find_library(MUJOCO_LIBRARY mujoco HINTS ${DEPS_DIR}/mujoco_core/mujoco)
    if(NOT MUJOCO_LIBRARY AND mujoco_wheel)
      list(GET mujoco_wheel 0 MUJOCO_LIBRARY)
    endif()
    if(MUJOCO_INCLUDE_DIR AND MUJOCO_LIBRARY)
      add_library(mujoco::mujoco SHARED IMPORTED)
      set_target_properties(mujoco::mujoco PROPERTIES
        IMPORTED_LOCATION ${MUJOCO_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${MUJOCO_INCLUDE_DIR})
    else()
      switch_off(WITH_MUJOCO "MuJoCo not found; run `make setup` or set CMAKE_PREFIX_PATH")
    endif()
  endif()
  pkg_check_modules(egl IMPORTED_TARGET egl)
  if(WITH_MUJOCO AND NOT egl_FOUND)
    switch_off(WITH_MUJOCO "EGL not found; install libegl-dev")
  endif()
endif()

if(WITH_OPENXR)
  pkg_check_modules(openxr IMPORTED_TARGET openxr)
  if(NOT openxr_FOUND)
    switch_off(WITH_OPENXR "OpenXR loader not found; install libopenxr-dev")
  endif()
endif()

if(WITH_TORCH)
  find_package(Torch 2.6 QUIET HINTS ${DEPS_DIR}/torch/torch/share/cmake)
  if(NOT Torch_FOUND)
    switch_off(WITH_TORCH "LibTorch not found; run `make setup` or set CMAKE_PREFIX_PATH")
  endif()
endif()

if(WITH_VIDEO)
  pkg_check_modules(libav IMPORTED_TARGET libavformat libavcodec libavutil libswscale)
  if(NOT libav_FOUND)
    switch_off(WITH_VIDEO "FFmpeg not found; install libavformat-dev libavcodec-dev libswscale-dev")
  endif()
endif()

if(BUILD_TESTING)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
