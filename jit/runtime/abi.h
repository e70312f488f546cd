/* What compiled code and the runtime agree on: the layout of the context, of counted memory, lists and exceptions, and the calling
   convention. Depends on nothing. The LLVM side of these layouts is backends/llvm/abi_types.cc; static_asserts in jit/runtime check them.

   Calling convention of compiled functions (internal and exported): status f(ctx*, argument slots..., result*), status 0: done,
   1: an exception is in ctx->error. `result` points to 8 bytes per slot of the result. The exported entry of a specialisation is
   coluber_entry below: it reads the argument slots from an array of 8-byte cells (narrow values in the low bytes). */
#ifndef COLUBER_ABI_H
#define COLUBER_ABI_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The head of everything with a reference count. Argument arrays have one on the host's stack, kind COLUBER_PYOBJECT, whose count starts so
   high that it never reaches zero. When the count reaches zero coluber_drop is called. */
enum { COLUBER_MEMORY = 0, COLUBER_PYOBJECT = 1, COLUBER_LIST = 2, COLUBER_EXC = 3, COLUBER_STR = 4 };
typedef struct coluber_owner {
  int64_t count;
  int32_t kind;
  int32_t flags;          /* COLUBER_OWNS: of PYOBJECT, a block of its own that holds a reference */
  void *object;           /* PYOBJECT: the object, borrowed from the caller of the entry unless COLUBER_OWNS */
  int64_t size;           /* MEMORY: bytes of data */
  int64_t pad[4];         /* 64 bytes, so that the data that follow are aligned */
} coluber_owner;
enum { COLUBER_OWNS = 2 };
#define COLUBER_BORROWED_COUNT ((int64_t)1 << 62)

typedef struct coluber_list {
  coluber_owner head;
  void *data;
  int64_t length, capacity;
  int64_t item_size;      /* bytes */
  int64_t changed;        /* compiled code wrote to it: write back to the Python list */
  void *origin;           /* the Python list it was made of (borrowed), or null */
} coluber_list;

typedef struct coluber_frame { const char *name; const char *file; int32_t line; int32_t col; } coluber_frame;

/* A value inside an exception's args (or a thing to print): tag, then the bits. */
enum { COLUBER_TAG_NONE, COLUBER_TAG_BOOL, COLUBER_TAG_INT, COLUBER_TAG_UINT, COLUBER_TAG_FLOAT, COLUBER_TAG_FLOAT32, COLUBER_TAG_COMPLEX,
       COLUBER_TAG_COMPLEX64, COLUBER_TAG_STR, COLUBER_TAG_OBJECT, COLUBER_TAG_NPBOOL,
       COLUBER_TAG_EXC };   /* object: a coluber_exc, borrowed; in text only */
typedef struct coluber_value {
  int64_t tag;
  union { int64_t i; double f; float f32; double c[2]; struct { const char *data; int64_t length; } s; void *object; } v;
} coluber_value;

enum { COLUBER_MAX_FRAMES = 64, COLUBER_MAX_EXC_ARGS = 8 };
typedef struct coluber_exc {
  coluber_owner head;
  void *cls;              /* PyObject*, kept alive by the specialisation that names it; null when `object` is set */
  void *object;           /* an owned PyObject* exception, when it came from Python */
  struct coluber_exc *cause;
  int32_t nargs, nframes;
  coluber_value args[COLUBER_MAX_EXC_ARGS];   /* strings are owned (malloc) */
  coluber_frame frames[COLUBER_MAX_FRAMES];   /* innermost first */
  int64_t interrupts;     /* it is of no round of a parallel loop, but came from outside: Ctrl-C, a signal's handler */
} coluber_exc;

/* gil_held of a thread that helps with a parallel loop: its poll word asks it to stop. */
enum { COLUBER_IN_REGION = 2 };

/* Where a generator stands (ctx->generator points to it): compiled code fills it in where it yields, with `obj.suspend`. */
typedef struct coluber_suspended {
  void *site;             /* the import that tells where it goes on */
  uint64_t *cells;        /* takes its variables and stack, 8 bytes per slot; objects are owned. The cells that the code began with are others */
  int64_t how;            /* COLUBER_YIELDED and the others */
} coluber_suspended;
/* An iterator that it delegates to has given the value, and lies in the last cell; it stands in a handler. */
enum { COLUBER_DELEGATES = 1, COLUBER_HANDLING = 2, COLUBER_YIELDED = 4 };

