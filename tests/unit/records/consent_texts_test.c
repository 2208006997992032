/* The texts say which channels need them, the gate decides by records/consent.c: both must say the same. */
#include "records/consent.h"
#include "tests/unit/scheduling/sched_fx.h"

TEST(consent_texts, of_the_demo_ask_for_what_the_gate_asks_for)
{
    struct fx *f = fx_open(t);

    for (int c = 0; c < VISIT_CHANNEL_COUNT - 1; c++) /* no text for fd_contract yet */
        for (unsigned bit = 0; bit < CONSENT_KINDS; bit++) {
            uint32_t kind = UINT32_C(1) << bit;

            CHECK_INT(fx_count(f,
                               "SELECT count(*) FROM records.consent_texts WHERE kind = '%s' AND '%s' = ANY "
                               "(required_for)",
                               consent_name(kind), visit_channel_name((enum visit_channel)c)),
                      consent_required((enum visit_channel)c) & kind ? 2 : 0); /* in both languages */
        }
}
