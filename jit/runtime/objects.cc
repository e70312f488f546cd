// Object mode: operators, names, containers, calls. One function per row of objects.def; each does what CPython's interpreter does for the
// bytecode it stands for. Exceptions and match statements are in objects_flow.cc.
#include "jit/runtime/objects.h"

using namespace coluber::jit;

namespace {

PyObject* name_of(void* import) { return static_cast<PyObject*>(import); }

// The function itself behind a dispatcher: the import names the Python function already.
PyObject* globals_of(PyObject* function) { return PyFunction_GET_GLOBALS(function); }

using Binary = PyObject* (*)(PyObject*, PyObject*);
PyObject* power(PyObject* a, PyObject* b) { return PyNumber_Power(a, b, Py_None); }
PyObject* inplace_power(PyObject* a, PyObject* b) { return PyNumber_InPlacePower(a, b, Py_None); }

// In the order of ir/frontend's enum Operator.
const Binary kBinary[] = {PyNumber_Add, PyNumber_Subtract, PyNumber_Multiply, PyNumber_TrueDivide, PyNumber_FloorDivide, PyNumber_Remainder, power,
                          PyNumber_MatrixMultiply, PyNumber_And, PyNumber_Or, PyNumber_Xor, PyNumber_Lshift, PyNumber_Rshift};
const Binary kInplace[] = {PyNumber_InPlaceAdd, PyNumber_InPlaceSubtract, PyNumber_InPlaceMultiply, PyNumber_InPlaceTrueDivide, PyNumber_InPlaceFloorDivide,
                           PyNumber_InPlaceRemainder, inplace_power, PyNumber_InPlaceMatrixMultiply, PyNumber_InPlaceAnd, PyNumber_InPlaceOr,
                           PyNumber_InPlaceXor, PyNumber_InPlaceLshift, PyNumber_InPlaceRshift};

}  // namespace

extern "C" void coluber_object_retain(void* object) { Py_XINCREF(static_cast<PyObject*>(object)); }
extern "C" void coluber_object_release(void* object) { Py_XDECREF(static_cast<PyObject*>(object)); }

// ---- to and from machine values -------------------------------------------------------------------------------------------------------

OBJECT_OP(from_int) { return give(ctx, out, PyLong_FromLongLong(reinterpret_cast<intptr_t>(cells[0]))); }
OBJECT_OP(from_float) { return give(ctx, out, PyFloat_FromDouble(*reinterpret_cast<const double*>(cells))); }
OBJECT_OP(from_bool) { return give(ctx, out, PyBool_FromLong(cells[0] != nullptr)); }
OBJECT_OP(as_int) {
  out[0] = PyLong_AsLongLong(static_cast<PyObject*>(cells[0]));
  return out[0] == -1 && PyErr_Occurred() ? raise_python_error(ctx) : 0;
}
OBJECT_OP(as_float) {
  double value = PyFloat_AsDouble(static_cast<PyObject*>(cells[0]));
  *reinterpret_cast<double*>(out) = value;
  return value == -1.0 && PyErr_Occurred() ? raise_python_error(ctx) : 0;
}
OBJECT_OP(as_bool) {
  out[0] = cells[0] == Py_True;
  return 0;
}
OBJECT_OP(truth) { return answer(ctx, out, PyObject_IsTrue(static_cast<PyObject*>(cells[0]))); }
OBJECT_OP(length) {
  out[0] = PyObject_Size(static_cast<PyObject*>(cells[0]));
  return out[0] < 0 ? raise_python_error(ctx) : 0;
}
OBJECT_OP(range) {
  Operands a{cells, n};
  PyObject* made = PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyRange_Type), "LLL", static_cast<long long>(a.integer(0)), static_cast<long long>(a.integer(1)),
                                         static_cast<long long>(a.integer(2)));
  return give(ctx, out, made);
}

// ---- names -----------------------------------------------------------------------------------------------------------------------------

