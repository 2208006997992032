/* Our own JPEG decoders: lossless, and DCT of 8 and 12 bits. The stream's own header says how large the picture is. */
#include <stdlib.h>
#include "dicom/decode/jpeg_own.h"

#define PIXELS_MAX (1u << 18)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jpeg_stream s;
    struct err err = ERR_INIT;
    struct picture_form form = {.stored = 16, .photometric = "MONOCHROME2"};
    int marker;

    jpeg_open(&s, data, size);
    do
        marker = jpeg_next(&s, &err);
    while (marker == MARKER_SOS);
    if (marker == 0 || marker == MARKER_EOI || s.frame.rows * s.frame.columns > PIXELS_MAX)
        return 0;
    form.rows = s.frame.rows;
    form.columns = s.frame.columns;
    form.samples = s.frame.n;
    form.allocated = s.frame.precision <= 8 ? 8 : 16;
    form.is_signed = size & 1;
    uint8_t *values = calloc(1, picture_form_bytes(&form));
    if (s.frame.process == MARKER_SOF3)
        jpeg_lossless(&form, &s, values, &err);
    else
        jpeg_dct(&form, &s, values, &err);
    free(values);
    return 0;
}
