// The engine library, loaded at the first compilation.
#pragma once
#include <Python.h>

#include <string>

#include "jit/engine_api.h"

namespace coluber::jit {

struct Engine {
  int (*api_version)();
  const char* (*build_id)();
  clb_session* (*session_new)(const clb_host*);
  const clb_result* (*compile)(clb_session*, const clb_request*);
  const char* (*dump)(clb_session*, const char*);
  void (*session_free)(clb_session*);
  void (*release)(void*);
  const char* (*cpu)();
};

// Null with a Python error (coluber.errors.InternalError) when it cannot be loaded. The file: COLUBER_ENGINE, or beside this extension.
const Engine* load_engine();
std::string extension_path();                 // of this extension's file
std::string engine_path();
const Engine* loaded_engine();                // null when it has not been needed yet

}  // namespace coluber::jit
