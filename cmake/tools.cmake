# Command-line tools for developers; not shipped.
add_executable(coluber-opt EXCLUDE_FROM_ALL ir/tools/coluber_opt.cc)
target_link_libraries(coluber-opt PRIVATE coluber_ir)

# Typed IR in a file -> times by stage, LLVM IR, assembly.
if(TARGET coluber_backends)
  add_executable(coluber-compile EXCLUDE_FROM_ALL backends/tools/compile_ir.cc)
  target_link_libraries(coluber-compile PRIVATE coluber_backends ${CMAKE_DL_LIBS})
endif()
