# A tree that can be moved anywhere: bin/, lib/ (the shared library), lib/understudy/ (modules, the
# virtual headset, and libraries that came in Python wheels), share/understudy/ (tasks, robots, plans).
set(private_dir lib/understudy)

install(TARGETS understudy RUNTIME DESTINATION bin)
install(TARGETS understudy_shared LIBRARY DESTINATION lib)
set_target_properties(understudy PROPERTIES
  INSTALL_RPATH "$ORIGIN/../lib:$ORIGIN/../${private_dir}")
set_target_properties(understudy_shared PROPERTIES INSTALL_RPATH "$ORIGIN/understudy")
get_property(modules GLOBAL PROPERTY UNDERSTUDY_MODULES)
# without a LibTorch for CUDA it was compiled to be sure that it can be
if(NOT TORCH_CUDA_LIBRARY)
  list(REMOVE_ITEM modules understudy_cuda_module)
endif()
# one run path for all libraries, those that bundled libraries need among them
foreach(target understudy understudy_shared ${modules})
  target_link_options(${target} PRIVATE LINKER:--disable-new-dtags)
endforeach()
foreach(module IN LISTS modules)
  install(TARGETS ${module} LIBRARY DESTINATION ${private_dir})
  set_target_properties(${module} PROPERTIES INSTALL_RPATH "$ORIGIN/..:$ORIGIN")
endforeach()
# the libraries of the one for CUDA have the names of those that are brought along, and come first
foreach(module understudy_torch_cuda_module understudy_cuda_module)
  if(TARGET ${module} AND TORCH_CUDA_DIR)
    set_target_properties(${module} PROPERTIES INSTALL_RPATH "${TORCH_CUDA_DIR}/lib:$ORIGIN/..")
  endif()
endforeach()
if(TARGET understudy_virtual_headset)
  install(TARGETS understudy_virtual_headset LIBRARY DESTINATION ${private_dir})
  install(FILES teleop/virtual_headset/understudy_virtual_headset.json DESTINATION ${private_dir})
endif()
if(UNDERSTUDY_WHEEL_LIBRARIES)
  install(FILES ${UNDERSTUDY_WHEEL_LIBRARIES} DESTINATION ${private_dir})
endif()
if(TARGET understudy_client)
  install(TARGETS understudy_client ARCHIVE DESTINATION lib)
  install(FILES serve/client/policy_client.h DESTINATION include/understudy)
  install(FILES ${CMAKE_BINARY_DIR}/serve/understudy_client.pc DESTINATION lib/pkgconfig)
endif()
install(DIRECTORY sim/tasks sim/robots sim/grippers DESTINATION share/understudy/sim)
install(DIRECTORY demo checkpoints DESTINATION share/understudy)
install(PROGRAMS tools/assets.py tools/robomimic_to_safetensors.py tools/serve_lerobot.py
  tools/serve_robomimic.py DESTINATION share/understudy/tools)
install(FILES README.md LICENSE CHANGELOG.md DESTINATION share/doc/understudy)
install(DIRECTORY docs/ DESTINATION share/doc/understudy/docs)

# the .tar.gz brings Debian's libraries along, but for those of C and C++ and what talks to the
# graphics driver; the .deb names them as dependencies
set(module_files)
foreach(module IN LISTS modules)
  # LibTorch for CUDA stays where it lies
  if(module MATCHES "_cuda_module$")
    continue()
  endif()
  string(APPEND module_files " \"$<TARGET_FILE:${module}>\"")
endforeach()
install(CODE "
  file(GET_RUNTIME_DEPENDENCIES
    EXECUTABLES \"$<TARGET_FILE:understudy>\"
    LIBRARIES \"$<TARGET_FILE:understudy_shared>\"
    MODULES ${module_files}
    PRE_EXCLUDE_REGEXES ld-linux libstdc libgcc_s libc.so libm.so libdl.so librt.so libpthread.so libEGL libGL libGLdispatch libOpenGL libdrm libX11 libxcb
    POST_EXCLUDE_REGEXES libunderstudy libtorch libc10 libarrow libparquet libmujoco
    RESOLVED_DEPENDENCIES_VAR found UNRESOLVED_DEPENDENCIES_VAR missing)
  foreach(library IN LISTS found)
    file(INSTALL DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/understudy\" TYPE SHARED_LIBRARY
      FOLLOW_SYMLINK_CHAIN FILES \"\${library}\")
  endforeach()
" COMPONENT bundled EXCLUDE_FROM_ALL)

set(CPACK_PACKAGE_NAME understudy)
set(CPACK_PACKAGE_CONTACT "Understudy developers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_GENERATOR "TGZ;DEB")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libegl-mesa0, libgl1-mesa-dri")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/lib ${UNDERSTUDY_WHEEL_FOLDERS})
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_SOURCE_DIR}/cmake/package.cmake)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_COMPONENT_INCLUDE_TOPLEVEL_DIRECTORY ON)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL Unspecified)
include(CPack)
