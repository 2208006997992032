/* A STOW body: the first line is the Content-Type header, the rest the body. */
#include "dicom/multipart.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *line = memchr(data, '\n', len);
    size_t head = line ? (size_t)(line - data) : len, used = 0;
    const uint8_t *body = line ? line + 1 : data + len;
    size_t body_len = (size_t)(data + len - body);
    struct err err = ERR_INIT;
    struct multipart_type type;
    struct multipart_part part;
    struct multipart m;

    if (!multipart_type_parse(&type, (const char *)data, head))
        return 0;
    if (!multipart_open(&m, body, body_len, type.boundary, &err)) {
        if (err.code == ERR_NONE)
            abort();
        return 0;
    }
    while (multipart_next(&m, &part, &err)) {
        if (part.offset < used || part.offset > body_len || part.length > body_len - part.offset)
            abort();
        used = part.offset + part.length;
    }
    return 0;
}
