/* What a screen is given: windows, turned greys, palettes, colours, smaller pictures, PNG and JPEG. */
#include "dicom/decode/render.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <jpeglib.h>
#include <zlib.h>
#include "core/mem.h"
#include "dicom/decode/job.h"
#include "tests/unit/dicom/decode/made.h"
#include "tests/unit/test.h"

#define EXPLICIT "1.2.840.10008.1.2.1"

/* One picture of eight values in a row, shaded. */
struct row {
    struct made_image image;
    const char *center, *breadth, *function, *slope, *intercept;
    int padding; /* 0: none */
};

static void make(struct made *m, const struct row *r, const int16_t values[8])
{
    uint8_t bytes[16];

    for (int i = 0; i < 8; i++) {
        bytes[2 * i] = (uint8_t)values[i];
        bytes[2 * i + 1] = (uint8_t)((uint16_t)values[i] >> 8);
    }
    made_begin(m, EXPLICIT);
    made_image(m, &r->image);
    if (r->padding)
        made_us(m, 0x00280120, (uint16_t)r->padding);
    if (r->center)
        made_text(m, 0x00281050, "DS", r->center);
    if (r->breadth)
        made_text(m, 0x00281051, "DS", r->breadth);
    if (r->intercept)
        made_text(m, 0x00281052, "DS", r->intercept);
    if (r->slope)
        made_text(m, 0x00281053, "DS", r->slope);
    if (r->function)
        made_text(m, 0x00281056, "CS", r->function);
    made_native(m, "OW", bytes, sizeof bytes);
}

static void shaded(struct shaded *out, const struct made *m, const struct shade_wish *wish)
{
    struct err err = ERR_INIT;
    struct dataset *ds;
    struct picture p;
    uint32_t n;

    CHECK_OK(dataset_open(&ds, m->bytes, m->len, NULL, &err), &err);
    CHECK_OK(picture_decode(&p, ds, m->bytes, m->len, wish->frame, &n, &err), &err);
    CHECK_OK(shade(out, &p, ds, wish, &err), &err);
    picture_free(&p);
    dataset_close(ds);
}

static void shows(const struct row *r, const int16_t values[8], const struct shade_wish *wish,
                  const uint8_t expected[8])
{
    struct shaded s;
    struct made m;

    make(&m, r, values);
    shaded(&s, &m, wish ? wish : &(struct shade_wish){0});
    CHECK_INT(s.samples, 1);
    CHECK_MEM(s.pixels, expected, 8);
    free(s.pixels);
    made_free(&m);
}

static const struct made_image SIGNED = {.rows = 1,
                                         .columns = 8,
                                         .samples = 1,
                                         .allocated = 16,
                                         .stored = 16,
                                         .is_signed = 1,
                                         .photometric = "MONOCHROME2"};

TEST(render, a_window_maps_its_lower_edge_to_black_and_its_upper_to_white)
{
    /* PS3.3 C.11.2.1.2.1: center 2048, width 4096 is 0 … 4095; here the smaller example of the same formula */
    shows(&(struct row){.image = SIGNED, .center = "128", .breadth = "256"},
          (int16_t[]){-5, 0, 1, 127, 128, 254, 255, 900}, NULL,
          (uint8_t[]){0, 0, 1, 127, 128, 254, 255, 255});
    shows(&(struct row){.image = SIGNED, .center = "10", .breadth = "1"},
          (int16_t[]){8, 9, 10, 11, 0, 0, 0, 0}, NULL, (uint8_t[]){0, 0, 255, 255, 0, 0, 0, 0});
    shows(&(struct row){.image = SIGNED, .center = "50", .breadth = "100", .function = "LINEAR_EXACT"},
          (int16_t[]){0, 20, 40, 60, 80, 100, -1, 101}, NULL, (uint8_t[]){0, 51, 102, 153, 204, 255, 0, 255});
}

TEST(render, a_window_counts_after_the_modality_transform_and_a_given_one_takes_its_place)
{
    const struct row ct = {
        .image = SIGNED, .center = "40", .breadth = "256", .slope = "2", .intercept = "-1000"};

    /* stored 456 is -88 after the transform: the window's lower edge */
    shows(&ct, (int16_t[]){456, 457, 520, 584, 0, 1000, 500, 583}, NULL,
          (uint8_t[]){0, 2, 128, 255, 0, 255, 88, 254});
    shows(&ct, (int16_t[]){0, 500, 1000, 400, 0, 0, 0, 0},
          &(struct shade_wish){.window_given = true, .center = -400, .breadth = 1201},
          (uint8_t[]){0, 213, 255, 170, 0, 0, 0, 0});
}

