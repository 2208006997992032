/* stun_fuzz.c - STUN from anybody; libnice, where it is there, must agree that what we take is a STUN message. */
#include <assert.h>
#include "media/stun.h"
#ifdef YZ_WITH_NICE
#include <stun/stunmessage.h>
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct stun_msg m;
    const char *ufrag;
    size_t n;

    if (!stun_parse(data, len, &m))
        return 0;
    assert(m.len == len && len % 4 == 0);
#ifdef YZ_WITH_NICE
    assert(stun_message_validate_buffer_length(data, len, true) == (int)len);
#endif
    assert(m.integrity_at == 0 || m.integrity_at + 24 <= len);
    if (stun_local_ufrag(&m, &ufrag, &n))
        assert((const uint8_t *)ufrag >= data && (const uint8_t *)ufrag + n < data + len);
    stun_check_integrity(&m, "0123456789012345678901");
    return 0;
}
