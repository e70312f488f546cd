// str() and repr() of numbers. Python's own are written without the GIL: the shortest decimal text that reads back as the same value. How
// NumPy writes its narrow ones changes from version to version, so that it is asked.
#include <Python.h>

#include <charconv>
#include <cmath>
#include <cstring>

#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

// Digits and decimal exponent by to_chars; then Python's rule when to use an exponent.
std::string shortest(double v, bool add_point) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
  char buffer[64];
  char* end = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific).ptr;
  std::string digits, out;
  char* p = buffer;
  if (*p == '-') out += *p++;
  for (; p < end && *p != 'e'; p++) {
    if (*p != '.') digits += *p;
  }
  int exponent = 0;
  std::from_chars(p[1] == '+' ? p + 2 : p + 1, end, exponent);
  int point = exponent + 1;                          // the decimal point stands after this many digits
  int count = static_cast<int>(digits.size());
  if (-4 < point && point <= 16) {
    if (point <= 0) return out + "0." + std::string(static_cast<size_t>(-point), '0') + digits;
    if (point >= count) return out + digits + std::string(static_cast<size_t>(point - count), '0') + (add_point ? ".0" : "");
    return out + digits.substr(0, static_cast<size_t>(point)) + "." + digits.substr(static_cast<size_t>(point));
  }
  out += digits[0];
  if (count > 1) out += "." + digits.substr(1);
  out += exponent < 0 ? "e-" : "e+";
  int magnitude = exponent < 0 ? -exponent : exponent;
  if (magnitude < 10) out += '0';
  return out + std::to_string(magnitude);
}

// A scalar of NumPy's, made of the value; new reference. GIL held.
PyObject* numpy_scalar(const char* cls, PyObject* value) {
  PyObject* numpy = value ? PyImport_ImportModule("numpy") : nullptr;
  PyObject* made = numpy ? PyObject_CallMethod(numpy, cls, "O", value) : nullptr;
  Py_XDECREF(numpy);
  Py_XDECREF(value);
  return made;
}

// The value as what print() would be given.
PyObject* box_for_text(const coluber_value& v) {
  if (v.tag == COLUBER_TAG_FLOAT32) return numpy_scalar("float32", PyFloat_FromDouble(static_cast<double>(v.v.f32)));
  if (v.tag == COLUBER_TAG_COMPLEX64) return numpy_scalar("complex64", PyComplex_FromDoubles(v.v.c[0], v.v.c[1]));
  return box_value(v);
}

bool append_value(std::string* out, const coluber_value& v, int64_t conversion) {
  switch (v.tag) {
    case COLUBER_TAG_NONE: *out += "None"; return true;
    case COLUBER_TAG_BOOL: case COLUBER_TAG_NPBOOL: *out += (v.v.i & 1) ? "True" : "False"; return true;
    case COLUBER_TAG_INT: *out += std::to_string(v.v.i); return true;
    case COLUBER_TAG_UINT: *out += std::to_string(static_cast<uint64_t>(v.v.i)); return true;
    case COLUBER_TAG_FLOAT: *out += float_text(v.v.f); return true;
    case COLUBER_TAG_COMPLEX: *out += complex_text(v.v.c[0], v.v.c[1]); return true;
    case COLUBER_TAG_STR:
      if (conversion >= 2) break;                    // quoting: Python's
      out->append(v.v.s.data, static_cast<size_t>(v.v.s.length));
      return true;
    default: break;
  }
  GilScope gil;
  PyObject* object = box_for_text(v);
  PyObject* text = !object ? nullptr : conversion == 3 ? PyObject_ASCII(object) : conversion == 2 ? PyObject_Repr(object) : PyObject_Str(object);
  Py_ssize_t length = 0;
  const char* data = text ? PyUnicode_AsUTF8AndSize(text, &length) : nullptr;
  if (data) out->append(data, static_cast<size_t>(length));
  Py_XDECREF(object);
  Py_XDECREF(text);
  return data != nullptr;
}

}  // namespace

std::string float_text(double v) { return shortest(v, true); }
std::string complex_text(double re, double im) {
  if (re == 0 && !std::signbit(re)) return shortest(im, false) + "j";
  std::string imag = shortest(im, false);
  if (imag[0] != '-') imag = "+" + imag;
  return "(" + shortest(re, false) + imag + "j)";
}

