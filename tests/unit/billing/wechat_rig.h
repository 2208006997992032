/* wechat_rig.h - two pairs of keys, made once per test program: ours and the channel's. */
#pragma once
#include "billing/wechat.h"

#define RIG_MCHID         "1900000100"
#define RIG_SERIAL        "3775B6A45ACD588826D15E583A95F5DD00000001"
#define RIG_CHANNEL       "5157F09EFDC096DE15EBE81A47057A7200000002"
#define RIG_API_KEY       "0123456789abcdef0123456789abcdef"
#define RIG_API_KEY_BYTES ((const uint8_t *)RIG_API_KEY)

struct wechat_rig {
    struct wechat_key *ours, *ours_public, *channel, *channel_public;
    char *ours_pem, *ours_public_pem, *channel_pem, *channel_public_pem;
};
/** Lent for the life of the program. */
const struct wechat_rig *wechat_rig(void);
