/* codec_htj2k.c - High-Throughput JPEG 2000 (ITU-T T.814) by OpenJPH. */
#include <string.h>
#include "dicom/decode/codec.h"
#include "dicom/decode/htj2k_face.h"

struct target {
    const struct picture_form *form;
    uint8_t *values;
    uint32_t bits;
};

static void on_line(void *arg, uint32_t component, uint32_t line, const int32_t *from)
{
    const struct target *t = arg;
    const struct picture_form *f = t->form;
    uint32_t mask = t->bits >= 32 ? UINT32_MAX : (1u << t->bits) - 1;
    size_t at = (size_t)line * f->columns;

    for (uint32_t x = 0; x < f->columns; x++)
        codec_put(f, t->values, (at + x) * f->samples + component,
                  codec_sign(f, (int32_t)((uint32_t)from[x] & mask), t->bits));
}

bool codec_htj2k(struct picture_form *f, const uint8_t *stream, size_t len, uint8_t *values, struct err *err)
{
    char text[160] = "";
    struct htj2k_picture p;
    struct htj2k *h = htj2k_open(stream, len, &p, text, sizeof text);
    struct target target = {f, values, 0};

    if (!h)
        return codec_refuse(err, "HTJ2K", text);
    bool ok = codec_fits(f, "HTJ2K", p.columns, p.rows, p.components, p.bits, err);
    target.bits = p.bits;
    if (ok && htj2k_decode(h, on_line, &target, text, sizeof text) != 0)
        ok = codec_refuse(err, "HTJ2K", text);
    htj2k_close(h);
    if (ok && (strcmp(f->photometric, "YBR_RCT") == 0 || strcmp(f->photometric, "YBR_ICT") == 0))
        strcpy(f->photometric, "RGB");
    return ok;
}
