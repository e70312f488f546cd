/* The C ABI between the extension (_coluber, knows Python) and the engine (libcoluber_engine.so, knows LLVM). Plain structs and function
   pointers only. The host fills in snapshots under the GIL; the engine works without it and calls the host back through clb_host (each
   callback takes the GIL itself). Memory of the structs handed out by a callback lives until the session ends. Strings are UTF-8. */
#ifndef COLUBER_ENGINE_API_H
#define COLUBER_ENGINE_API_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CLB_API_VERSION 1

/* A compile-time value. Objects that are not plain data travel as handles: indices into the session's table of live references. */
enum clb_const_kind {
  CLB_NONE, CLB_BOOL, CLB_INT, CLB_FLOAT, CLB_COMPLEX, CLB_STR, CLB_ELLIPSIS, CLB_TUPLE,
  CLB_BIGINT,    /* does not fit 64 bits; s has its decimal text */
  CLB_BYTES,
  CLB_CODE,      /* a nested code object: code */
  CLB_MODULE,    /* handle, s: name */
  CLB_FUNCTION,  /* a Python function or a dispatcher of ours: handle, s: qualified name */
  CLB_BUILTIN,   /* any other callable: handle, s: qualified name ("builtins.len", "math.sin", "numpy.add", "numpy.sum") */
  CLB_CLASS,     /* handle, s: qualified name ("builtins.ValueError"); flags bit 0: exception class, bit 1: named tuple (items: field names) */
  CLB_DTYPE,     /* a dtype or NumPy scalar class: s: our type's text ("float64"); flags bit 0: a scalar class (callable) */
  CLB_INTRINSIC, /* an object of coluber.lib.intrinsics: s: its name */
  CLB_SCALAR,    /* a NumPy scalar: s: our type's text; i or f hold the value */
  CLB_ARRAY,     /* a global ndarray: handle, s: our type's text */
  CLB_LIST,      /* a global list of constants: handle, items */
  CLB_TYPE,      /* one of coluber.types: s: its text */
  CLB_OBJECT     /* anything else: handle, s: type name */
};
typedef struct clb_code clb_code;
typedef struct clb_const {
  int32_t kind, flags;
  int64_t i;
  double f[2];
  const char *s;
  int64_t n;                        /* length of s in bytes, or of items */
  const struct clb_const *items;
  const clb_code *code;
  int64_t handle;
} clb_const;

struct clb_code {
  int32_t version;                  /* 310, 311, 312, 313 */
  int32_t argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags, firstlineno;
  const uint8_t *code;        size_t code_size;
  const uint8_t *linetable;   size_t linetable_size;
  const uint8_t *exceptiontable; size_t exceptiontable_size;   /* 3.11+ */
  const clb_const *consts;    int32_t nconsts;
  const char *const *names;   int32_t nnames;
  const char *const *varnames; int32_t nvarnames;   /* co_varnames */
  const char *const *cellvars; int32_t ncellvars;
  const char *const *freevars; int32_t nfreevars;
  const char *filename, *name, *qualname;
};

typedef struct clb_options {        /* see jit/options.def for their meaning */
  int32_t fastmath;                 /* bits: nnan ninf nsz arcp contract afn reassoc */
  int32_t boundscheck, error_model /* 0 python, 1 numpy */, overflow /* 0 wrap, 1 raise */, inline_ /* 0 auto, 1 always, 2 never */;
  int32_t nogil, debug, parallel, races /* 0 warn, 1 error */, check_races, reduction /* 0 fast, 1 deterministic */, opt_level;
  int32_t exact;                    /* set by the host for jit: bit 0: a result that is int on one path and float on another has no type */
} clb_options;

typedef struct clb_function {
  int64_t handle;
  const clb_code *code;
  const clb_const *defaults;   int32_t ndefaults;      /* of the last positional parameters */
  const char *const *kwdefault_names; const clb_const *kwdefaults; int32_t nkwdefaults;
  int32_t library;                  /* from coluber.lib: may use intrinsics, calls pass literals on */
  clb_options options;              /* of its decorator; defaults when it has none */
  const char *const *local_names;   /* the option `locals`: types of variables by name */
  const char *const *local_types;
  int32_t nlocal_types;
} clb_function;

