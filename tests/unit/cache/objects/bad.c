/* Needs a symbol that only the user's process would have by chance. */
#include <stdint.h>

int PyErr_Occurred_(void);

int32_t coluber_entry_bad(void *ctx, const uint64_t *args, uint64_t *result) { return PyErr_Occurred_(); }