TEST(render, without_a_window_the_frames_own_range_is_shown_and_padding_does_not_count)
{
    shows(&(struct row){.image = SIGNED}, (int16_t[]){-100, -50, 0, 50, 100, -100, 100, 0}, NULL,
          (uint8_t[]){0, 64, 128, 191, 255, 0, 255, 128});
    struct row padded = {.image = SIGNED, .padding = 2000};
    padded.image.is_signed = 0;
    shows(&padded, (int16_t[]){2000, 0, 51, 102, 153, 204, 255, 2000}, NULL,
          (uint8_t[]){255, 0, 51, 102, 153, 204, 255, 255});
}

TEST(render, monochrome1_is_turned_over_and_overlays_in_high_bits_are_not_seen)
{
    struct row r = {.image = SIGNED, .center = "128", .breadth = "256"};

    r.image.photometric = "MONOCHROME1";
    shows(&r, (int16_t[]){0, 255, 128, 55, 0, 0, 0, 0}, NULL,
          (uint8_t[]){255, 0, 127, 200, 255, 255, 255, 255});
    r.image.photometric = "MONOCHROME2";
    r.image.stored = 12;
    r.image.is_signed = 0;
    shows(&r, (int16_t[]){0x7000, 0x10FF, 0x2080, 0, 0, 0, 0, 0}, NULL,
          (uint8_t[]){0, 255, 128, 0, 0, 0, 0, 0});
}

TEST(render, a_palette_becomes_rgb)
{
    const struct made_image image = {
        .rows = 1, .columns = 4, .samples = 1, .allocated = 8, .stored = 8, .photometric = "PALETTE COLOR"};
    static const uint8_t VALUES[4] = {9, 10, 11, 200}, DESCRIPTOR[6] = {3, 0, 10, 0, 16, 0};
    static const uint8_t RED[6] = {0, 0xFF, 0, 0, 0, 0x10}, GREEN[6] = {0, 0, 0, 0xFF, 0, 0x20},
                         BLUE[6] = {0, 0, 0, 0, 0, 0x30};
    static const uint8_t EXPECTED[12] = {0xFF, 0, 0, 0xFF, 0, 0, 0, 0xFF, 0, 0x10, 0x20, 0x30};
    struct shaded s;
    struct made m;

    made_begin(&m, EXPLICIT);
    made_image(&m, &image);
    for (uint32_t c = 0; c < 3; c++)
        made_put(&m, 0x00281101 + c, "US", DESCRIPTOR, 6);
    made_put(&m, 0x00281201, "OW", RED, 6);
    made_put(&m, 0x00281202, "OW", GREEN, 6);
    made_put(&m, 0x00281203, "OW", BLUE, 6);
    made_native(&m, "OB", VALUES, 4);
    shaded(&s, &m, &(struct shade_wish){0});
    CHECK_INT(s.samples, 3);
    CHECK_MEM(s.pixels, EXPECTED, 12);
    free(s.pixels);
    made_free(&m);
}

TEST(render, ybr_full_becomes_rgb_also_when_two_pixels_share_their_chroma)
{
    struct made_image image = {
        .rows = 1, .columns = 2, .samples = 3, .allocated = 8, .stored = 8, .photometric = "YBR_FULL"};
    static const uint8_t FULL[6] = {76, 85, 255, 255, 128, 128}, HALF[4] = {76, 76, 85, 255};
    static const uint8_t EXPECTED[6] = {254, 0, 0, 255, 255, 255}, BOTH[6] = {254, 0, 0, 254, 0, 0};
    struct shaded s;
    struct made m;

    made_begin(&m, EXPLICIT);
    made_image(&m, &image);
    made_native(&m, "OB", FULL, sizeof FULL);
    shaded(&s, &m, &(struct shade_wish){0});
    CHECK_MEM(s.pixels, EXPECTED, 6);
    free(s.pixels);
    made_free(&m);
    image.photometric = "YBR_FULL_422";
    made_begin(&m, EXPLICIT);
    made_image(&m, &image);
    made_native(&m, "OB", HALF, sizeof HALF);
    shaded(&s, &m, &(struct shade_wish){0});
    CHECK_MEM(s.pixels, BOTH, 6);
    free(s.pixels);
    made_free(&m);
}

static struct shaded grid(uint32_t columns, uint32_t rows, uint32_t samples)
{
    struct shaded s = {rows, columns, samples, mem_new((size_t)rows * columns * samples)};

    for (size_t i = 0; i < (size_t)rows * columns * samples; i++)
        s.pixels[i] = (uint8_t)(i * 7);
    return s;
}

