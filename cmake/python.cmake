# The extension, once per interpreter of COLUBER_PYTHONS, and a package folder for each that can be put on PYTHONPATH:
#   build/x/python/coluber_cp311/coluber/     links to python_pkg/coluber/*, the extension _coluber.*.so, the engine, coluber-link
# The list of links is brought up to date at each build (target coluber_package_cp311).
file(GLOB HOST_SOURCES CONFIGURE_DEPENDS jit/host/*.cc jit/host/*.c jit/runtime/*.cc jit/runtime/*.c)

function(coluber_python_host python)
  execute_process(COMMAND ${python} -c "import sys, sysconfig; print('cp%d%d;%s;%s' % (*sys.version_info[:2], sysconfig.get_paths()['include'], sysconfig.get_config_var('EXT_SUFFIX')), end='')"
                  OUTPUT_VARIABLE facts RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "${python} does not run")
  endif()
  list(GET facts 0 tag)
  list(GET facts 1 include)
  list(GET facts 2 suffix)
  set(package ${CMAKE_BINARY_DIR}/python/coluber_${tag}/coluber)

  if(HOST_SOURCES)
    execute_process(COMMAND ${python} -c "import numpy; print(numpy.get_include(), end='')" OUTPUT_VARIABLE numpy RESULT_VARIABLE failed)
    if(failed)
      message(FATAL_ERROR "${python} has no NumPy; the extension needs its headers")
    endif()
    add_library(coluber_host_${tag} MODULE ${HOST_SOURCES})
    target_include_directories(coluber_host_${tag} SYSTEM PRIVATE ${include} ${numpy})
    target_link_libraries(coluber_host_${tag} PRIVATE ${CMAKE_DL_LIBS} coluber_sanitizer)
    if(TARGET coluber_cache)
      target_link_libraries(coluber_host_${tag} PRIVATE coluber_cache)
    endif()
    target_link_options(coluber_host_${tag} PRIVATE -Wl,--exclude-libs,ALL -Wl,--gc-sections)
    if(NOT COLUBER_SANITIZE)               # sanitizers look for the one C++ library of the process
      target_link_options(coluber_host_${tag} PRIVATE -static-libstdc++ -static-libgcc)
    endif()
    set_target_properties(coluber_host_${tag} PROPERTIES PREFIX "" OUTPUT_NAME _coluber SUFFIX ${suffix} LIBRARY_OUTPUT_DIRECTORY ${package})
  endif()

  if(EXISTS ${CMAKE_SOURCE_DIR}/python_pkg/coluber)
    add_custom_target(coluber_package_${tag} ALL COMMAND ${CMAKE_COMMAND} -DPACKAGE=${package} -DSOURCE=${CMAKE_SOURCE_DIR}/python_pkg/coluber
                      -DENGINE=${COLUBER_ENGINE_DIR} -P ${CMAKE_SOURCE_DIR}/cmake/link_package.cmake VERBATIM)
    foreach(target coluber_host_${tag} coluber_engine coluber_link_helper)
      if(TARGET ${target})
        add_dependencies(coluber_package_${tag} ${target})
      endif()
    endforeach()
  endif()
endfunction()

foreach(python ${COLUBER_PYTHONS})
  coluber_python_host(${python})
endforeach()
