#include "records/visit_gate.h"
#include "records/consent.h"
#include <string.h>

#define TELEMEDICINE  (VISIT_MAY_ADVISE | VISIT_MAY_DIAGNOSE | VISIT_INVITING_PRESCRIBES)
#define INTERNET_CARE (VISIT_MAY_ADVISE | VISIT_MAY_DIAGNOSE | VISIT_MAY_PRESCRIBE)

/* What the channel needs in the room or on file, and what it then allows. The first row that fits counts. */
static const struct gate_row {
    enum visit_channel channel;
    enum visit_kind kind;
    bool needs_evidence, needs_inviting;
    uint32_t rights;
} ROWS[] = {
    {VISIT_HOME_DIRECT, VISIT_FIRST_VISIT, false, false, VISIT_MAY_ADVISE}, /* consult only */
    {VISIT_HOME_DIRECT, VISIT_FOLLOW_UP, true, false, INTERNET_CARE},
    {VISIT_HOME_DIRECT, VISIT_FOLLOW_UP, false, false,
     VISIT_MAY_ADVISE}, /* no evidence: consult only remains */
    {VISIT_ASSISTED, VISIT_FIRST_VISIT, false, true, TELEMEDICINE},
    {VISIT_ASSISTED, VISIT_FOLLOW_UP, false, true, TELEMEDICINE},
    {VISIT_FD_CONTRACT, VISIT_FIRST_VISIT, false, false, VISIT_MAY_SIGN_CONTRACT},
    {VISIT_FD_CONTRACT, VISIT_FOLLOW_UP, false, false, INTERNET_CARE | VISIT_MAY_SIGN_CONTRACT},
};

static const struct gate_row *gate_row(const struct visit_gate_in *in)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        if (ROWS[i].channel == in->channel && ROWS[i].kind == in->kind &&
            (in->evidence || !ROWS[i].needs_evidence))
            return &ROWS[i];
    return NULL;
}

struct visit_gate_out visit_gate(const struct visit_gate_in *in)
{
    const struct gate_row *row = gate_row(in);
    struct visit_gate_out out = {.consents_missing = consent_missing(in->channel, in->consents)};

    if (!row)
        out.reason = "visit_not_allowed";
    else if (row->needs_inviting && !in->inviting_present)
        out.reason = "inviting_doctor_absent";
    else if (out.consents_missing)
        out.reason = "consent_missing";
    else
        out = (struct visit_gate_out){.open = true, .rights = row->rights};
    return out;
}

static const char *const CHANNELS[VISIT_CHANNEL_COUNT] = {"home_direct", "assisted", "fd_contract"};
static const char *const KINDS[VISIT_KIND_COUNT] = {"first_visit", "follow_up"};

static int name_index(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

const char *visit_channel_name(enum visit_channel channel)
{
    return CHANNELS[channel];
}

const char *visit_kind_name(enum visit_kind kind)
{
    return KINDS[kind];
}

bool visit_channel_parse(const char *name, enum visit_channel *out)
{
    int i = name_index(CHANNELS, VISIT_CHANNEL_COUNT, name);

    if (i >= 0)
        *out = (enum visit_channel)i;
    return i >= 0;
}

bool visit_kind_parse(const char *name, enum visit_kind *out)
{
    int i = name_index(KINDS, VISIT_KIND_COUNT, name);

    if (i >= 0)
        *out = (enum visit_kind)i;
    return i >= 0;
}
