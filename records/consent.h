/* consent.h - what a patient has to agree to, one by one, before a visit goes live.
 * Pure; any thread. Texts and answers are rows (records.consent_texts, records.consents). */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "records/visit_gate.h"

/* Bits, so that a set of kinds is a number. */
enum consent_kind {
    CONSENT_SERVICE = 1 << 0,
    CONSENT_SENSITIVE_DATA = 1 << 1,
    CONSENT_RECORDING = 1 << 2,
    CONSENT_RECORD_SHARING = 1 << 3,
    CONSENT_OUT_OF_REGION = 1 << 4,
    CONSENT_TEACHING_USE = 1 << 5,
};
#define CONSENT_KINDS 6

/** "service" …; NULL for what is not exactly one kind. */
const char *consent_name(uint32_t kind);
/** 0 when no kind has that name. */
uint32_t consent_parse(const char *name);

/** Without these the gate stays shut on that channel. A visit from home is evidence of process and must be recorded:
 * who refuses is offered a visit in person, the recording is not silently left out. Between two organisations the record
 * is shared, so that is asked instead; recording is a choice there. */
uint32_t consent_required(enum visit_channel channel);
static inline uint32_t consent_missing(enum visit_channel channel, uint32_t granted)
{
    return consent_required(channel) & ~granted;
}
