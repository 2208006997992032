#include "records/code.h"
#include "core/crypto.h"

static const char DIGITS[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void code_of_id(int64_t id, char out[CODE_ID_TEXT])
{
    uint64_t rest = (uint64_t)id;

    out[CODE_ID_TEXT - 1] = 0;
    for (int i = CODE_ID_TEXT - 2; i >= 0; i--) {
        out[i] = DIGITS[rest & 31];
        rest >>= 5;
    }
}

void code_random(char out[CODE_RANDOM_TEXT])
{
    uint8_t bytes[CODE_RANDOM_TEXT - 1]; /* five bits of each are used */

    crypto_random(bytes, sizeof bytes);
    for (int i = 0; i < CODE_RANDOM_TEXT - 1; i++)
        out[i] = DIGITS[bytes[i] & 31];
    out[CODE_RANDOM_TEXT - 1] = 0;
}
