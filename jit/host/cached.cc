// Between the dispatcher and the disk cache: keys, manifests, and making a specialisation out of an entry.
#include "jit/host/cached.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "jit/cache/cache.h"
#include "jit/cache/environment.h"
#include "jit/host/box.h"
#include "jit/host/code_size.h"
#include "jit/host/engine.h"
#include "jit/host/imports.h"
#include "jit/host/numpy_api.h"

namespace coluber::jit {
namespace {

void note(Dispatcher* self, const std::string& signature, const std::string& text) {
  std::string line = "(" + signature + "): " + text;
  auto& notes = self->state->cache_notes;
  if (std::find(notes.begin(), notes.end(), line) == notes.end()) notes.push_back(line);
}

// ---- keys ---------------------------------------------------------------------------------------------------------------------------

// Our library in Python is part of each key, by the names, sizes and times of its files.
void add_folder(Hasher& h, const std::string& folder) {
  std::vector<std::string> names;
  DIR* dir = opendir(folder.c_str());
  if (!dir) return;
  while (const dirent* item = readdir(dir)) {
    if (item->d_name[0] != '.' && strcmp(item->d_name, "__pycache__") != 0) names.emplace_back(item->d_name);
  }
  closedir(dir);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    struct stat info;
    std::string path = folder + "/" + name;
    if (stat(path.c_str(), &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) add_folder(h, path);
    else h.text(name).number(static_cast<uint64_t>(info.st_size)).number(static_cast<uint64_t>(info.st_mtim.tv_sec)).number(static_cast<uint64_t>(info.st_mtim.tv_nsec));
  }
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

std::string numpy_version() {
  PyObject* numpy = PyDict_GetItemString(PyImport_GetModuleDict(), "numpy");
  PyObject* version = numpy ? PyObject_GetAttrString(numpy, "__version__") : nullptr;
  std::string out = version && PyUnicode_Check(version) ? PyUnicode_AsUTF8(version) : "none";
  Py_XDECREF(version);
  PyErr_Clear();                              // a module named numpy that is not NumPy
  return out;
}

// Once per process, except for NumPy, which may be imported later.
Digest environment() {
  static const Digest fixed = [] {
    std::string extension = extension_path(), engine = engine_path();
    process_cache().configure({folder_of(extension) + "coluber-link", engine});
    Hasher h;
    h.digest(environment_digest(engine, build_id_of(extension), Py_GetVersion(), ""));
    add_folder(h, folder_of(extension) + "lib");
    return h.finish();
  }();
  return Hasher().digest(fixed).text(numpy_version()).finish();
}

// What users have registered with coluber.extending: an implementation that appears later must not be missed.
bool add_registrations(Hasher& h) {
  if (!PyDict_GetItemString(PyImport_GetModuleDict(), "coluber._registry")) return true;
  PyObject* support = PyImport_ImportModule("coluber._support");
  PyObject* keys = support ? PyObject_CallMethod(support, "user_keys", nullptr) : nullptr;
  Py_XDECREF(support);
  const char* text = keys ? PyUnicode_AsUTF8(keys) : nullptr;
  if (text && *text) h.text(text);            // empty is the same as no registry
  Py_XDECREF(keys);
  return text != nullptr;
}

// Handles in what goes to disk: by their number in the log ("@2"), or by a name that can be imported ("@numpy.matmul").
struct Portable {
  const ReadLog* log;
  PyObject* code;                             // of the function: its constants have names like "@0.3", one in a nested code object "@0.3.1"
  bool ok = true;

  static bool find_constant(PyObject* code, PyObject* object, std::string* path) {
    PyObject* constants = PyObject_GetAttrString(code, "co_consts");
    bool found = false;
    for (Py_ssize_t i = 0; constants && !found && i < PyTuple_GET_SIZE(constants); i++) {
      PyObject* c = PyTuple_GET_ITEM(constants, i);
      std::string inner = "." + std::to_string(i);
      found = c == object || (PyCode_Check(c) && find_constant(c, object, &inner));
      if (found) *path += inner;
    }
    Py_XDECREF(constants);
    return found;
  }

  std::string name(int64_t handle) {
    int32_t number = log->number_of(handle);
    if (number >= 0) return "@" + std::to_string(number);
    PyObject* object = object_of(handle);
    std::string constant = "@0";
    if (object && code && find_constant(code, object, &constant)) return constant;
    bool named = object && (PyModule_Check(object) || PyType_Check(object) || PyCFunction_Check(object) || !numpy_ufunc_name(object).empty());
    if (!named) ok = false;
    return named ? "@" + qualified_name(object) : "?";
  }
  std::string type(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
      out += text[i];
      if (text[i] != '#' || i + 1 == text.size() || !isdigit(static_cast<unsigned char>(text[i + 1]))) continue;
      int64_t handle = 0;
      i = static_cast<size_t>(std::from_chars(text.data() + i + 1, text.data() + text.size(), handle).ptr - text.data()) - 1;
      out += name(handle);
    }
    return out;
  }
  // "loop:12:3:fn" -> "loop:@2:3:fn"; keys without handles stay.
  std::string import(std::string_view key) {
    size_t colon = key.find(':');
    std::string_view what = key.substr(0, colon);
    if (what == "type") return type(key);
    bool objmode = what == "objmode";         // the types of its variables have handles, too
    if (!objmode && what != "obj" && what != "loop" && what != "addr" && what != "array") return std::string(key);
    int64_t handle = 0;
    const char* end = std::from_chars(key.data() + colon + 1, key.data() + key.size(), handle).ptr;
    std::string_view rest(end, static_cast<size_t>(key.data() + key.size() - end));
    return std::string(what) + ":" + name(handle) + (objmode ? type(rest) : std::string(rest));
  }
};

// The way back: "@2" and "@numpy.matmul" become handles of this process.
struct Local {
  Snapshot* snapshot;
  bool ok = true;