typedef struct coluber_ctx {
  const volatile uint8_t *poll;   /* non-zero: call coluber_poll */
  char *stack_limit;              /* the stack pointer must stay above */
  coluber_exc *error;             /* the pending exception, owned */
  int64_t gil_held;
  void *thread_state;             /* PyThreadState* saved when the GIL was released */
  void *specialization;           /* object mode: whose code runs, for tracebacks on the way to a handler */
  int64_t overflowed;             /* an int has left 64 bits (guard IntOverflow) */
  void *left;                     /* status 2: the result */
  void *frame;                    /* lifted loops: the host's Frame, for lists that are to be written back before execution goes on elsewhere */
  coluber_suspended *generator;   /* object mode: the generator whose code runs, or null */
  void *handled;                  /* object mode: the exception being handled when the function was called, borrowed, or null */
} coluber_ctx;
/* Status 2 of a function: execution left it for object mode, whose result (an owned PyObject*) is in ctx->left. */
enum { COLUBER_DONE = 0, COLUBER_RAISED = 1, COLUBER_LEFT = 2 };

/* What is known of a parallel loop while compiling. Functions have the entry's form (below); null: not needed. What belongs to a run stands in the cells: of
   the body start, stop, captured values and neutral accumulators, and behind these the accumulators before the loop, where in the end those behind it are. */
typedef struct coluber_loop {
  int32_t (*body)(struct coluber_ctx *, const uint64_t *, uint64_t *);      /* a part: (start, stop, captured..., accumulators...) -> accumulators */
  int32_t (*combine)(struct coluber_ctx *, const uint64_t *, uint64_t *);   /* (accumulators, another thread's) -> accumulators */
  int32_t (*init)(struct coluber_ctx *, const uint64_t *, uint64_t *);      /* (arrays) -> arrays for one thread, that nothing has been added to */
  int32_t (*merge)(struct coluber_ctx *, const uint64_t *, uint64_t *);     /* (arrays, one thread's): adds these to the arrays */
  int64_t ncells, naccumulators;      /* ncells: of the body */
  int64_t array_cell, narray_cells;   /* where among the cells the arrays of init stand */
  int64_t owners;             /* which of these cells hold owners: bit k */
  int64_t steps;              /* without combine: what it would do, a byte per accumulator, the first one lowest: ir/schedule.h */
  int64_t array_steps, array_ranks;   /* without init and merge: the same of arrays of 8-byte items that lie together, and their dimensions */
  int64_t schedule;
} coluber_loop;

typedef int32_t (*coluber_entry)(coluber_ctx *ctx, const uint64_t *args, uint64_t *result);

/* An object file's imports: a global `coluber_imports` of that many pointers, to be filled in before the first call, and a string
   `coluber_import_keys` of NUL-terminated keys in the same order, ended by an empty one. Keys:
     rt:NAME                     row of symbols.def
     objmode:HANDLE:...          the body of a with statement of the function HANDLE (jit/host/objmode.h)
     obj:HANDLE                  the host object HANDLE of the compilation (a class named by a raise, ...), a PyObject*
     loop:HANDLE:I:fn / :data    loop I of the ufunc HANDLE: its C function and its data pointer
     sort:DTYPE:quick|merge  argsort:DTYPE:quick|merge   NumPy's own sort functions: int (*)(void *start, npy_intp n, void *arr) etc.
     argmax:DTYPE  argmin:DTYPE  dot:DTYPE   other functions of NumPy's dtypes, as in its PyArray_ArrFuncs
     vec:NAME                    a vector math function: glibc's (_ZGV...) or SLEEF's
     addr:HANDLE                 the address of host object HANDLE that is a C function pointer
     array:HANDLE:TYPE           the slots of the array HANDLE, in cells of 8 bytes; they do not change while the code is in use */
#ifdef __cplusplus
}
#endif
#endif
