// Options: one loop over the table does it all.
#include "jit/host/options.h"

#include <cstdlib>
#include <cstring>
#include <string_view>

namespace coluber::jit {
namespace {

enum class OptionKind { Bool, Choice, Flags, Level, Types, Ignored };

struct Row {
  const char* name;
  OptionKind kind;
  const char* kind_name;
  int32_t fallback;
  const char* choices;
  const char* doc;
  int32_t clb_options::* field;               // null: not the engine's
  int32_t HostOptions::* host;                // null: not the host's
};

// A field belongs to the engine's options, to the host's, or to neither.
struct Field {
  int32_t clb_options::* engine = nullptr;
  int32_t HostOptions::* host = nullptr;
  constexpr Field() = default;
  constexpr Field(int32_t clb_options::* e) : engine(e) {}
  constexpr Field(int32_t HostOptions::* h) : host(h) {}
};
struct FieldNames {
  static constexpr Field nogil = &clb_options::nogil;
  static constexpr Field fastmath = &clb_options::fastmath;
  static constexpr Field error_model = &clb_options::error_model;
  static constexpr Field boundscheck = &clb_options::boundscheck;
  static constexpr Field overflow = &clb_options::overflow;
  static constexpr Field inline_ = &clb_options::inline_;
  static constexpr Field debug = &clb_options::debug;
  static constexpr Field parallel = &clb_options::parallel;
  static constexpr Field races = &clb_options::races;
  static constexpr Field check_races = &clb_options::check_races;
  static constexpr Field reduction = &clb_options::reduction;
  static constexpr Field opt_level = &clb_options::opt_level;
  static constexpr Field cache = &HostOptions::cache;
  static constexpr Field fallback = &HostOptions::fallback;
  static constexpr Field forceobj = &HostOptions::forceobj;
  static constexpr Field locals{};
  static constexpr Field none{};
};

const Row kRows[] = {
#define OPTION(name, field, kind, fallback, choices, doc) {#name, OptionKind::kind, #kind, fallback, choices, doc, FieldNames::field.engine, FieldNames::field.host},
#include "jit/options.def"
};

// The position of a word in a list of words, or -1.
int word_index(const char* words, std::string_view word) {
  int index = 0;
  std::string_view rest = words;
  while (!rest.empty()) {
    std::string_view head = rest.substr(0, rest.find(' '));
    if (head == word) return index;
    rest.remove_prefix(head.size() < rest.size() ? head.size() + 1 : rest.size());
    index++;
  }
  return -1;
}

int word_count(const char* words) {
  int count = *words ? 1 : 0;
  for (const char* p = words; *p; p++) count += *p == ' ';
  return count;
}

bool add_flag(const Row& row, PyObject* flag, int32_t* out) {
  const char* name = PyUnicode_Check(flag) ? PyUnicode_AsUTF8(flag) : nullptr;
  int index = name ? word_index(row.choices, name) : -1;
  if (name && !strcmp(name, "fast")) {
    *out |= (1 << word_count(row.choices)) - 1;
    return true;
  }
  if (index < 0) return PyErr_Format(PyExc_ValueError, "%s: unknown flag %R; there are: fast %s", row.name, flag, row.choices), false;
  *out |= 1 << index;
  return true;
}

bool parse_flags(const Row& row, PyObject* value, int32_t* out) {
  *out = 0;
  if (value == Py_None || value == Py_False) return true;
  if (value == Py_True) return *out = (1 << word_count(row.choices)) - 1, true;
  if (PyUnicode_Check(value)) return add_flag(row, value, out);
  bool dict = PyDict_Check(value);
  PyObject *iterator = PyObject_GetIter(value), *flag;
  if (!iterator) return false;
  bool ok = true;
  while (ok && (flag = PyIter_Next(iterator))) {
    int on = dict ? PyObject_IsTrue(PyDict_GetItem(value, flag)) : 1;
    ok = on >= 0 && (!on || add_flag(row, flag, out));
    Py_DECREF(flag);
  }
  Py_DECREF(iterator);
  return ok && !PyErr_Occurred();
}

bool parse_types(PyObject* value, HostOptions* out) {
  out->local_names.clear();
  out->local_types.clear();
  if (value == Py_None) return true;
  if (!PyDict_Check(value)) return PyErr_SetString(PyExc_TypeError, "locals: a dict of types by variable name is expected"), false;
  PyObject *name, *type;
  Py_ssize_t at = 0;
  while (PyDict_Next(value, &at, &name, &type)) {
    PyObject* text = PyObject_GetAttrString(type, "text");
    if (!text || !PyUnicode_Check(text) || !PyUnicode_Check(name)) {
      Py_XDECREF(text);
      return PyErr_Format(PyExc_TypeError, "locals: %R is not one of coluber.types", type), false;
    }
    out->local_names.emplace_back(PyUnicode_AsUTF8(name));
    out->local_types.emplace_back(PyUnicode_AsUTF8(text));
    Py_DECREF(text);
  }
  return true;
}

bool parse_one(const Row& row, PyObject* value, HostOptions* out) {
  int32_t number = row.fallback;
  switch (row.kind) {
    case OptionKind::Ignored: return true;
    case OptionKind::Types: return parse_types(value, out);
    case OptionKind::Flags:
      if (!parse_flags(row, value, &number)) return false;
      break;
    case OptionKind::Choice: {
      const char* word = PyUnicode_Check(value) ? PyUnicode_AsUTF8(value) : nullptr;
      number = word ? word_index(row.choices, word) : value == Py_None ? row.fallback : -1;
      if (number < 0) return PyErr_Format(PyExc_ValueError, "%s: one of %s is expected, not %R", row.name, row.choices, value), false;
      break;
    }
    case OptionKind::Level:
      number = static_cast<int32_t>(PyLong_AsLong(value));
      if (PyErr_Occurred()) return false;
      if (number < 0 || number > 3) return PyErr_Format(PyExc_ValueError, "%s: 0 to 3 is expected, not %d", row.name, number), false;
      break;
    case OptionKind::Bool:
      if (value != Py_None) number = PyObject_IsTrue(value);   // None: the default, as Numba has it
      if (number < 0) return false;
  }
  if (row.field) out->engine.*row.field = number;
  if (row.host) out->*row.host = number;
  return true;
}

}  // namespace

HostOptions default_options() {
  HostOptions out;
  for (const Row& row : kRows) {
    if (row.field) out.engine.*row.field = row.fallback;
    if (row.host) out.*row.host = row.fallback;
  }
  const char* check = std::getenv("COLUBER_CHECK_RACES");
  out.engine.check_races = check && *check && strcmp(check, "0") != 0;
  return out;
}

bool parse_options(PyObject* keywords, HostOptions* out) {
  PyObject *name, *value;
  Py_ssize_t at = 0;
  while (PyDict_Next(keywords, &at, &name, &value)) {
    const Row* found = nullptr;
    for (const Row& row : kRows) {
      if (PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, row.name) == 0) found = &row;
    }
    if (!found) {
      std::string known;
      for (const Row& row : kRows) known += (known.empty() ? "" : ", ") + std::string(row.name);
      PyErr_Format(PyExc_TypeError, "there is no option %R; there are: %s", name, known.c_str());
      return false;
    }
    if (!parse_one(*found, value, out)) return false;
  }
  return true;
}

