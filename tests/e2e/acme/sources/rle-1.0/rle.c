#include "rle.h"

static size_t run(const unsigned char *in, size_t size)
{
    size_t length = 1;
    while (length < size && length < 255 && in[length] == in[0])
        length++;
    return length;
}

size_t rle_encode(const unsigned char *in, size_t size, unsigned char *out)
{
    size_t at = 0, written = 0;
    while (at < size) {
        size_t length = run(in + at, size - at);
        out[written++] = (unsigned char)length;
        out[written++] = in[at];
        at += length;
    }
    return written;
}
