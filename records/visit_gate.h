/* visit_gate.h - may this visit happen this way, and what may come of it? One function, one table (domain.md 2).
 * Pure; any thread. The national rules forbid first visits from home and want an accompanying doctor otherwise. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum visit_channel { VISIT_HOME_DIRECT, VISIT_ASSISTED, VISIT_FD_CONTRACT, VISIT_CHANNEL_COUNT };
enum visit_kind { VISIT_FIRST_VISIT, VISIT_FOLLOW_UP, VISIT_KIND_COUNT };

struct visit_gate_in {
    enum visit_channel channel;
    enum visit_kind kind;
    bool evidence;         /* prior diagnosis shown and kept */
    bool inviting_present; /* the accompanying doctor is in the room now */
    uint32_t consents;     /* granted kinds, records/consent.h bits */
};

/* What may come of it; each includes nothing of the others. */
enum visit_right {
    VISIT_MAY_ADVISE = 1 << 0,
    VISIT_MAY_DIAGNOSE = 1 << 1,
    VISIT_MAY_PRESCRIBE = 1 << 2,       /* the treating doctor */
    VISIT_INVITING_PRESCRIBES = 1 << 3, /* telemedicine: the inviting doctor decides, orders and prescribes */
    VISIT_MAY_SIGN_CONTRACT = 1 << 4,
};

struct visit_gate_out {
    bool open;
    const char *reason;        /* when shut: stable word, e.g. "inviting_doctor_absent" */
    uint32_t rights;           /* when open */
    uint32_t consents_missing; /* when shut for "consent_missing" */
};

struct visit_gate_out visit_gate(const struct visit_gate_in *in);

const char *visit_channel_name(enum visit_channel channel);
const char *visit_kind_name(enum visit_kind kind);
bool visit_channel_parse(const char *name, enum visit_channel *out);
bool visit_kind_parse(const char *name, enum visit_kind *out);