PyObject* options_table() {
  PyObject* list = PyList_New(0);
  for (const Row& row : kRows) {
    PyObject* tuple = Py_BuildValue("(ssiss)", row.name, row.kind_name, row.fallback, row.choices, row.doc);
    if (!list || !tuple || PyList_Append(list, tuple) < 0) Py_CLEAR(list);
    Py_XDECREF(tuple);
  }
  return list;
}

PyObject* options_dict(const HostOptions& options) {
  PyObject* dict = PyDict_New();
  for (const Row& row : kRows) {
    if (!dict) break;
    int32_t number = row.field ? options.engine.*row.field : row.host ? options.*row.host : row.fallback;
    if (row.kind == OptionKind::Ignored || row.kind == OptionKind::Types || number == row.fallback) continue;
    PyObject* value;
    if (row.kind == OptionKind::Level) {
      value = PyLong_FromLong(number);
    } else if (row.kind == OptionKind::Bool) {
      value = PyBool_FromLong(number);
    } else {                                  // the word, or the words whose bits are set
      value = row.kind == OptionKind::Flags ? PySet_New(nullptr) : nullptr;
      std::string words = std::string(row.choices) + " ";
      for (int i = 0; !words.empty(); i++, words.erase(0, words.find(' ') + 1)) {
        PyObject* word = PyUnicode_FromString(words.substr(0, words.find(' ')).c_str());
        if (row.kind == OptionKind::Choice && i == number) value = Py_XNewRef(word);
        if (row.kind == OptionKind::Flags && (number >> i & 1) && PySet_Add(value, word) < 0) Py_CLEAR(value);
        Py_XDECREF(word);
      }
    }
    if (!value || PyDict_SetItemString(dict, row.name, value) < 0) Py_CLEAR(dict);
    Py_XDECREF(value);
  }
  return dict;
}

}  // namespace coluber::jit
