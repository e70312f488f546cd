// Watching dictionaries on CPython 3.12 and newer.
#include "jit/host/pycompat.h"

namespace coluber::jit {

#if PY_VERSION_HEX >= 0x030C0000

static DictCallback g_on_change = nullptr;

static int on_event(PyDict_WatchEvent event, PyObject* dict, PyObject* key, PyObject* value) {
  bool all = event == PyDict_EVENT_CLONED || event == PyDict_EVENT_CLEARED || event == PyDict_EVENT_DEALLOCATED;
  g_on_change(dict, all ? nullptr : key, all ? nullptr : value);
  return 0;
}

int watch_dict(PyObject* dict, DictCallback on_change) {
  static int watcher = -1;
  g_on_change = on_change;
  if (watcher < 0) watcher = PyDict_AddWatcher(on_event);
  if (watcher < 0) return -1;
  return PyDict_Watch(watcher, dict);
}

#else

int watch_dict(PyObject*, DictCallback) { return 0; }

#endif

}  // namespace coluber::jit