  std::string missing;                        // the first name that stands for nothing here

  // ".3.1" of the function with that number.
  int64_t constant(int32_t number, std::string_view path, std::string_view name) {
    PyObject* f = number >= 0 && static_cast<size_t>(number) < snapshot->log.objects.size() ? object_of(snapshot->log.objects[static_cast<size_t>(number)]) : nullptr;
    PyObject* object = f && PyFunction_Check(f) ? Py_NewRef(PyFunction_GET_CODE(f)) : nullptr;
    while (object && !path.empty()) {
      size_t at = 0;
      const char* end = path[0] == '.' ? std::from_chars(path.data() + 1, path.data() + path.size(), at).ptr : path.data() + 1;
      PyObject* constants = end > path.data() + 1 && PyCode_Check(object) ? PyObject_GetAttrString(object, "co_consts") : nullptr;
      PyObject* item = constants && at < static_cast<size_t>(PyTuple_GET_SIZE(constants)) ? PyTuple_GET_ITEM(constants, static_cast<Py_ssize_t>(at)) : nullptr;
      Py_XSETREF(object, Py_XNewRef(item));
      Py_XDECREF(constants);
      path.remove_prefix(static_cast<size_t>(end - path.data()));
    }
    int64_t handle = object ? snapshot->held.add(object) : refuse(name);
    Py_XDECREF(object);
    PyErr_Clear();                            // code without constants is none of ours
    return handle;
  }
  int64_t refuse(std::string_view name) {
    if (ok) missing = name;
    ok = false;
    return -1;
  }
  int64_t handle(std::string_view name) {
    int32_t number = -1;
    auto end = std::from_chars(name.data(), name.data() + name.size(), number).ptr;
    if (end != name.data() && end != name.data() + name.size()) return constant(number, name.substr(static_cast<size_t>(end - name.data())), name);
    if (end == name.data() + name.size()) {
      bool known = number >= 0 && static_cast<size_t>(number) < snapshot->log.objects.size();
      return known ? snapshot->log.objects[static_cast<size_t>(number)] : refuse(name);
    }
    PyObject* support = PyImport_ImportModule("coluber._support");
    PyObject* object = support ? PyObject_CallMethod(support, "find", "s", std::string(name).c_str()) : nullptr;
    Py_XDECREF(support);
    if (!object) return PyErr_Clear(), refuse(name);   // no longer importable: a miss
    int64_t h = snapshot->held.add(object);
    Py_DECREF(object);
    return h;
  }
  std::string text(std::string_view portable) {
    std::string out;
    for (size_t i = 0; i < portable.size(); i++) {
      if (portable[i] != '@') {
        out += portable[i];
        continue;
      }
      size_t end = portable.find_first_of(":(),;|/", i);
      if (end == std::string_view::npos) end = portable.size();
      out += std::to_string(handle(portable.substr(i + 1, end - i - 1)));
      i = end - 1;
    }
    return out;
  }
};

bool make_key(Dispatcher* self, Snapshot& snapshot, const clb_request& request, CacheTicket* ticket, std::string* signature) {
  Hasher h;
  Digest function;
  std::string why;
  h.digest(environment());
  bool whole = !request.objects;              // object mode gets defaults as arguments
  if (!digest_of(whole ? self->py_func : PyFunction_GET_CODE(self->py_func), &function, &why)) return note(self, "", why), false;
  if (!add_registrations(h)) return false;
  Portable portable{&snapshot.log, PyFunction_GET_CODE(self->py_func)};
  for (int32_t i = 0; i < request.nargs; i++) {
    Digest constant;
    std::string type = portable.type(request.arg_types[i]);
    *signature += (i ? "," : "") + type;
    const HostType* parsed = parse_type(request.arg_types[i]);
    PyObject* object = parsed && parsed->handle >= 0 ? object_of(parsed->handle) : nullptr;
    if (object && !digest_of(object, &constant, &why)) return note(self, *signature, why), false;
    h.digest(constant);
  }
  if (!portable.ok) return note(self, *signature, "a type of an argument has no name that lasts"), false;
  h.digest(function).text(*signature).text(self->state->name).bytes(&request.options, sizeof request.options);
  h.number(static_cast<uint64_t>(request.objects)).text(request.entry ? request.entry : "");
  h.text(request.return_type ? portable.type(request.return_type) : "");
  const HostOptions& options = self->state->options;
  for (size_t i = 0; i < options.local_names.size(); i++) h.text(options.local_names[i]).text(portable.type(options.local_types[i]));
  if (!portable.ok) return note(self, *signature, "a type of the option locals has no name that lasts"), false;
  ticket->key = h.finish();
  return true;
}

// Functions of interactive sessions and exec'd texts have no file that another process could have, too.
bool defined_in_file(Dispatcher* self) {
  PyObject* file = PyObject_GetAttrString(PyFunction_GET_CODE(self->py_func), "co_filename");
  const char* path = file ? PyUnicode_AsUTF8(file) : nullptr;
  struct stat info;
  bool ok = path && path[0] != '<' && stat(path, &info) == 0;
  Py_XDECREF(file);
  PyErr_Clear();
  return ok;
}

// ---- descriptors: what the host keeps in a manifest besides the types -----------------------------------------------------------------
//   line 1: portable name of a constant result, or a str constant after a quote; then a line per function: first line, tab, file

std::string constant_text(Portable& portable, const clb_result& result) {
  const clb_const* c = result.return_const;
  const HostType* type = parse_type(result.return_type);
  if (!c || (type && type->slots > 0)) return "";
  if (c->kind == CLB_STR) return portable.ok = false, "";
  return c->handle > 0 ? portable.name(c->handle) : "";
}

std::string descriptor_text(Portable& portable, const clb_result& result, const Snapshot& snapshot) {
  std::string out = constant_text(portable, result) + "\n";
  for (PyObject* code : snapshot.codes) {
    PyObject *file = PyObject_GetAttrString(code, "co_filename"), *line = PyObject_GetAttrString(code, "co_firstlineno"), *name = PyObject_GetAttrString(code, "co_name");
    if (file && line && name) out += std::to_string(PyLong_AsLong(line)) + "\t" + PyUnicode_AsUTF8(name) + "\t" + PyUnicode_AsUTF8(file) + "\n";
    Py_XDECREF(file);
    Py_XDECREF(line);
    Py_XDECREF(name);
  }
  return out;
}

void read_shifts(std::string_view text, const Snapshot& snapshot, Specialization* spec) {
  spec->shifts = new std::vector<LineShift>;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    LineShift shift;
    size_t tab = line.find('\t'), second = line.find('\t', tab + 1);
    if (tab == std::string_view::npos || second == std::string_view::npos) continue;
    std::from_chars(line.data(), line.data() + tab, shift.first);
    std::string name(line.substr(tab + 1, second - tab - 1));
    shift.file = line.substr(second + 1);
    for (PyObject* code : snapshot.codes) {   // the function of that name as it is here
      PyObject *here = PyObject_GetAttrString(code, "co_name"), *file = PyObject_GetAttrString(code, "co_filename"), *first = PyObject_GetAttrString(code, "co_firstlineno");
      if (here && file && first && PyUnicode_CompareWithASCIIString(here, name.c_str()) == 0) {
        shift.delta = static_cast<int32_t>(PyLong_AsLong(first)) - shift.first;
        shift.now = PyUnicode_AsUTF8(file);
      }
      Py_XDECREF(here);
      Py_XDECREF(file);
      Py_XDECREF(first);
    }
    if (!shift.now.empty()) spec->shifts->push_back(std::move(shift));
  }
}

// ---- loading ------------------------------------------------------------------------------------------------------------------------

// A library is loaded once per process and has one table of imports. Specialisations that refer to other objects cannot share it.
std::unordered_map<void**, int>& tables_in_use() {
  static auto* t = new std::unordered_map<void**, int>;   // under the GIL
  return *t;
}

bool fill_table(Specialization* spec, const std::vector<const char*>& keys, void** table, std::string* why) {
  if (keys.empty()) return true;
  std::vector<void*> values(keys.size());
  if (!fill_imports(spec, keys.data(), static_cast<int32_t>(keys.size()), values.data())) return false;
  int& users = tables_in_use()[table];
  if (users && memcmp(table, values.data(), keys.size() * sizeof(void*)) != 0) return *why = "the same code is in use with other objects", false;
  users++;
  spec->table = table;
  memcpy(table, values.data(), keys.size() * sizeof(void*));
  return true;
}

Specialization* make_specialization(Dispatcher* self, Snapshot& snapshot, const clb_request& request, const Manifest& manifest, const Loaded& code, Form form, std::string* why) {
  Local local{&snapshot};
  auto* spec = new Specialization;
  spec->dispatcher = self;
  std::vector<std::string> keys, types;
  std::vector<const char*> pointers;
  for (const std::string& key : manifest.imports) keys.push_back(local.text(key));
  for (const std::string& key : keys) pointers.push_back(key.c_str());
  for (int32_t i = 0; i < request.nargs; i++) types.emplace_back(request.arg_types[i]);
  std::string result = local.text(manifest.result_type);
  std::string_view descriptors = manifest.descriptors;
  std::string_view constant = descriptors.substr(0, descriptors.find('\n'));
  if (!constant.empty()) spec->constant = Py_XNewRef(object_of(local.handle(constant.substr(1))));
  bool ok = local.ok && fill_table(spec, pointers, code.imports, why);
  if (ok) {
    spec->entry = reinterpret_cast<coluber_entry>(code.entry);
    spec->mutated = manifest.mutated;
    spec->from_cache = true;
    spec->library = code.library;
    spec->code_size = library_code_size(code.library);
    read_shifts(descriptors.substr(descriptors.find('\n') + 1), snapshot, spec);
    spec->held.add_all(snapshot.held);
    spec->guards.move_from(snapshot.guards);
    spec->codes.swap(snapshot.codes);
    ok = form == Form::Function ? finish_specialization(self, spec, types, result) : finish_part(spec, form, types, result);
  }
  if (ok) return spec;
  if (!local.ok) *why = "an object it refers to is no longer there: " + local.missing;
  delete spec;
  return nullptr;
}

// What a compilation ended with, raised again.
Specialization* refuse_again(Dispatcher* self, const Manifest& manifest) {
  PyObject* support = PyImport_ImportModule("coluber._support");
  PyObject* raised = support ? PyObject_CallMethod(support, "raise_packed", "Os", self->py_func, manifest.descriptors.c_str()) : nullptr;
  Py_XDECREF(support);
  Py_XDECREF(raised);
  return nullptr;
}

// The first entry whose reads hold.
Specialization* try_entry(Dispatcher* self, const Snapshot& outer, const clb_request& request, const Entry& entry, Form form, std::string* why) {
  Snapshot fresh;
  fresh.objects = outer.objects;
  fresh.held.add_all(outer.held);
  for (int64_t handle : outer.log.objects) fresh.log.add_object(handle);
  for (const Read& read : entry.manifest.reads) {
    if (!fresh.replay(read, why)) {
      PyObject* error = fresh.take_error();   // a property that raises now: something has changed, and compiling will meet it again
      Py_XDECREF(error);
      return nullptr;
    }
  }
  if (entry.manifest.entry_symbol.empty()) return self->state->hits++, refuse_again(self, entry.manifest);
  Loaded code;
  Outcome outcome = process_cache().load(entry, &code);
  if (!outcome.hit()) return *why = outcome.text(), nullptr;
  return make_specialization(self, fresh, request, entry.manifest, code, form, why);
}

}  // namespace

