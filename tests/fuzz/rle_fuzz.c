/* RLE: the first four bytes say how large the picture is and how wide its values, the rest is the stream. */
#include <stdlib.h>
#include "dicom/decode/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;

    if (size < 4)
        return 0;
    struct picture_form form = {.rows = data[0] + 1u,
                                .columns = data[1] + 1u,
                                .samples = data[2] & 1 ? 3 : 1,
                                .allocated = 8u << (data[3] % 3),
                                .photometric = "RGB"};
    form.stored = form.allocated;
    uint8_t *values = calloc(1, picture_form_bytes(&form));
    codec_rle(&form, data + 4, size - 4, values, &err);
    free(values);
    return 0;
}
