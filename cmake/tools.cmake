# Command-line tools for developers; not shipped.
add_executable(coluber-opt EXCLUDE_FROM_ALL ir/tools/coluber_opt.cc)
target_link_libraries(coluber-opt PRIVATE coluber_ir)