OBJECT_OP(global) {
  Operands a{cells, n};
  PyObject* value = PyDict_GetItemWithError(globals_of(a[0]), name_of(import));
  if (value) return give(ctx, out, Py_NewRef(value));
  if (PyErr_Occurred()) return raise_python_error(ctx);
  PyObject* builtins = PyDict_GetItemString(globals_of(a[0]), "__builtins__");
  if (builtins && PyModule_Check(builtins)) builtins = PyModule_GetDict(builtins);
  if (!builtins || !PyDict_Check(builtins)) builtins = PyEval_GetBuiltins();
  value = PyDict_GetItemWithError(builtins, name_of(import));
  if (!value && !PyErr_Occurred()) PyErr_Format(PyExc_NameError, "name '%U' is not defined", name_of(import));
  return give(ctx, out, Py_XNewRef(value));
}
OBJECT_OP(store_global) {
  Operands a{cells, n};
  return done(ctx, PyDict_SetItem(globals_of(a[0]), name_of(import), a[1]));
}
OBJECT_OP(delete_global) {
  Operands a{cells, n};
  int status = PyDict_DelItem(globals_of(a[0]), name_of(import));
  if (status < 0 && PyErr_ExceptionMatches(PyExc_KeyError)) PyErr_Format(PyExc_NameError, "name '%U' is not defined", name_of(import));
  return done(ctx, status);
}
OBJECT_OP(cell) {
  Operands a{cells, n};
  PyObject* value = PyCell_GET(PyTuple_GET_ITEM(PyFunction_GET_CLOSURE(a[0]), imm));
  const char* text = PY_VERSION_HEX >= 0x030B0000 ? "cannot access free variable '%U' where it is not associated with a value in enclosing scope"
                                                  : "free variable '%U' referenced before assignment in enclosing scope";
  if (!value) PyErr_Format(PyExc_NameError, text, name_of(import));
  return give(ctx, out, Py_XNewRef(value));
}
OBJECT_OP(if_bound) {
  Operands a{cells, n};
  out[0] = cells[0] ? reinterpret_cast<intptr_t>(Py_NewRef(a[1])) : 0;
  return 0;
}
OBJECT_OP(own_cell) {
  Operands a{cells, n};
  return give(ctx, out, Py_NewRef(PyTuple_GET_ITEM(PyFunction_GET_CLOSURE(a[0]), imm)));
}
OBJECT_OP(new_cell) { return give(ctx, out, PyCell_New(n ? static_cast<PyObject*>(cells[0]) : nullptr)); }

static int32_t unbound_variable(coluber_ctx* ctx, void* import) {
  const char* text = PY_VERSION_HEX >= 0x030B0000 ? "cannot access local variable '%U' where it is not associated with a value" : "local variable '%U' referenced before assignment";
  PyErr_Format(PyExc_UnboundLocalError, text, name_of(import));
  return raise_python_error(ctx);
}

OBJECT_OP(cell_get) {
  PyObject* value = PyCell_GET(static_cast<PyObject*>(cells[0]));
  return value ? give(ctx, out, Py_NewRef(value)) : unbound_variable(ctx, import);
}
OBJECT_OP(cell_set) {
  Operands a{cells, n};
  return done(ctx, PyCell_Set(a[0], a[1]));
}
OBJECT_OP(cell_del) {
  auto* cell = static_cast<PyObject*>(cells[0]);
  return PyCell_GET(cell) ? done(ctx, PyCell_Set(cell, nullptr)) : unbound_variable(ctx, import);
}
OBJECT_OP(getattr) { return give(ctx, out, PyObject_GetAttr(static_cast<PyObject*>(cells[0]), name_of(import))); }
OBJECT_OP(setattr) {
  Operands a{cells, n};
  return done(ctx, PyObject_SetAttr(a[0], name_of(import), a[1]));
}
OBJECT_OP(delattr) { return done(ctx, PyObject_SetAttr(static_cast<PyObject*>(cells[0]), name_of(import), nullptr)); }