PyObject* box_value(const coluber_value& v) {
  auto text = [](const std::string& s) { return PyUnicode_FromStringAndSize(s.data(), static_cast<Py_ssize_t>(s.size())); };
  switch (v.tag) {
    case COLUBER_TAG_NONE: Py_RETURN_NONE;
    case COLUBER_TAG_BOOL: case COLUBER_TAG_NPBOOL: return PyBool_FromLong(v.v.i & 1);
    case COLUBER_TAG_INT: return PyLong_FromLongLong(v.v.i);
    case COLUBER_TAG_UINT: return PyLong_FromUnsignedLongLong(static_cast<uint64_t>(v.v.i));
    case COLUBER_TAG_FLOAT: return PyFloat_FromDouble(v.v.f);
    case COLUBER_TAG_FLOAT32: return PyFloat_FromDouble(static_cast<double>(v.v.f32));
    case COLUBER_TAG_COMPLEX: case COLUBER_TAG_COMPLEX64: return PyComplex_FromDoubles(v.v.c[0], v.v.c[1]);
    case COLUBER_TAG_STR: return text(std::string(v.v.s.data, static_cast<size_t>(v.v.s.length)));
    case COLUBER_TAG_EXC: return box_exception(static_cast<coluber_exc*>(v.v.object));
    case COLUBER_TAG_OBJECT: return Py_NewRef(static_cast<PyObject*>(v.v.object));
    default: PyErr_Format(PyExc_SystemError, "unknown value tag %lld", static_cast<long long>(v.tag)); return nullptr;
  }
}

}  // namespace coluber::jit

using namespace coluber::jit;

extern "C" {

// out: the slots of a str: data, length, owner. conversions: 0 and 1 str, 2 repr, 3 ascii.
int32_t coluber_format(coluber_ctx* ctx, const coluber_value* values, const int64_t* conversions, int64_t n, int64_t* out) {
  std::string text;
  for (int64_t i = 0; i < n; i++) {
    if (append_value(&text, values[i], conversions[i])) continue;
    GilScope gil;
    return raise_python_error(ctx);
  }
  coluber_owner* owner = new_owner(static_cast<int64_t>(text.size()) + 1, false, COLUBER_STR);
  if (!owner) {
    coluber_raise_diag(ctx, -1, nullptr, 0);
    return 1;
  }
  memcpy(owner + 1, text.c_str(), text.size() + 1);
  out[0] = reinterpret_cast<int64_t>(owner + 1);
  out[1] = static_cast<int64_t>(text.size());
  out[2] = reinterpret_cast<int64_t>(owner);
  return 0;
}

// print() itself does the writing, so that whatever sys.stdout is gets the text. options: indices of sep and end among the values, or -1.
int32_t coluber_print(coluber_ctx* ctx, const coluber_value* values, const int64_t* options, int64_t n) {
  GilScope gil;
  static PyObject* print = nullptr;
  if (!print) {
    PyObject* builtins = PyImport_ImportModule("builtins");
    print = builtins ? PyObject_GetAttrString(builtins, "print") : nullptr;
    Py_XDECREF(builtins);
    if (!print) return raise_python_error(ctx);
  }
  PyObject *args = PyList_New(0), *kwargs = PyDict_New(), *tuple = nullptr, *result = nullptr;
  bool ok = args && kwargs;
  for (int64_t i = 0; ok && i < n; i++) {
    PyObject* item = box_for_text(values[i]);
    const char* keyword = i == options[0] ? "sep" : i == options[1] ? "end" : nullptr;
    ok = item && (keyword ? PyDict_SetItemString(kwargs, keyword, item) : PyList_Append(args, item)) == 0;
    Py_XDECREF(item);
  }
  if (ok) tuple = PyList_AsTuple(args);
  if (tuple) result = PyObject_Call(print, tuple, kwargs);
  Py_XDECREF(args);
  Py_XDECREF(kwargs);
  Py_XDECREF(tuple);
  Py_XDECREF(result);
  return result ? 0 : raise_python_error(ctx);
}

}  // extern "C"
