#include "dicom/dataset/charset.h"
#include "dicom/decode/job.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dicom/dataset/index.h"
#include "dicom/decode/ecg.h"
#include "dicom/decode/picture.h"
#include "dicom/decode/render.h"
#include <stdlib.h>

/* One op. @param ds the file, read */
typedef bool op_fn(const struct decode_params *params, const struct dataset *ds, const uint8_t *bytes,
                   size_t len, int out_fd, struct decode_answer *answer, struct err *err);

static bool write_all(int fd, const void *data, size_t len, struct err *err)
{
    const uint8_t *at = data;
    size_t left = len;

    while (left > 0) {
        ssize_t n = write(fd, at, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(err, ERR_IO, "output_failed", "write: %s", strerror(errno));
        at += n;
        left -= (size_t)n;
    }
    return true;
}

static void describe(struct decode_answer *a, const struct picture_form *f, uint32_t n_frames)
{
    a->rows = f->rows;
    a->columns = f->columns;
    a->samples = f->samples;
    a->bits_allocated = f->allocated;
    a->bits_stored = f->stored;
    a->pixel_representation = f->is_signed;
    a->frames = n_frames;
    snprintf(a->photometric, sizeof a->photometric, "%s", f->photometric);
}

static bool op_frame(const struct decode_params *params, const struct dataset *ds, const uint8_t *bytes,
                     size_t len, int out_fd, struct decode_answer *answer, struct err *err)
{
    struct picture p;
    uint32_t n_frames;

    if (!picture_decode(&p, ds, bytes, len, params->frame, &n_frames, err))
        return false;
    bool ok = write_all(out_fd, p.values, p.len, err);
    answer->bytes = p.len;
    describe(answer, &p.form, n_frames);
    picture_free(&p);
    return ok;
}

static bool write_picture(const struct decode_params *params, const struct shaded *s, int out_fd,
                          struct decode_answer *answer, struct err *err)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    bool ok = params->format == DECODE_PNG ? render_png(s, &bytes, &n, err)
                                           : render_jpeg(s, params->quality, &bytes, &n, err);

    ok = ok && write_all(out_fd, bytes, n, err);
    answer->bytes = n;
    answer->rows = s->rows;
    answer->columns = s->columns;
    answer->samples = s->samples;
    answer->bits_allocated = answer->bits_stored = 8;
    answer->pixel_representation = 0;
    snprintf(answer->photometric, sizeof answer->photometric, "%s", s->samples == 3 ? "RGB" : "MONOCHROME2");
    free(bytes);
    return ok;
}

static bool op_render(const struct decode_params *params, const struct dataset *ds, const uint8_t *bytes,
                      size_t len, int out_fd, struct decode_answer *answer, struct err *err)
{
    const struct shade_wish wish = {.window_given = params->window_given,
                                    .center = params->center,
                                    .breadth = params->breadth,
                                    .frame = params->frame};
    struct shaded s;
    struct picture p;

    if (!picture_decode(&p, ds, bytes, len, params->frame, &answer->frames, err))
        return false;
    bool ok = shade(&s, &p, ds, &wish, err);
    picture_free(&p);
    if (!ok)
        return false;
    ok = render_fit(&s, params->width, params->height, err) && write_picture(params, &s, out_fd, answer, err);
    free(s.pixels);
    return ok;
}

static bool op_waveform(const struct decode_params *params, const struct dataset *ds, const uint8_t *bytes,
                        size_t len, int out_fd, struct decode_answer *answer, struct err *err)
{
    struct json_buf b = {0};

    (void)params;
    (void)bytes;
    (void)len;
    bool ok = ecg_write(&b, ds, err) && write_all(out_fd, b.text, b.len, err);
    answer->bytes = b.len;
    json_buf_free(&b);
    return ok;
}

static bool op_index(const struct decode_params *params, const struct dataset *ds, const uint8_t *bytes,
                     size_t len, int out_fd, struct decode_answer *answer, struct err *err)
{
    const struct dicom_json_options options = {.bulk_base = "", .inline_max = DICOM_JSON_INLINE_MAX};
    struct json_buf b = {0};
    struct index ix;

    (void)params;
    (void)bytes;
    (void)len;
    if (!index_make(&ix, ds, err))
        return false;
    index_write(&b, &ix, ds, &options);
    bool ok = write_all(out_fd, b.text, b.len, err);
    answer->bytes = b.len;
    answer->frames = ix.table.n_frames;
    index_free(&ix);
    json_buf_free(&b);
    return ok;
}

static op_fn *const OPS[] = {
    [DECODE_INDEX] = op_index,
    [DECODE_FRAME] = op_frame,
    [DECODE_RENDER] = op_render,
    [DECODE_WAVEFORM] = op_waveform,
};

void job_prepare(void)
{
    charset_prepare();
}

bool job_run(const struct decode_params *params, const uint8_t *bytes, size_t len, int out_fd,
             struct decode_answer *answer, struct err *err)
{
    op_fn *op = params->op < sizeof OPS / sizeof OPS[0] ? OPS[params->op] : NULL;
    struct dataset *ds = NULL;

    if (!op)
        return err_set(err, ERR_INTERNAL, "op_unknown", "operation %u", params->op);
    if (!dataset_open(&ds, bytes, len, NULL, err))
        return false;
    bool ok = op(params, ds, bytes, len, out_fd, answer, err);
    dataset_close(ds);
    return ok;
}