TEST(render, a_smaller_picture_is_the_average_of_areas_and_keeps_its_proportions)
{
    static const uint8_t VALUES[16] = {0, 10, 100, 100, 20, 30, 100, 100, 1, 1, 200, 0, 1, 1, 0, 200};
    struct shaded s = {4, 4, 1, mem_copy(VALUES, 16)};
    struct err err = ERR_INIT;

    CHECK_OK(render_fit(&s, 2, 0, &err), &err);
    CHECK_INT(s.rows, 2);
    CHECK_MEM(s.pixels, ((uint8_t[]){15, 100, 1, 100}), 4);
    free(s.pixels);
    s = grid(640, 480, 3);
    CHECK_OK(render_fit(&s, 128, 128, &err), &err);
    CHECK_INT(s.columns, 128);
    CHECK_INT(s.rows, 96);
    CHECK_OK(render_fit(&s, 500, 500, &err), &err); /* never enlarged */
    CHECK_INT(s.columns, 128);
    free(s.pixels);
    s = grid(3, 1000, 1);
    CHECK_OK(render_fit(&s, 128, 128, &err), &err); /* and never nothing */
    CHECK_INT(s.columns, 1);
    CHECK_INT(s.rows, 128);
    free(s.pixels);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

TEST(render, a_png_holds_the_pixels_exactly)
{
    for (uint32_t samples = 1; samples <= 3; samples += 2) {
        struct shaded s = grid(37, 23, samples);
        struct err err = ERR_INIT;
        uint8_t *png, *raw = mem_new((37 * samples + 1) * 23);
        uLongf raw_len = (37 * samples + 1) * 23;
        size_t len, stride = 37 * samples;
        CHECK_OK(render_png(&s, &png, &len, &err), &err);
        CHECK_INT(be32(png + 16), 37);
        CHECK_INT(be32(png + 20), 23);
        CHECK_INT(png[25], samples == 3 ? 2 : 0);
        CHECK_INT(be32(png + 29), crc32(0, png + 12, 17));
        uint32_t packed = be32(png + 33);
        CHECK_MEM(png + 37, "IDAT", 4);
        CHECK_INT(be32(png + 41 + packed), crc32(0, png + 37, packed + 4));
        CHECK_INT(uncompress(raw, &raw_len, png + 41, packed), Z_OK);
        CHECK_INT(len, 41 + packed + 4 + 12);
        for (uint32_t y = 0; y < 23; y++)
            for (size_t i = 0; i < stride; i++) {
                uint8_t up = y ? s.pixels[(y - 1) * stride + i] : 0;
                CHECK_INT((uint8_t)(raw[y * (stride + 1) + 1 + i] + up), s.pixels[y * stride + i]);
            }
        free(raw);
        free(png);
        free(s.pixels);
    }
}

TEST(render, a_jpeg_is_one_that_others_read)
{
    struct shaded s = {16, 16, 3, mem_new(768)};
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct err err = ERR_INIT;
    uint8_t *jpeg, line[48];
    JSAMPROW row = line;
    size_t len;

    memset(s.pixels, 200, 768);
    CHECK_OK(render_jpeg(&s, 90, &jpeg, &len, &err), &err);
    info.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, jpeg, len);
    CHECK_INT(jpeg_read_header(&info, TRUE), JPEG_HEADER_OK);
    jpeg_start_decompress(&info);
    CHECK_INT(info.output_width, 16);
    jpeg_read_scanlines(&info, &row, 1);
    CHECK(abs(line[0] - 200) <= 2);
    jpeg_destroy_decompress(&info);
    free(jpeg);
    free(s.pixels);
}

TEST(render, frames_and_operations_that_are_not_there_are_named)
{
    const int16_t values[8] = {0};
    struct decode_answer answer;
    struct err err = ERR_INIT;
    struct made m;
    int fd = memfd_create("out", MFD_CLOEXEC);

    make(&m, &(struct row){.image = SIGNED}, values);
    CHECK_ERR(
        job_run(&(struct decode_params){.op = DECODE_RENDER, .frame = 1}, m.bytes, m.len, fd, &answer, &err),
        &err, ERR_NOT_FOUND, "frame_missing");
    CHECK_ERR(job_run(&(struct decode_params){.op = DECODE_WAVEFORM}, m.bytes, m.len, fd, &answer, &err),
              &err, ERR_INVALID, "waveform_missing");
    CHECK_ERR(job_run(&(struct decode_params){.op = DECODE_ESCAPE}, m.bytes, m.len, fd, &answer, &err), &err,
              ERR_INTERNAL, "op_unknown");
    CHECK_ERR(
        job_run(&(struct decode_params){.op = DECODE_FRAME}, (const uint8_t *)"text", 4, fd, &answer, &err),
        &err, ERR_INVALID, "not_dicom");
    close(fd);
    made_free(&m);
}
