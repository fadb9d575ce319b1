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

/* Reads the next line of an image that is being decoded, and puts width pixels from column left on into three planes
 * that lie plane bytes apart. */
static void read_line(hl_jpeg *decoder, JSAMPARRAY line, size_t left, size_t width, unsigned char *red, size_t plane) {
    unsigned char *green = red + plane, *blue = green + plane;
    jpeg_read_scanlines(&decoder->info, line, 1);
    if (decoder->info.out_color_space == JCS_CMYK) {
        const JSAMPLE *source = line[0] + 4 * left;
        for (size_t x = 0; x < width; ++x) {
            const unsigned white = source[4 * x + 3];
            red[x] = (unsigned char)divided_by_255(source[4 * x] * white);
            green[x] = (unsigned char)divided_by_255(source[4 * x + 1] * white);
            blue[x] = (unsigned char)divided_by_255(source[4 * x + 2] * white);
        }
        return;
    }
    const JSAMPLE *source = line[0] + 3 * left;
    for (size_t x = 0; x < width; ++x) {
        red[x] = source[3 * x];
        green[x] = source[3 * x + 1];
        blue[x] = source[3 * x + 2];
    }
}

/* Begins to decode, and gives room for one line of the whole width. */
static JSAMPARRAY start(hl_jpeg *decoder) {
    struct jpeg_decompress_struct *info = &decoder->info;
    const int inks = info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK;
    info->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(info);
    return (*info->mem->alloc_sarray)((j_common_ptr)info, JPOOL_IMAGE,
                                      info->output_width * (unsigned)info->output_components, 1);
}

enum hl_jpeg_status hl_jpeg_read(hl_jpeg *decoder, unsigned char *planes) {
    struct jpeg_decompress_struct *info = &decoder->info;
    if (setjmp(decoder->failed)) return decoder->status;
    JSAMPARRAY line = start(decoder);
    const size_t width = info->output_width;
    const size_t plane = width * info->output_height;
    while (info->output_scanline < info->output_height)
        read_line(decoder, line, 0, width, planes + info->output_scanline * width, plane);
    jpeg_finish_decompress(info);
    return HL_JPEG_OK;
}

enum hl_jpeg_status hl_jpeg_read_region(hl_jpeg *decoder, int left, int top, int width, int height,
                                        unsigned char *planes) {
    struct jpeg_decompress_struct *info = &decoder->info;
    if (setjmp(decoder->failed)) return decoder->status;
    JSAMPARRAY line = start(decoder);
    const size_t plane = (size_t)width * (size_t)height;
    size_t margin = (size_t)left;
#ifdef LIBJPEG_TURBO_VERSION_NUMBER
    /* Chroma is interpolated between its neighbours: those of the outermost columns must be there. */
    const JDIMENSION apron = 32;
    JDIMENSION first = (JDIMENSION)left > apron ? (JDIMENSION)left - apron : 0;
    const JDIMENSION beyond = (JDIMENSION)(left + width) + apron;
    JDIMENSION columns = (beyond < info->output_width ? beyond : info->output_width) - first;
    if (columns < info->output_width) {
        jpeg_crop_scanline(info, &first, &columns);
        margin = (size_t)left - first;
    }
    if (top > 0) jpeg_skip_scanlines(info, (JDIMENSION)top);
#else
    for (int y = 0; y < top; ++y) jpeg_read_scanlines(info, line, 1);
#endif
    for (int y = 0; y < height; ++y)
        read_line(decoder, line, margin, (size_t)width, planes + (size_t)y * (size_t)width, plane);
    if (info->output_scanline < info->output_height)
        jpeg_abort_decompress(info);
    else
        jpeg_finish_decompress(info);
    return HL_JPEG_OK;
}

const char *hl_jpeg_message(const hl_jpeg *decoder) { return decoder->message; }
