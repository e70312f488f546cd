/* Stands for a compiled specialisation: an entry, imports with their keys, and calls of the kind that LLVM emits by itself. */
#include <math.h>
#include <stdint.h>

void *coluber_imports[2];
const char coluber_import_keys[] = "rt:coluber_poll\0rt:coluber_alloc\0";

int32_t coluber_entry_good(void *ctx, const uint64_t *args, uint64_t *result) {
  double x = (double)(int64_t)args[0];
  __int128 wide = (__int128)args[0] << 70;
  result[0] = (uint64_t)sqrt(x) + (uint64_t)fmod(x, 7.0) + (uint64_t)(wide / (__int128)(args[1] + 1));
  return coluber_imports[0] == coluber_imports[1];
}
