// The options of a decorator, from its keywords (jit/options.def).
#pragma once
#include <Python.h>

#include <string>
#include <vector>

#include "jit/engine_api.h"

namespace coluber::jit {

struct HostOptions {
  clb_options engine{};
  int32_t cache = 1;
  int32_t fallback = 0, forceobj = 0;                  // 0 error, 1 warn, 2 silent: object_mode.cc
  std::vector<std::string> local_names, local_types;   // option `locals`
};

HostOptions default_options();
// Fills *out from a dict of keywords; false with a TypeError or ValueError that lists what there is.
bool parse_options(PyObject* keywords, HostOptions* out);
// [(name, kind, default, choices, doc), ...] for `python -m coluber options`.
PyObject* options_table();
// {name: value} of the options that differ from the default, such that parse_options gives the same again.
PyObject* options_dict(const HostOptions& options);

}  // namespace coluber::jit
