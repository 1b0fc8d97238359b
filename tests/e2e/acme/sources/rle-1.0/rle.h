#include <stddef.h>

/* Writes pairs of count and byte; returns their size, at most twice that of the input. */
size_t rle_encode(const unsigned char *in, size_t size, unsigned char *out);
