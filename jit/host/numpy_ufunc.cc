// Ufunc objects over compiled loops. NumPy takes pointers to tables of loops; these are kept by an object of ours that the ufunc owns, and may
// grow: a ufunc without signatures begins with no loop, and its type resolver (Python: coluber.ufuncs) adds one for each new combination of
// dtypes. NumPy keeps what the resolver has answered by classes of dtypes, so that a combination costs a look-up from then on.
#include "jit/host/numpy_ufunc.h"

#include <memory>

#include "jit/host/numpy_api.h"
#include "jit/host/numpy_ufunc_loop.h"

namespace coluber::jit {
namespace {

struct Tables {
  std::string name, doc, layout;              // NumPy keeps pointers to their text
  std::vector<PyUFuncGenericFunction> functions;
  std::vector<void*> data;
  std::vector<char> types;
  std::vector<std::unique_ptr<UfuncLoop>> loops;
};

struct UfuncState {
  PyObject_HEAD
  PyObject* info;
  PyObject* resolver;
  Tables* tables;
};

PyTypeObject* g_state_type = nullptr;

UfuncState* cast(PyObject* o) { return reinterpret_cast<UfuncState*>(o); }

int state_traverse(PyObject* o, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(o));
  Py_VISIT(cast(o)->info);
  Py_VISIT(cast(o)->resolver);
  for (const auto& loop : cast(o)->tables->loops) {
    for (Dispatcher* maker : loop->makers) Py_VISIT(reinterpret_cast<PyObject*>(maker));
  }
  return 0;
}

int state_clear(PyObject* o) {
  Py_CLEAR(cast(o)->info);
  Py_CLEAR(cast(o)->resolver);
  return 0;
}

void state_dealloc(PyObject* o) {
  PyTypeObject* type = Py_TYPE(o);
  PyObject_GC_UnTrack(o);
  state_clear(o);
  delete cast(o)->tables;
  type->tp_free(o);
  Py_DECREF(type);
}

PyType_Slot g_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(state_dealloc)},
                         {Py_tp_traverse, reinterpret_cast<void*>(state_traverse)},
                         {Py_tp_clear, reinterpret_cast<void*>(state_clear)},
                         {0, nullptr}};
PyType_Spec g_spec = {"coluber._UfuncState", sizeof(UfuncState), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, g_slots};

// NumPy's ufunc API and our type, when the first ufunc is made.
bool set_up() {
  if (g_state_type) return true;
  if (!resolve_numpy() || _import_umath() < 0) return false;
  g_state_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&g_spec));
  return g_state_type != nullptr;
}

// Of a ufunc of ours, else null; borrowed.
UfuncState* state_of(PyObject* object) {
  if (!g_state_type || !PyObject_TypeCheck(object, g_numpy.ufunc)) return nullptr;
  PyObject* state = reinterpret_cast<PyUFuncObject*>(object)->obj;
  return state && Py_TYPE(state) == g_state_type ? cast(state) : nullptr;
}

bool read_operand(PyObject* row, Operand* out) {
  const char* dtype;
  PyObject* core;
  int readonly;
  if (!PyArg_ParseTuple(row, "siO!p", &dtype, &out->ndim, &PyTuple_Type, &core, &readonly)) return false;
  out->item = parse_type(dtype);
  if (!out->item || !is_scalar(out->item->kind)) return PyErr_Format(PyExc_SystemError, "%s is no dtype of a ufunc", dtype), false;
  out->size = item_size(out->item);
  out->readonly = readonly;
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(core); k++) out->core.push_back(static_cast<int32_t>(PyLong_AsLong(PyTuple_GET_ITEM(core, k))));
  return !PyErr_Occurred();
}