// `import a.b` and `from a.b import c` through the builtin of the function's builtins, as the interpreter does it.
OBJECT_OP(import) {
  Operands a{cells, n};
  PyObject* module = PyImport_ImportModuleLevelObject(name_of(import), globals_of(a[0]), Py_None, a[1], static_cast<int>(imm));
  return give(ctx, out, module);
}
OBJECT_OP(import_from) {
  auto* module = static_cast<PyObject*>(cells[0]);
  PyObject* value = PyObject_GetAttr(module, name_of(import));
  if (value || !PyErr_ExceptionMatches(PyExc_AttributeError)) return give(ctx, out, value);
  PyErr_Clear();                              // a module of a package that is being imported
  PyObject* package = PyObject_GetAttrString(module, "__name__");
  PyObject* full = package ? PyUnicode_FromFormat("%U.%U", package, name_of(import)) : nullptr;
  if (full) value = Py_XNewRef(PyDict_GetItemWithError(PyImport_GetModuleDict(), full));
  if (!value && (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_AttributeError))) {
    PyErr_Clear();
    PyObject* file = PyObject_GetAttrString(module, "__file__");
    if (!file) PyErr_Clear();
    PyObject* message = PyUnicode_FromFormat("cannot import name %R from %R (%S)", name_of(import), package ? package : Py_None, file ? file : Py_None);
    if (message && !file) Py_SETREF(message, PyUnicode_FromFormat("cannot import name %R from %R (unknown location)", name_of(import), package ? package : Py_None));
    if (message) PyErr_SetImportError(message, package, file);
    Py_XDECREF(file);
    Py_XDECREF(message);
  }
  Py_XDECREF(package);
  Py_XDECREF(full);
  return give(ctx, out, value);
}

// ---- operators --------------------------------------------------------------------------------------------------------------------------

OBJECT_OP(binary) {
  Operands a{cells, n};
  // `%` of a string goes its own way in the interpreter, too: no subclass is asked first.
  if (imm == 5 && PyUnicode_CheckExact(a[0]) && (!PyUnicode_Check(a[1]) || PyUnicode_CheckExact(a[1]))) return give(ctx, out, PyUnicode_Format(a[0], a[1]));
  return give(ctx, out, kBinary[imm](a[0], a[1]));
}
OBJECT_OP(inplace) {
  Operands a{cells, n};
  return give(ctx, out, kInplace[imm](a[0], a[1]));
}
OBJECT_OP(unary) {
  auto* a = static_cast<PyObject*>(cells[0]);
  return give(ctx, out, imm == 0 ? PyNumber_Negative(a) : imm == 1 ? PyNumber_Positive(a) : PyNumber_Invert(a));
}
OBJECT_OP(compare) {
  Operands a{cells, n};
  return give(ctx, out, PyObject_RichCompare(a[0], a[1], static_cast<int>(imm)));
}
OBJECT_OP(is) {
  out[0] = cells[0] == cells[1];
  return 0;
}
OBJECT_OP(contains) {
  Operands a{cells, n};
  return answer(ctx, out, PySequence_Contains(a[1], a[0]));
}
OBJECT_OP(getitem) {
  Operands a{cells, n};
  return give(ctx, out, PyObject_GetItem(a[0], a[1]));
}
OBJECT_OP(setitem) {
  Operands a{cells, n};
  return done(ctx, PyObject_SetItem(a[0], a[1], a[2]));
}
OBJECT_OP(delitem) {
  Operands a{cells, n};
  return done(ctx, PyObject_DelItem(a[0], a[1]));
}

// ---- building ---------------------------------------------------------------------------------------------------------------------------

