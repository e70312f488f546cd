// Python exceptions: of compiled code, of the compiler, of the dispatcher itself.
#pragma once
#include <Python.h>

#include <string>

#include "jit/engine_api.h"
#include "jit/host/dispatcher.h"

namespace coluber::jit {

// A diagnostic of the engine; `cause` (borrowed, or null) becomes its __cause__.
void raise_diag(const clb_diag& diag, PyObject* cause);
// coluber.errors.TypingError: "f() <message>" and the hint.
void raise_typing_error(Dispatcher* self, const std::string& message, const std::string& hint);

}  // namespace coluber::jit
