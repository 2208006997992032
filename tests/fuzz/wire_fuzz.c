/* Frames between our processes. The first bytes after the head choose the getters, as a program would. */
#include "core/wire.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_one(struct wire_in *in, uint8_t what)
{
    char text[24];
    size_t n;

    switch (what % 7) {
    case 0:
        wire_get_u8(in);
        break;
    case 1:
        wire_get_u16(in);
        break;
    case 2:
        wire_get_u32(in);
        break;
    case 3:
        wire_get_u64(in);
        break;
    case 4:
        wire_get_i64(in);
        break;
    case 5:
        if (wire_get_bytes(in, &n) == NULL || n > in->len)
            abort();
        break;
    default:
        wire_get_str(in, text, sizeof text);
        if (strlen(text) >= sizeof text)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct wire_in in;

    if (!wire_parse(&in, data, len))
        return 0;
    size_t steps = in.len < 32 ? in.len : 32;
    for (size_t i = 0; i < steps; i++) {
        read_one(&in, in.data[i]);
        if (in.at > in.len || (in.bad && wire_end(&in)))
            abort();
    }
    return 0;
}