OBJECT_OP(slice) {
  Operands a{cells, n};
  return give(ctx, out, PySlice_New(a[0], a[1], a[2]));
}
OBJECT_OP(tuple) {
  Operands a{cells, n};
  PyObject* made = PyTuple_New(n);
  for (int64_t i = 0; made && i < n; i++) PyTuple_SET_ITEM(made, i, Py_NewRef(a[i]));
  return give(ctx, out, made);
}
OBJECT_OP(list) {
  Operands a{cells, n};
  PyObject* made = PyList_New(n);
  for (int64_t i = 0; made && i < n; i++) PyList_SET_ITEM(made, i, Py_NewRef(a[i]));
  return give(ctx, out, made);
}
OBJECT_OP(dict) {
  Operands a{cells, n};
  PyObject* made = PyDict_New();
  for (int64_t i = 0; made && i + 1 < n; i += 2)
    if (PyDict_SetItem(made, a[i], a[i + 1]) < 0) Py_CLEAR(made);
  return give(ctx, out, made);
}
OBJECT_OP(set) {
  Operands a{cells, n};
  PyObject* made = PySet_New(nullptr);
  for (int64_t i = 0; made && i < n; i++)
    if (PySet_Add(made, a[i]) < 0) Py_CLEAR(made);
  return give(ctx, out, made);
}
OBJECT_OP(list_append) {
  Operands a{cells, n};
  return done(ctx, PyList_Append(a[0], a[1]));
}
OBJECT_OP(set_add) {
  Operands a{cells, n};
  return done(ctx, PySet_Add(a[0], a[1]));
}
OBJECT_OP(map_add) {
  Operands a{cells, n};
  return done(ctx, PyDict_SetItem(a[0], a[1], a[2]));
}
static PyObject* call_method(PyObject* object, const char* name, PyObject* argument) {
  PyObject* method = PyObject_GetAttrString(object, name);
  PyObject* result = method ? PyObject_CallOneArg(method, argument) : nullptr;
  Py_XDECREF(method);
  return result;
}