void leave_table(void** table) {
  auto it = tables_in_use().find(table);
  if (--it->second == 0) tables_in_use().erase(it);
}

Specialization* cache_lookup(Dispatcher* self, Snapshot& snapshot, const clb_request& request, CacheTicket* ticket, Form form) {
  std::string signature;
  if (!self->state->options.cache) return note(self, "", "option cache=False"), nullptr;
  if (!defined_in_file(self)) return note(self, "", "the function is not defined in a file"), nullptr;
  environment();                              // configures the cache
  if (process_cache().mode() == CacheMode::Off) return note(self, "", text_of(Reason::Off)), nullptr;
  if (!make_key(self, snapshot, request, ticket, &signature)) return nullptr;
  ticket->usable = true;
  std::vector<Entry> entries;
  Outcome outcome = process_cache().lookup(ticket->key, &entries);
  std::string why;
  for (Entry& entry : entries) {
    if (process_cache().mode() == CacheMode::Check) {
      ticket->expected = std::make_shared<Entry>(entry);
      break;
    }
    Specialization* spec = try_entry(self, snapshot, request, entry, form, &why);
    if (spec) return self->state->hits++, spec;
    if (PyErr_Occurred()) return nullptr;
  }
  self->state->misses++;
  if (outcome.hit()) process_cache().note(Reason::Dependency), outcome = {Reason::Dependency, why};
  note(self, signature, outcome.text());
  return nullptr;
}

