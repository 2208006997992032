#include "records/consent.h"
#include <string.h>

static const char *const NAMES[CONSENT_KINDS] = {"service",        "sensitive_data", "recording",
                                                 "record_sharing", "out_of_region",  "teaching_use"};

static const uint32_t REQUIRED[VISIT_CHANNEL_COUNT] = {
    [VISIT_HOME_DIRECT] = CONSENT_SERVICE | CONSENT_SENSITIVE_DATA | CONSENT_RECORDING,
    [VISIT_ASSISTED] = CONSENT_SERVICE | CONSENT_SENSITIVE_DATA | CONSENT_RECORD_SHARING,
    [VISIT_FD_CONTRACT] = CONSENT_SERVICE | CONSENT_SENSITIVE_DATA,
};

const char *consent_name(uint32_t kind)
{
    for (unsigned i = 0; i < CONSENT_KINDS; i++)
        if (kind == UINT32_C(1) << i)
            return NAMES[i];
    return NULL;
}

uint32_t consent_parse(const char *name)
{
    for (unsigned i = 0; i < CONSENT_KINDS; i++)
        if (!strcmp(name, NAMES[i]))
            return UINT32_C(1) << i;
    return 0;
}

uint32_t consent_required(enum visit_channel channel)
{
    return REQUIRED[channel];
}
