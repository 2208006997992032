/* codec_jpegls.c - JPEG-LS (ITU-T T.87) by CharLS, through its C interface. */
#include <charls/charls.h>
#include <stdlib.h>
#include <string.h>
#include "dicom/decode/codec.h"

static bool failed(struct err *err, charls_jpegls_errc e)
{
    return codec_refuse(err, "JPEG-LS", charls_get_error_message((int32_t)e));
}

/* From CharLS' layout (one byte to 8 bits, else two; planes when not interleaved) to ours. */
static void place(const struct picture_form *f, const uint8_t *from, uint32_t bits, bool planes,
                  uint8_t *values)
{
    size_t pixels = (size_t)f->rows * f->columns, n = pixels * f->samples;

    for (size_t i = 0; i < n; i++) {
        uint32_t v = bits <= 8 ? from[i] : (uint32_t)from[2 * i] | (uint32_t)from[2 * i + 1] << 8;
        size_t to = planes ? (i % pixels) * f->samples + i / pixels : i;
        codec_put(f, values, to, codec_sign(f, (int32_t)v, bits));
    }
}

static bool decode(charls_jpegls_decoder *d, struct picture_form *f, uint8_t *values,
                   charls_jpegls_errc *outcome, struct err *err)
{
    charls_frame_info info;
    charls_interleave_mode mode;
    charls_jpegls_errc e;
    size_t room = 0;

    if ((e = charls_jpegls_decoder_read_header(d)) || (e = charls_jpegls_decoder_get_frame_info(d, &info)) ||
        (e = charls_jpegls_decoder_get_interleave_mode(d, &mode)) ||
        (e = charls_jpegls_decoder_get_destination_size(d, 0, &room)))
        return failed(err, e);
    if (!codec_fits(f, "JPEG-LS", info.width, info.height, (uint32_t)info.component_count,
                    (uint32_t)info.bits_per_sample, err))
        return false;
    uint8_t *raw = malloc(room);
    if (!raw)
        return err_set(err, ERR_TOO_LARGE, "too_large", "JPEG-LS: no memory for %zu bytes", room);
    e = charls_jpegls_decoder_decode_to_buffer(d, raw, room, 0);
    if (!e)
        place(f, raw, (uint32_t)info.bits_per_sample, mode == CHARLS_INTERLEAVE_MODE_NONE && f->samples > 1,
              values);
    free(raw);
    *outcome = e;
    return e ? failed(err, e) : true;
}

static bool attempt(struct picture_form *f, const uint8_t *stream, size_t len, uint8_t *values,
                    charls_jpegls_errc *e, struct err *err)
{
    charls_jpegls_decoder *d = charls_jpegls_decoder_create();

    if (!d)
        return err_set(err, ERR_TOO_LARGE, "too_large", "JPEG-LS: no memory");
    *e = charls_jpegls_decoder_set_source_buffer(d, stream, len);
    bool ok = *e ? failed(err, *e) : decode(d, f, values, e, err);
    charls_jpegls_decoder_destroy(d);
    return ok;
}

static bool ends_with_eoi(const uint8_t *stream, size_t len)
{
    return len >= 2 && stream[len - 2] == 0xFF && stream[len - 1] == 0xD9;
}

/* A copy with EOI at its end: without any marker behind the data CharLS 2.4 reads zeros for seconds before it gives up
 * (charls #334). One byte of zero in front of EOI, which some encoders write, it refuses (#437): then once more without. */
bool codec_jpegls(struct picture_form *f, const uint8_t *stream, size_t len, uint8_t *values, struct err *err)
{
    uint8_t *copy = malloc(len + 2);
    charls_jpegls_errc e = CHARLS_JPEGLS_ERRC_SUCCESS;

    if (!copy)
        return err_set(err, ERR_TOO_LARGE, "too_large", "JPEG-LS: no memory");
    memcpy(copy, stream, len);
    if (len > 0 && copy[len - 1] == 0 && ends_with_eoi(copy, len - 1))
        len--; /* padding of the fragment */
    if (!ends_with_eoi(copy, len)) {
        copy[len++] = 0xFF;
        copy[len++] = 0xD9;
    }
    bool ok = attempt(f, copy, len, values, &e, err);
    if (!ok && e == CHARLS_JPEGLS_ERRC_JPEG_MARKER_START_BYTE_NOT_FOUND && len > 3 && copy[len - 3] == 0) {
        copy[len - 3] = 0xFF;
        copy[len - 2] = 0xD9;
        err_clear(err);
        ok = attempt(f, copy, len - 1, values, &e, err);
    }
    free(copy);
    return ok;
}