OBJECT_OP(list_extend) {
  Operands a{cells, n};
  PyObject* none = call_method(a[0], "extend", a[1]);
  bool not_iterable = !none && PyErr_ExceptionMatches(PyExc_TypeError) && !Py_TYPE(a[1])->tp_iter && !PySequence_Check(a[1]);
  if (not_iterable) {
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "Value after * must be an iterable, not %.200s", Py_TYPE(a[1])->tp_name);
  }
  Py_XDECREF(none);
  return done(ctx, none ? 0 : -1);
}
OBJECT_OP(set_update) {
  Operands a{cells, n};
  PyObject* none = call_method(a[0], "update", a[1]);
  Py_XDECREF(none);
  return done(ctx, none ? 0 : -1);
}
OBJECT_OP(dict_update) {
  Operands a{cells, n};
  int status = PyDict_Update(a[0], a[1]);
  if (status < 0 && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Format(PyExc_TypeError, "'%.200s' object is not a mapping", Py_TYPE(a[1])->tp_name);
  return done(ctx, status);
}

// "mod.f()" for the messages of calls; new reference.
static PyObject* callee_text(PyObject* callee) {
  PyObject* qualname = PyObject_GetAttrString(callee, "__qualname__");
  if (!qualname || !PyUnicode_Check(qualname)) {
    PyErr_Clear();
    Py_XDECREF(qualname);
    return PyObject_Str(callee);
  }
  PyObject* module = PyObject_GetAttrString(callee, "__module__");
  if (!module) PyErr_Clear();
  bool plain = !module || !PyUnicode_Check(module) || PyUnicode_CompareWithASCIIString(module, "builtins") == 0;
  PyObject* text = plain ? PyUnicode_FromFormat("%U()", qualname) : PyUnicode_FromFormat("%U.%U()", module, qualname);
  Py_XDECREF(module);
  Py_DECREF(qualname);
  return text;
}

OBJECT_OP(dict_merge) {
  Operands a{cells, n};
  int status = 0;
  PyObject* keys = PyMapping_Keys(a[1]);
  if (!keys) {
    PyErr_Clear();
    PyObject* callee = callee_text(a[2]);
    if (callee) PyErr_Format(PyExc_TypeError, "%U argument after ** must be a mapping, not %.200s", callee, Py_TYPE(a[1])->tp_name);
    Py_XDECREF(callee);
    return raise_python_error(ctx);
  }
  for (Py_ssize_t i = 0; status == 0 && i < PyList_GET_SIZE(keys); i++) {
    PyObject* key = PyList_GET_ITEM(keys, i);
    int there = PyDict_Contains(a[0], key);
    PyObject* value = there == 0 ? PyObject_GetItem(a[1], key) : nullptr;
    status = value ? PyDict_SetItem(a[0], key, value) : -1;
    Py_XDECREF(value);
    if (there > 0) {
      PyObject* callee = callee_text(a[2]);
      if (callee) PyErr_Format(PyExc_TypeError, "%U got multiple values for keyword argument '%S'", callee, key);
      Py_XDECREF(callee);
    }
  }
  Py_DECREF(keys);
  return done(ctx, status);
}
OBJECT_OP(list_to_tuple) { return give(ctx, out, PyList_AsTuple(static_cast<PyObject*>(cells[0]))); }
OBJECT_OP(format) {
  Operands a{cells, n};
  PyObject* value = imm == 1 ? PyObject_Str(a[0]) : imm == 2 ? PyObject_Repr(a[0]) : imm == 3 ? PyObject_ASCII(a[0]) : Py_NewRef(a[0]);
  PyObject* text = nullptr;
  if (value && n < 2 && PyUnicode_CheckExact(value)) text = Py_NewRef(value);
  else if (value) text = PyObject_Format(value, n > 1 ? a[1] : nullptr);
  Py_XDECREF(value);
  return give(ctx, out, text);
}
OBJECT_OP(string) {
  Operands a{cells, n};
  PyObject *empty = PyUnicode_FromStringAndSize(nullptr, 0), *parts = empty ? PyTuple_New(n) : nullptr;
  for (int64_t i = 0; parts && i < n; i++) PyTuple_SET_ITEM(parts, i, Py_NewRef(a[i]));
  PyObject* joined = parts ? PyUnicode_Join(empty, parts) : nullptr;
  Py_XDECREF(empty);
  Py_XDECREF(parts);
  return give(ctx, out, joined);
}

static PyObject* tuple_of(PyObject* const* items, int64_t n) {
  PyObject* made = PyTuple_New(n);
  for (int64_t i = 0; made && i < n; i++) PyTuple_SET_ITEM(made, i, Py_NewRef(items[i]));
  return made;
}

OBJECT_OP(function) {
  Operands a{cells, n};
  int64_t positional = imm & 0xffff, keywords = imm >> 16 & 0xffff, captured = imm >> 32;
  PyObject* made = PyFunction_New(a[1], globals_of(a[0]));
  if (made && positional) {
    PyObject* defaults = tuple_of(a.objects(2), positional);
    if (!defaults || PyFunction_SetDefaults(made, defaults) < 0) Py_CLEAR(made);
    Py_XDECREF(defaults);
  }
  if (made && keywords) {
    PyObject* dict = PyDict_New();
    for (int64_t i = 0; dict && i < keywords; i++)
      if (PyDict_SetItem(dict, PyTuple_GET_ITEM(name_of(import), i), a[2 + positional + i]) < 0) Py_CLEAR(dict);
    if (!dict || PyObject_SetAttrString(made, "__kwdefaults__", dict) < 0) Py_CLEAR(made);
    Py_XDECREF(dict);
  }
  if (made && captured) {
    PyObject* closure = tuple_of(a.objects(2 + positional + keywords), captured);
    if (!closure || PyFunction_SetClosure(made, closure) < 0) Py_CLEAR(made);
    Py_XDECREF(closure);
  }
  return give(ctx, out, made);
}
OBJECT_OP(build_class) {
  PyObject* builtin = PyDict_GetItemString(PyEval_GetBuiltins(), "__build_class__");
  if (!builtin) PyErr_SetString(PyExc_NameError, "__build_class__ not found");
  return give(ctx, out, Py_XNewRef(builtin));
}

// ---- calls and iteration ----------------------------------------------------------------------------------------------------------------

OBJECT_OP(call) {
  Operands a{cells, n};
  auto* keywords = static_cast<PyObject*>(import);
  auto positional = static_cast<size_t>(n - 1 - (keywords ? PyTuple_GET_SIZE(keywords) : 0));
  if (Py_EnterRecursiveCall(" while calling a Python object")) return raise_python_error(ctx);
  // The callee may use the cell in front of the arguments, which holds itself, for the time of the call.
  PyObject* result = PyObject_Vectorcall(a[0], a.objects(1), positional | PY_VECTORCALL_ARGUMENTS_OFFSET, keywords);
  Py_LeaveRecursiveCall();
  return give(ctx, out, result);
}
OBJECT_OP(call_ex) {
  Operands a{cells, n};
  PyObject *arguments = Py_NewRef(a[1]), *keywords = nullptr;
  if (!PyTuple_CheckExact(arguments)) {
    if (!Py_TYPE(arguments)->tp_iter && !PySequence_Check(arguments)) {
      PyObject* callee = callee_text(a[0]);
      if (callee) PyErr_Format(PyExc_TypeError, "%U argument after * must be an iterable, not %.200s", callee, Py_TYPE(arguments)->tp_name);
      Py_XDECREF(callee);
      Py_DECREF(arguments);
      return raise_python_error(ctx);
    }
    Py_SETREF(arguments, PySequence_Tuple(arguments));
  }
  if (arguments && n > 2) {
    keywords = PyDict_CheckExact(a[2]) ? Py_NewRef(a[2]) : PyDict_New();
    if (keywords && keywords != a[2] && PyDict_Update(keywords, a[2]) < 0) {
      Py_CLEAR(keywords);
      PyErr_Clear();
      PyObject* callee = callee_text(a[0]);
      if (callee) PyErr_Format(PyExc_TypeError, "%U argument after ** must be a mapping, not %.200s", callee, Py_TYPE(a[2])->tp_name);
      Py_XDECREF(callee);
    }
  }
  PyObject* result = nullptr;
  if (arguments && (n <= 2 || keywords) && !Py_EnterRecursiveCall(" while calling a Python object")) {
    result = PyObject_Call(a[0], arguments, keywords);
    Py_LeaveRecursiveCall();
  }
  Py_XDECREF(arguments);
  Py_XDECREF(keywords);
  return give(ctx, out, result);
}
OBJECT_OP(iter) { return give(ctx, out, PyObject_GetIter(static_cast<PyObject*>(cells[0]))); }
OBJECT_OP(iter_at) {
  Operands a{cells, n};
  PyObject* it = PyObject_GetIter(a[0]);
  PyObject* none = it ? PyObject_CallMethod(it, "__setstate__", "L", static_cast<long long>(a.integer(1))) : nullptr;
  if (!none) Py_CLEAR(it);
  Py_XDECREF(none);
  return give(ctx, out, it);
}
OBJECT_OP(enumerate) {
  Operands a{cells, n};
  return give(ctx, out, PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyEnum_Type), "OL", a[0], static_cast<long long>(a.integer(1))));
}
OBJECT_OP(zip) {
  Operands a{cells, n};
  return give(ctx, out, PyObject_Vectorcall(reinterpret_cast<PyObject*>(&PyZip_Type), a.objects(), static_cast<size_t>(n), nullptr));
}
// Looks for Ctrl-C: what iterators do does not, and where the loop is in a try statement nothing else may.
OBJECT_OP(next) {
  if (*ctx->poll && coluber_poll(ctx)) return 1;
  auto* it = static_cast<PyObject*>(cells[0]);
  PyObject* item = Py_TYPE(it)->tp_iternext(it);
  if (!item && PyErr_Occurred()) {
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return raise_python_error(ctx);
    PyErr_Clear();
  }
  out[0] = reinterpret_cast<intptr_t>(item);
  out[1] = item != nullptr;
  return 0;
}

