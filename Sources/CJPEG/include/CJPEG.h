#ifndef HL_CJPEG_H
#define HL_CJPEG_H

#include <stddef.h>

/* libjpeg reports errors by a callback that must not return. The longjmp that this takes stays inside this shim. */

typedef struct hl_jpeg hl_jpeg;

enum hl_jpeg_status {
    HL_JPEG_OK = 0,
    HL_JPEG_TRUNCATED = 1,
    HL_JPEG_DAMAGED = 2,
    HL_JPEG_NO_MEMORY = 3,
};

/* A decoder, or NULL when memory ran out. */
hl_jpeg *hl_jpeg_new(void);
void hl_jpeg_free(hl_jpeg *decoder);

/* Reads the header. `bytes` must stay where they are until hl_jpeg_free. */
enum hl_jpeg_status hl_jpeg_open(hl_jpeg *decoder, const unsigned char *bytes, size_t count, int *width, int *height);

/* Makes an open file be decoded at eighths / 8 of its size, 1 to 8, which costs less than decoding it whole. Width and
 * height become those of the result, rounded up. */
enum hl_jpeg_status hl_jpeg_scale(hl_jpeg *decoder, int eighths, int *width, int *height);

/* Begins to decode from row `top` on, of which `width` columns from `left` on are wanted. The rows that come then have
 * `columns` pixels, of which the wanted ones begin at `margin`, and are what decoding everything gives, to the bit. */
enum hl_jpeg_status hl_jpeg_start(hl_jpeg *decoder, int left, int top, int width, int *columns, int *margin);

/* Decodes the next rows, as many as there are at most, to pixels of four bytes R, G, B and anything, without gaps. Grey
 * becomes RGB; CMYK and YCCK are taken as Adobe writes them (inverted), which is what Pillow assumes too. Data that libjpeg
 * can repair with a warning pass; data that end early do not. */
enum hl_jpeg_status hl_jpeg_read(hl_jpeg *decoder, int rows, unsigned char *pixels);

/* Ends decoding. What lies below the rows that were read is not looked at in a baseline file, so that damage there does
 * not show. */
enum hl_jpeg_status hl_jpeg_end(hl_jpeg *decoder);

/* libjpeg's words for the last failure. */
const char *hl_jpeg_message(const hl_jpeg *decoder);

#endif