bool read_loop(PyObject* row, UfuncLoop* loop) {
  PyObject *operands, *makers;
  int parallel;
  if (!PyArg_ParseTuple(row, "O!O!p", &PyTuple_Type, &operands, &PyTuple_Type, &makers, &parallel)) return false;
  loop->parallel = parallel;
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(operands); k++) {
    if (!read_operand(PyTuple_GET_ITEM(operands, k), &loop->operands.emplace_back())) return false;
  }
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(makers) && k < 4; k++) {
    PyObject* maker = PyTuple_GET_ITEM(makers, k);
    if (maker == Py_None) continue;
    if (!is_dispatcher(maker)) return PyErr_SetString(PyExc_SystemError, "a loop of a ufunc is made by a dispatcher"), false;
    loop->makers[k] = reinterpret_cast<Dispatcher*>(Py_NewRef(maker));
  }
  return true;
}

bool add_loop(Tables* tables, int nin, PyObject* row) {
  auto loop = std::make_unique<UfuncLoop>();
  loop->nin = nin;
  loop->name = tables->name;
  if (!read_loop(row, loop.get())) return false;
  for (const Operand& operand : loop->operands) tables->types.push_back(static_cast<char>(type_number(operand.item->kind)));
  tables->functions.push_back(run_ufunc_loop);
  tables->data.push_back(loop.get());
  tables->loops.push_back(std::move(loop));
  return true;
}

// ---- types ----------------------------------------------------------------------------------------------------------------------------

// A Python number that takes the type of what is beside it (NEP 50). NumPy marks it privately; casts of it are the public sign.
bool is_weak(PyArrayObject* operand) {
  if (PyArray_NDIM(operand) != 0) return false;
  int narrow;
  switch (PyArray_TYPE(operand)) {
    case NPY_LONG: case NPY_LONGLONG: narrow = NPY_HALF; break;
    case NPY_DOUBLE: narrow = NPY_FLOAT; break;
    case NPY_CDOUBLE: narrow = NPY_CFLOAT; break;
    default: return false;
  }
  PyArray_Descr* descr = PyArray_DescrFromType(narrow);
  bool weak = descr && PyArray_CanCastArrayTo(operand, descr, NPY_SAFE_CASTING);
  Py_XDECREF(descr);
  return weak;
}

// PyUFunc_TypeResolutionFunc of ufuncs without signatures.
int resolve_types(PyUFuncObject* ufunc, NPY_CASTING, PyArrayObject** operands, PyObject* wanted, PyArray_Descr** out) {
  UfuncState* state = state_of(reinterpret_cast<PyObject*>(ufunc));
  PyObject* inputs = PyTuple_New(ufunc->nin);
  for (int k = 0; inputs && k < ufunc->nin; k++) {
    PyObject* pair = Py_BuildValue("(OO)", PyArray_DESCR(operands[k]), is_weak(operands[k]) ? Py_True : Py_False);
    if (pair) PyTuple_SET_ITEM(inputs, k, pair);
    else Py_CLEAR(inputs);
  }
  PyObject* answer = inputs && state ? PyObject_CallFunctionObjArgs(state->resolver, reinterpret_cast<PyObject*>(ufunc), inputs, wanted ? wanted : Py_None, nullptr) : nullptr;
  Py_XDECREF(inputs);
  if (!answer) return -1;
  bool ok = PyTuple_Check(answer) && PyTuple_GET_SIZE(answer) == ufunc->nargs;
  for (int k = 0; ok && k < ufunc->nargs; k++) {
    const char* text = PyUnicode_AsUTF8(PyTuple_GET_ITEM(answer, k));
    const HostType* type = text ? parse_type(text) : nullptr;
    out[k] = type ? PyArray_DescrFromType(type_number(type->kind)) : nullptr;
    ok = out[k] != nullptr;
  }
  Py_DECREF(answer);
  if (ok) return 0;
  if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "the types of a ufunc were not resolved");
  return -1;
}

// ---- making one -----------------------------------------------------------------------------------------------------------------------

// None: no identity; "reorderable": none, but the order does not matter; else the value.
int identity_kind(PyObject* identity) {
  if (identity == Py_None) return PyUFunc_None;
  return PyUnicode_Check(identity) ? PyUFunc_ReorderableNone : PyUFunc_IdentityValue;
}