// The first `n` items of an iterable into out, the iterator into *rest when it is asked for; false with an error.
static bool take_items(PyObject* iterable, int64_t n, int64_t more, PyObject** rest, int64_t* out) {
  PyObject* it = PyObject_GetIter(iterable);
  if (!it) {
    if (PyErr_ExceptionMatches(PyExc_TypeError) && !Py_TYPE(iterable)->tp_iter && !PySequence_Check(iterable))
      PyErr_Format(PyExc_TypeError, "cannot unpack non-iterable %.200s object", Py_TYPE(iterable)->tp_name);
    return false;
  }
  int64_t i = 0;
  for (; i < n; i++) {
    PyObject* item = PyIter_Next(it);
    if (!item) break;
    out[i] = reinterpret_cast<intptr_t>(item);
  }
  bool ok = i == n;
  if (!ok && !PyErr_Occurred()) {
    if (rest) PyErr_Format(PyExc_ValueError, "not enough values to unpack (expected at least %lld, got %lld)", static_cast<long long>(n + more), static_cast<long long>(i));
    else PyErr_Format(PyExc_ValueError, "not enough values to unpack (expected %lld, got %lld)", static_cast<long long>(n), static_cast<long long>(i));
  }
  if (ok && !rest) {
    PyObject* extra = PyIter_Next(it);
    ok = !extra && !PyErr_Occurred();
    if (extra) {
      Py_DECREF(extra);
      PyErr_Format(PyExc_ValueError, "too many values to unpack (expected %lld)", static_cast<long long>(n));
    }
  }
  if (ok && rest) {
    *rest = it;
    return true;
  }
  Py_DECREF(it);
  if (!ok)
    while (i > 0) Py_DECREF(reinterpret_cast<PyObject*>(out[--i]));
  return ok;
}

