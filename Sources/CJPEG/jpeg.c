#include "CJPEG.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <jerror.h>

/* A progressive file can hold thousands of almost empty scans, each of which costs a pass over the whole image. Real
 * encoders write about ten. */
enum { maximum_scans = 500 };

struct hl_jpeg {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    enum hl_jpeg_status status;
    char message[JMSG_LENGTH_MAX];
};

static void fail(j_common_ptr info) {
    hl_jpeg *decoder = info->client_data;
    (*info->err->format_message)(info, decoder->message);
    switch (info->err->msg_code) {
        case JWRN_JPEG_EOF:
        case JERR_INPUT_EOF:
            decoder->status = HL_JPEG_TRUNCATED;
            break;
        case JERR_OUT_OF_MEMORY:
            decoder->status = HL_JPEG_NO_MEMORY;
            break;
        default:
            decoder->status = HL_JPEG_DAMAGED;
    }
    longjmp(decoder->failed, 1);
}

static void note(j_common_ptr info, int level) {
    /* Level -1 is a warning. libjpeg fills what is missing at the end of a file with grey and goes on. */
    if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF) fail(info);
}

static void print_nothing(j_common_ptr info) { (void)info; }

static void watch(j_common_ptr info) {
    hl_jpeg *decoder = info->client_data;
    if (decoder->info.input_scan_number <= maximum_scans) return;
    snprintf(decoder->message, sizeof decoder->message, "more than %d scans", maximum_scans);
    decoder->status = HL_JPEG_DAMAGED;
    longjmp(decoder->failed, 1);
}

hl_jpeg *hl_jpeg_new(void) {
    hl_jpeg *decoder = calloc(1, sizeof *decoder);
    if (!decoder) return NULL;
    decoder->info.err = jpeg_std_error(&decoder->errors);
    decoder->errors.error_exit = fail;
    decoder->errors.emit_message = note;
    decoder->errors.output_message = print_nothing;
    decoder->progress.progress_monitor = watch;
    decoder->info.client_data = decoder;
    if (setjmp(decoder->failed)) {
        hl_jpeg_free(decoder);
        return NULL;
    }
    jpeg_create_decompress(&decoder->info);
    /* Creation clears the structure but for these two; set again so as not to rely on it. */
    decoder->info.client_data = decoder;
    decoder->info.progress = &decoder->progress;
    return decoder;
}

void hl_jpeg_free(hl_jpeg *decoder) {
    if (!decoder) return;
    jpeg_destroy_decompress(&decoder->info);
    free(decoder);
}

enum hl_jpeg_status hl_jpeg_open(hl_jpeg *decoder, const unsigned char *bytes, size_t count, int *width, int *height) {
    if (setjmp(decoder->failed)) return decoder->status;
    jpeg_mem_src(&decoder->info, bytes, count);
    jpeg_read_header(&decoder->info, TRUE);
    *width = (int)decoder->info.image_width;
    *height = (int)decoder->info.image_height;
    return HL_JPEG_OK;
}

enum hl_jpeg_status hl_jpeg_scale(hl_jpeg *decoder, int eighths, int *width, int *height) {
    if (setjmp(decoder->failed)) return decoder->status;
    decoder->info.scale_num = (unsigned)eighths;
    decoder->info.scale_denom = 8;
    jpeg_calc_output_dimensions(&decoder->info);
    *width = (int)decoder->info.output_width;
    *height = (int)decoder->info.output_height;
    return HL_JPEG_OK;
}

/* x / 255 rounded, for x up to 255 * 255. */
static unsigned divided_by_255(unsigned x) {
    x += 128;
    return ((x >> 8) + x) >> 8;
}

/* A line of CMYK as Adobe writes it, in place, to RGBX. */
static void from_inks(JSAMPLE *pixels, size_t count) {
    for (size_t x = 0; x < count; ++x) {
        JSAMPLE *pixel = pixels + 4 * x;
        const unsigned white = pixel[3];
        for (int c = 0; c < 3; ++c) pixel[c] = (JSAMPLE)divided_by_255(pixel[c] * white);
    }
}

enum hl_jpeg_status hl_jpeg_start(hl_jpeg *decoder, int left, int top, int width, int *columns, int *margin) {
    struct jpeg_decompress_struct *info = &decoder->info;
    if (setjmp(decoder->failed)) return decoder->status;
    const int inks = info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK;
#ifdef JCS_EXTENSIONS
    info->out_color_space = inks ? JCS_CMYK : JCS_EXT_RGBX;
#else
    info->out_color_space = inks ? JCS_CMYK : JCS_RGB;
#endif
    jpeg_start_decompress(info);
    *margin = left;
#ifdef LIBJPEG_TURBO_VERSION_NUMBER
    /* Chroma is interpolated between its neighbours: those of the outermost columns must be there. */
    const JDIMENSION apron = 32;
    JDIMENSION first = (JDIMENSION)left > apron ? (JDIMENSION)left - apron : 0;
    const JDIMENSION beyond = (JDIMENSION)(left + width) + apron;
    JDIMENSION wanted = (beyond < info->output_width ? beyond : info->output_width) - first;
    if (wanted < info->output_width) {
        jpeg_crop_scanline(info, &first, &wanted);
        *margin = left - (int)first;
    }
#else
    (void)width;
#endif
    *columns = (int)info->output_width;
    if (top > 0) {
#ifdef LIBJPEG_TURBO_VERSION_NUMBER
        jpeg_skip_scanlines(info, (JDIMENSION)top);
#else
        JSAMPARRAY line = (*info->mem->alloc_sarray)((j_common_ptr)info, JPOOL_IMAGE,
                                                     info->output_width * (unsigned)info->output_components, 1);
        for (int y = 0; y < top; ++y) jpeg_read_scanlines(info, line, 1);
#endif
    }
    return HL_JPEG_OK;
}

enum hl_jpeg_status hl_jpeg_read(hl_jpeg *decoder, int rows, unsigned char *pixels) {
    struct jpeg_decompress_struct *info = &decoder->info;
    if (setjmp(decoder->failed)) return decoder->status;
    const size_t width = info->output_width;
    enum { most = 16 };
    JSAMPROW lines[most];
    for (int y = 0; y < rows;) {
        const int wanted = rows - y < most ? rows - y : most;
        for (int i = 0; i < wanted; ++i) lines[i] = pixels + 4 * width * (size_t)(y + i);
        const int read = (int)jpeg_read_scanlines(info, lines, (JDIMENSION)wanted);
        for (int i = 0; i < read; ++i) {
            if (info->out_color_space == JCS_CMYK) {
                from_inks(lines[i], width);
            } else if (info->output_components == 3) {
                /* From the end, so that nothing is lost. */
                for (size_t x = width; x-- > 0;) {
                    for (int c = 2; c >= 0; --c) lines[i][4 * x + (size_t)c] = lines[i][3 * x + (size_t)c];
                    lines[i][4 * x + 3] = 0;
                }
            }
        }
        y += read;
    }
    return HL_JPEG_OK;
}

enum hl_jpeg_status hl_jpeg_end(hl_jpeg *decoder) {
    struct jpeg_decompress_struct *info = &decoder->info;
    if (setjmp(decoder->failed)) return decoder->status;
    if (info->output_scanline < info->output_height)
        jpeg_abort_decompress(info);
    else
        jpeg_finish_decompress(info);
    return HL_JPEG_OK;
}

const char *hl_jpeg_message(const hl_jpeg *decoder) { return decoder->message; }
