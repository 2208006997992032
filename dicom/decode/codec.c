#include "dicom/decode/codec.h"
#include <string.h>

/* PS3.5 Annex A, PS3.6 Annex A. A stream is believed about its own process: JPEG lossless behind the UID of baseline is
 * decoded as what it is. */
const struct codec CODECS[] = {
    {"1.2.840.10008.1.2", "implicit little endian", false, NULL},
    {"1.2.840.10008.1.2.1", "explicit little endian", false, NULL},
    {"1.2.840.10008.1.2.1.99", "deflated explicit little endian", false, NULL},
    {"1.2.840.10008.1.2.2", "explicit big endian", false, NULL},
    {"1.2.840.10008.1.2.5", "RLE lossless", false, codec_rle},
    {"1.2.840.10008.1.2.4.50", "JPEG baseline (process 1)", true, codec_jpeg},
    {"1.2.840.10008.1.2.4.51", "JPEG extended (process 2 and 4)", true, codec_jpeg},
    {"1.2.840.10008.1.2.4.53", "JPEG spectral selection (process 6 and 8)", true, codec_jpeg},
    {"1.2.840.10008.1.2.4.55", "JPEG progressive (process 10 and 12)", true, codec_jpeg},
    {"1.2.840.10008.1.2.4.57", "JPEG lossless (process 14)", false, codec_jpeg},
    {"1.2.840.10008.1.2.4.70", "JPEG lossless, first-order (process 14, selection value 1)", false,
     codec_jpeg},
    {"1.2.840.10008.1.2.4.80", "JPEG-LS lossless", false, codec_jpegls},
    {"1.2.840.10008.1.2.4.81", "JPEG-LS near-lossless", true, codec_jpegls},
    {"1.2.840.10008.1.2.4.90", "JPEG 2000 lossless", false, codec_j2k},
    {"1.2.840.10008.1.2.4.91", "JPEG 2000", true, codec_j2k},
    {"1.2.840.10008.1.2.4.201", "HTJ2K lossless", false, codec_htj2k},
    {"1.2.840.10008.1.2.4.202", "HTJ2K lossless RPCL", false, codec_htj2k},
    {"1.2.840.10008.1.2.4.203", "HTJ2K", true, codec_htj2k},
    {0},
};

const struct codec *codec_of(const char *syntax)
{
    for (const struct codec *c = CODECS; c->syntax; c++)
        if (strcmp(c->syntax, syntax) == 0)
            return c;
    return NULL;
}

bool codec_refuse(struct err *err, const char *codec, const char *why)
{
    return err_set(err, ERR_INVALID, "codec_failed", "%s: %s", codec, why);
}

bool codec_fits(const struct picture_form *form, const char *codec, uint32_t columns, uint32_t rows,
                uint32_t samples, uint32_t bits, struct err *err)
{
    if (columns == form->columns && rows == form->rows && samples == form->samples && bits >= 1 &&
        bits <= form->allocated)
        return true;
    return err_set(err, ERR_INVALID, "codec_failed",
                   "%s: a stream of %ux%ux%u with %u bits, the data set says %ux%ux%u in %u", codec, columns,
                   rows, samples, bits, form->columns, form->rows, form->samples, form->allocated);
}
