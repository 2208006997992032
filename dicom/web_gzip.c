#include "dicom/web_gzip.h"
#include "core/mem.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define GZIP_WINDOW (16 + MAX_WBITS)

bool gzip_pack(const char *text, size_t len, char **out, size_t *out_len, struct err *err)
{
    z_stream z = {0};
    int said;

    if (len > UINT_MAX / 2 || deflateInit2(&z, 6, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return err_set(err, ERR_TOO_LARGE, "too_large", "%zu bytes to pack", len);
    *out_len = deflateBound(&z, len);
    *out = mem_grow(NULL, *out_len);
    z.next_in = (Bytef *)text;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)*out;
    z.avail_out = (uInt)*out_len;
    said = deflate(&z, Z_FINISH);
    *out_len = z.total_out;
    deflateEnd(&z);
    if (said == Z_STREAM_END)
        return true;
    free(*out);
    *out = NULL;
    return err_set(err, ERR_INTERNAL, "internal", "deflate said %d", said);
}

bool gzip_unpack(const char *bytes, size_t len, size_t max, char **out, size_t *out_len, struct err *err)
{
    z_stream z = {.next_in = (Bytef *)bytes, .avail_in = (uInt)len};
    size_t cap = 8 * len + 1024;
    char *text = NULL;
    int said = Z_OK;

    if (len > UINT_MAX || inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return err_set(err, ERR_CORRUPT, "internal", "%zu bytes to unpack", len);
    while (said == Z_OK && z.total_out < max) {
        cap = z.total_out + cap;
        text = mem_grow(text, cap);
        z.next_out = (Bytef *)text + z.total_out;
        z.avail_out = (uInt)(cap - z.total_out);
        said = inflate(&z, Z_NO_FLUSH);
    }
    *out = text;
    *out_len = z.total_out;
    inflateEnd(&z);
    if (said == Z_STREAM_END)
        return true;
    free(text);
    *out = NULL;
    return err_set(err, ERR_CORRUPT, "internal", "inflate said %d", said);
}
