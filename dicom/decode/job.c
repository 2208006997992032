#include "dicom/decode/job.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dicom/decode/picture.h"

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

static op_fn *const OPS[] = {
    [DECODE_FRAME] = op_frame,
};

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