OBJECT_OP(unpack) {
  auto* o = static_cast<PyObject*>(cells[0]);
  bool exact = (PyTuple_CheckExact(o) && PyTuple_GET_SIZE(o) == imm) || (PyList_CheckExact(o) && PyList_GET_SIZE(o) == imm);
  if (exact) {
    for (int64_t i = 0; i < imm; i++) out[i] = reinterpret_cast<intptr_t>(Py_NewRef(PyTuple_CheckExact(o) ? PyTuple_GET_ITEM(o, i) : PyList_GET_ITEM(o, i)));
    return 0;
  }
  return take_items(o, imm, 0, nullptr, out) ? 0 : raise_python_error(ctx);
}
OBJECT_OP(unpack_ex) {
  int64_t before = imm & 255, after = imm >> 8;
  PyObject* it = nullptr;
  if (!take_items(static_cast<PyObject*>(cells[0]), before, after, &it, out)) return raise_python_error(ctx);
  PyObject* list = PySequence_List(it);
  Py_DECREF(it);
  int64_t have = list ? PyList_GET_SIZE(list) : 0;
  if (!list || have < after) {
    if (list) PyErr_Format(PyExc_ValueError, "not enough values to unpack (expected at least %lld, got %lld)", static_cast<long long>(before + after), static_cast<long long>(before + have));
    Py_XDECREF(list);
    for (int64_t i = 0; i < before; i++) Py_DECREF(reinterpret_cast<PyObject*>(out[i]));
    return raise_python_error(ctx);
  }
  for (int64_t i = 0; i < after; i++) out[before + 1 + i] = reinterpret_cast<intptr_t>(Py_NewRef(PyList_GET_ITEM(list, have - after + i)));
  if (PyList_SetSlice(list, have - after, have, nullptr) < 0) PyErr_Clear();   // deleting the end of a list of ours does not fail
  out[before] = reinterpret_cast<intptr_t>(list);
  return 0;
}