void cache_store_refusal(Dispatcher* self, Snapshot& snapshot, const clb_request& request, CacheTicket* ticket) {
  if (!ticket->usable || !snapshot.log.cacheable) return;
  PyObject* error = take_exception();
  PyObject* support = PyImport_ImportModule("coluber._support");
  PyObject* packed = support && error ? PyObject_CallMethod(support, "pack_error", "OO", self->py_func, error) : nullptr;
  const char* text = packed && packed != Py_None ? PyUnicode_AsUTF8(packed) : nullptr;   // None: not of the compiler's
  if (text) {
    Portable portable{&snapshot.log, PyFunction_GET_CODE(self->py_func)};
    Manifest manifest;
    manifest.function = self->state->name;
    for (int32_t i = 0; i < request.nargs; i++) manifest.signature += (i ? "," : "") + portable.type(request.arg_types[i]);
    manifest.descriptors = text;
    manifest.entry_symbol.clear();
    manifest.reads = snapshot.log.reads;
    if (portable.ok) note(self, manifest.signature, process_cache().store_refusal(ticket->key, manifest).text());
  }
  Py_XDECREF(support);
  Py_XDECREF(packed);
  if (error) set_exception(error);
}

void cache_store(Dispatcher* self, Snapshot& snapshot, const clb_request& request, const clb_result& result, CacheTicket* ticket) {
  if (!ticket->usable || !result.object_size) return;
  std::string_view object(reinterpret_cast<const char*>(result.object), result.object_size);
  if (ticket->expected && !Cache::same_object(*std::static_pointer_cast<Entry>(ticket->expected), object)) {
    if (PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "%s(): the cache holds other code than the compiler makes", self->state->name.c_str()) < 0) PyErr_Clear();
  }
  Portable portable{&snapshot.log, PyFunction_GET_CODE(self->py_func)};
  Manifest manifest;
  manifest.function = self->state->name;
  for (int32_t i = 0; i < request.nargs; i++) manifest.signature += (i ? "," : "") + portable.type(request.arg_types[i]);
  manifest.result_type = portable.type(result.return_type);
  manifest.descriptors = descriptor_text(portable, result, snapshot);
  manifest.mutated = result.mutated;
  for (int32_t i = 0; i < result.nimports; i++) manifest.imports.push_back(portable.import(result.import_keys[i]));
  manifest.reads = snapshot.log.reads;
  manifest.object_digest = Hasher::hash(object.data(), object.size());
  for (int32_t i = 0; i < request.nargs && result.arg_types; i++) {
    if (strcmp(request.arg_types[i], result.arg_types[i]) != 0 && strncmp(request.arg_types[i], "list(", 5) == 0)
      return note(self, manifest.signature, "not stored: an empty list gets its type from what is put in");
  }
  if (!snapshot.log.cacheable) return note(self, manifest.signature, "not stored: " + snapshot.log.why_not);
  if (!portable.ok) return note(self, manifest.signature, "not stored: it refers to an object without a name that lasts");
  note(self, manifest.signature, process_cache().store(ticket->key, manifest, object).text());
}

PyObject* cache_summary() {
  environment();
  process_cache().mode();
  CacheInfo info = process_cache().info();
  PyObject* counts = PyDict_New();
  for (int i = 0; i < kReasons && counts; i++) {
    if (!info.counts[i]) continue;
    PyObject* count = PyLong_FromLongLong(info.counts[i]);
    if (!count || PyDict_SetItemString(counts, text_of(static_cast<Reason>(i)), count) < 0) Py_CLEAR(counts);
    Py_XDECREF(count);
  }
  return counts ? Py_BuildValue("{sssNsLsLss}", "directory", info.directory.path.c_str(), "counts", counts, "linked", static_cast<long long>(info.linked),
                                "link_failures", static_cast<long long>(info.link_failures), "last_link_error", info.last_link_error.c_str())
                : nullptr;
}

}  // namespace coluber::jit
