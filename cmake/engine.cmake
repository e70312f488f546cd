# libcoluber_engine.so: everything that compiles, with LLVM and lld inside, exporting clb_* only; and coluber-link, the process that links
# cache entries. Both lie in build/x/engine and go into the package as they are.
set(COLUBER_ENGINE_DIR ${CMAKE_BINARY_DIR}/engine)
if(TARGET coluber_driver OR TARGET coluber_lld)
  # A shared library of nothing but archives: of LLVM only what is referred to.
  add_library(coluber_engine SHARED cmake/engine.cc)
  foreach(part coluber_driver coluber_lld)
    if(TARGET ${part})
      target_link_libraries(coluber_engine PRIVATE -Wl,--whole-archive ${part} -Wl,--no-whole-archive)
    endif()
  endforeach()
  target_link_options(coluber_engine PRIVATE -Wl,--build-id=sha1 -Wl,-z,defs -Wl,--gc-sections -Wl,-Bsymbolic -Wl,-z,now -Wl,-z,pack-relative-relocs
                      -static-libstdc++ -static-libgcc -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/engine.map)
  set_target_properties(coluber_engine PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${COLUBER_ENGINE_DIR}
                        LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/engine.map)
endif()

# The vector math functions of compiled code (backends/cpu/vector_math.def): the system's SLEEF, carried under a name of our own so that it is
# found beside the extension and meets no other SLEEF of the process.
find_file(COLUBER_SLEEF libsleef.so.3 PATHS /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/lib /usr/local/lib NO_DEFAULT_PATH)
if(NOT COLUBER_SLEEF)
  message(FATAL_ERROR "libsleef.so.3 is missing: SLEEF, the package libsleef3 of Debian and Ubuntu")
endif()
file(MAKE_DIRECTORY ${COLUBER_ENGINE_DIR})
file(REAL_PATH ${COLUBER_SLEEF} sleef)
configure_file(${sleef} ${COLUBER_ENGINE_DIR}/libcoluber_sleef.so COPYONLY)

file(GLOB LINK_HELPER CONFIGURE_DEPENDS jit/cache/helper/*.cc)
if(LINK_HELPER AND TARGET coluber_cache)
  add_executable(coluber_link_helper ${LINK_HELPER})
  target_link_libraries(coluber_link_helper PRIVATE coluber_cache ${CMAKE_DL_LIBS})
  if(NOT COLUBER_SANITIZE)
    target_link_options(coluber_link_helper PRIVATE -static-libstdc++ -static-libgcc)
  endif()
  set_target_properties(coluber_link_helper PROPERTIES OUTPUT_NAME coluber-link RUNTIME_OUTPUT_DIRECTORY ${COLUBER_ENGINE_DIR})
endif()
