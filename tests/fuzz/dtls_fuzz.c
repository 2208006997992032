/* dtls_fuzz.c - the look we take at a DTLS datagram before OpenSSL does. */
#include <string.h>
#include "media/dtls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct dtls_hello hello;
    uint8_t sum = 0;

    if (dtls_look(data, len, &hello) == DTLS_LOOK_HELLO)
        for (size_t i = 0; i < DTLS_RANDOM_LEN; i++)
            sum ^= hello.random[i]; /* all of it was set */
    return sum & 0;
}
