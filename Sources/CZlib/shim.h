#ifndef HL_CZLIB_H
#define HL_CZLIB_H

#include <zlib.h>

/* inflateInit2 is a macro, which Swift does not see. */
static inline int hl_inflate_init(z_stream *stream, int window_bits) { return inflateInit2(stream, window_bits); }

#endif