typedef struct clb_host {
  void *self;
  /* each returns 0 when there is an answer in *out, 1 when there is none, -1 on an error (already logged by the host) */
  int (*function)(void *self, int64_t function, const clb_function **out);
  int (*global)(void *self, int64_t function, const char *name, clb_const *out);        /* globals, then builtins */
  int (*cell)(void *self, int64_t function, int32_t index, clb_const *out);             /* closure cell of a free variable */
  int (*attr)(void *self, int64_t object, const char *name, clb_const *out);            /* of a module or class */
  /* The library function for a callable (object >= 0, key null) or for a key like "op:add:list,list", "method:array.sum", "attr:array.T".
     out: CLB_FUNCTION */
  int (*implementation)(void *self, int64_t object, const char *key, clb_const *out);
  /* Runs Numba-protocol overload choosers registered for the object or key with these argument types. out: CLB_FUNCTION */
  int (*overload)(void *self, int64_t object, const char *key, const char *const *types, int32_t n, clb_const *out);
  int (*subclass)(void *self, int64_t cls, int64_t base);                                /* 1 yes, 0 no */
  /* A function object made of a nested code constant (lambda, inner function): a handle whose globals are those of `outer`. */
  int64_t (*nested)(void *self, int64_t outer, const clb_code *code);
  /* Index of the ufunc's (or gufunc's) loop for these operand types, e.g. "dd->d"; *out gets a CLB_INT with it. */
  int (*ufunc_loop)(void *self, int64_t ufunc, const char *signature, clb_const *out);
  /* What may help the user about a name that was not found. about: "global" (object: the function), "attribute" (of object), or a kind
     of values as the library's keys have it, "array" (object -1). Also "type" and "objmode", see coluber/_support.py. out: CLB_STR. May be null. */
  int (*hint)(void *self, int64_t object, const char *about, const char *name, clb_const *out);
} clb_host;

/* Object mode; and where generators are compiled for which it does not pay. */
enum { CLB_OBJECTS = 1, CLB_FORCED_OBJECTS = 2 };

typedef struct clb_request {
  int64_t function;
  const char *const *arg_types;     /* type texts of the parameters, *args already gathered into a tuple type */
  const clb_const *arg_consts;      /* for parameters whose type has no slots (none, dtype, functions, str options): the constant; kind CLB_ELLIPSIS - 100 = -1: none */
  int32_t nargs;
  const char *return_type;          /* of an explicit signature, or null */
  clb_options options;
  const char *entry;                /* a part of the function (ir/frontend/regions.h), whose parameters arg_types are; or null */
  int32_t restarts;                 /* an int beyond 64 bits makes the host run the call again in object mode: nothing may show before */
  int32_t objects;                  /* CLB_OBJECTS or CLB_FORCED_OBJECTS, object mode: all parameters come as objects, those of arg_types "pyint", "pyfloat" and "pybool" are unboxed */
} clb_request;

typedef struct clb_span { const char *file, *function; int32_t line, col, end_line, end_col; const char *note; } clb_span;
typedef struct clb_diag {
  const char *id;                   /* row of ir/diag.def; "InternalError" for ours */
  const char *kind;                 /* which Python exception: TypingError, UnsupportedError, LoweringError, InternalError, ... */
  const char *message, *hint;
  const clb_span *spans; int32_t nspans;   /* the first is the place; further ones explain */
} clb_diag;

typedef struct clb_stage_time { const char *stage; double seconds; } clb_stage_time;

typedef struct clb_result {
  int32_t status;                   /* 0 compiled, 1 diag */
  clb_diag diag;
  void *entry;                      /* coluber_entry, ready to be called once the imports are filled in */
  void **imports;                   /* the table to fill in; nimports entries */
  const char *const *import_keys; int32_t nimports;
  const char *return_type;
  const char *const *arg_types;     /* as in the request, but for empty lists: their types are what is put in */
  const clb_const *return_const;    /* set when the result has no slots (a constant) */
  const uint8_t *object; size_t object_size;   /* the ELF object, for the disk cache */
  uint32_t mutated;                 /* bit i: list parameter i may be changed */
  const clb_stage_time *times; int32_t ntimes;
  void *code;                       /* owner of the machine code: clb_release */
} clb_result;

typedef struct clb_session clb_session;

int clb_api_version(void);
const char *clb_build_id(void);
clb_session *clb_session_new(const clb_host *host);
/* Compiles one specialisation. The result lives until clb_session_free; the machine code until clb_release(result.code). */
const clb_result *clb_compile(clb_session *, const clb_request *);
/* Text of a stage of what the session compiled last: "types" (the typed IR), "llvm", "asm", or "listing" and "loops": JSON by lines of
   Python, and of the prange loops, see jit/driver/listing.h. */
const char *clb_dump(clb_session *, const char *stage);
/* Runs inference only and returns the result type's text, or null with the diagnostic in *diag. */
void clb_session_free(clb_session *);
void clb_release(void *code);
/* The host CPU's name and features, part of the cache key. */
const char *clb_cpu(void);

#ifdef __cplusplus
}
#endif
#endif
