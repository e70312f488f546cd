// Loading libcoluber_engine.so.
#include "jit/host/engine.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>

namespace coluber::jit {
namespace {

Engine g_engine;
bool g_loaded = false;

const Engine* fail(const std::string& message) {
  PyErr_SetString(PyExc_ImportError, message.c_str());
  return nullptr;
}

}  // namespace

std::string extension_path() {
  Dl_info info;
  return dladdr(reinterpret_cast<void*>(&g_engine), &info) && info.dli_fname ? info.dli_fname : "";
}

std::string engine_path() {
  if (const char* path = getenv("COLUBER_ENGINE"); path && *path) return path;
  std::string here = extension_path();
  return here.substr(0, here.rfind('/') + 1) + "libcoluber_engine.so";
}

const Engine* loaded_engine() { return g_loaded ? &g_engine : nullptr; }

const Engine* load_engine() {
  if (g_loaded) return &g_engine;
  std::string path = engine_path();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return fail("the compiler library cannot be loaded: " + std::string(dlerror()));
  bool complete = true;
  auto resolve = [&](const char* name, auto* slot) {
    *reinterpret_cast<void**>(slot) = dlsym(library, name);
    complete = complete && *slot;
  };
  resolve("clb_api_version", &g_engine.api_version);
  resolve("clb_build_id", &g_engine.build_id);
  resolve("clb_session_new", &g_engine.session_new);
  resolve("clb_compile", &g_engine.compile);
  resolve("clb_dump", &g_engine.dump);
  resolve("clb_session_free", &g_engine.session_free);
  resolve("clb_release", &g_engine.release);
  resolve("clb_cpu", &g_engine.cpu);
  if (!complete) return fail(path + " is not Coluber's compiler library");
  if (g_engine.api_version() != CLB_API_VERSION) return fail(path + " belongs to another version of Coluber");
  g_loaded = true;
  return &g_engine;
}

}  // namespace coluber::jit