PyObject* new_state(PyObject* info, PyObject* resolver, const char* name, const char* doc, const char* layout) {
  auto* state = PyObject_GC_New(UfuncState, g_state_type);
  if (!state) return nullptr;
  state->info = Py_NewRef(info);
  state->resolver = Py_NewRef(resolver);
  state->tables = new Tables{name, doc ? doc : "", layout ? layout : "", {}, {}, {}, {}};
  PyObject_GC_Track(state);
  return reinterpret_cast<PyObject*>(state);
}

// NumPy asks no resolver of a ufunc without any loops, unless it has a place for loops of user-defined dtypes: an empty one.
bool resolve_by(PyUFuncObject* ufunc) {
  ufunc->type_resolver = resolve_types;
  if (!ufunc->userloops) ufunc->userloops = PyDict_New();
  return ufunc->userloops != nullptr;
}

void share(PyUFuncObject* ufunc, Tables* t) {
  ufunc->functions = t->functions.data();
  ufunc->data = t->data.data();
  ufunc->types = t->types.data();
  ufunc->ntypes = static_cast<int>(t->functions.size());
}

}  // namespace

PyObject* make_ufunc(PyObject*, PyObject* args) {
  const char *name, *doc, *layout;
  int nin, nout;
  PyObject *identity, *loops, *resolver, *info, *writable;
  if (!PyArg_ParseTuple(args, "szziiOO!OOO!", &name, &doc, &layout, &nin, &nout, &identity, &PyTuple_Type, &loops, &resolver, &info, &PyTuple_Type, &writable)) return nullptr;
  if (nin + nout > kMostOperands) return PyErr_Format(PyExc_ValueError, "%s(): a ufunc has at most %d operands, not %d", name, kMostOperands, nin + nout);
  if (!set_up()) return nullptr;
  PyObject* state = new_state(info, resolver, name, doc, layout);
  if (!state) return nullptr;
  Tables* t = cast(state)->tables;
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(loops); k++) {
    if (!add_loop(t, nin, PyTuple_GET_ITEM(loops, k))) return Py_DECREF(state), nullptr;
  }
  PyObject* made = PyUFunc_FromFuncAndDataAndSignatureAndIdentity(t->functions.data(), t->data.data(), t->types.data(), static_cast<int>(t->functions.size()), nin, nout,
                                                                  identity_kind(identity), t->name.c_str(), t->doc.c_str(), 0, layout ? t->layout.c_str() : nullptr, identity);
  if (!made) return Py_DECREF(state), nullptr;
  auto* ufunc = reinterpret_cast<PyUFuncObject*>(made);
  ufunc->obj = state;                         // the ufunc's from now on
  if (resolver != Py_None && !resolve_by(ufunc)) return Py_DECREF(made), nullptr;
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(writable); k++) {
    long operand = PyLong_AsLong(PyTuple_GET_ITEM(writable, k));
    if (operand >= 0 && operand < nin) ufunc->op_flags[operand] = NPY_ITER_READWRITE | NPY_ITER_UPDATEIFCOPY;
  }
  return made;
}

PyObject* add_ufunc_loop(PyObject*, PyObject* args) {
  PyObject *object, *row;
  if (!PyArg_ParseTuple(args, "OO", &object, &row)) return nullptr;
  UfuncState* state = state_of(object);
  if (!state) return PyErr_Format(PyExc_TypeError, "%R is not a ufunc made by Coluber", object);
  auto* ufunc = reinterpret_cast<PyUFuncObject*>(object);
  if (!add_loop(state->tables, ufunc->nin, row)) return nullptr;
  share(ufunc, state->tables);
  Py_RETURN_NONE;
}

PyObject* ufunc_info(PyObject*, PyObject* object) {
  UfuncState* state = state_of(object);
  return Py_NewRef(state ? state->info : Py_None);
}

}  // namespace coluber::jit
