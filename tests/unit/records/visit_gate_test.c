#include "records/consent.h"
#include "tests/unit/test.h"

#define ALL UINT32_MAX

TEST(visit_gate, every_channel_and_kind_has_the_rights_of_the_table)
{
    static const struct {
        enum visit_channel channel;
        enum visit_kind kind;
        bool evidence, inviting;
        const char *reason; /* NULL: open */
        uint32_t rights;
    } TABLE[] = {
        {VISIT_HOME_DIRECT, VISIT_FIRST_VISIT, false, false, NULL, VISIT_MAY_ADVISE},
        {VISIT_HOME_DIRECT, VISIT_FIRST_VISIT, true, true, NULL, VISIT_MAY_ADVISE},
        {VISIT_HOME_DIRECT, VISIT_FOLLOW_UP, false, false, NULL, VISIT_MAY_ADVISE},
        {VISIT_HOME_DIRECT, VISIT_FOLLOW_UP, true, false, NULL,
         VISIT_MAY_ADVISE | VISIT_MAY_DIAGNOSE | VISIT_MAY_PRESCRIBE},
        {VISIT_ASSISTED, VISIT_FIRST_VISIT, false, false, "inviting_doctor_absent", 0},
        {VISIT_ASSISTED, VISIT_FIRST_VISIT, false, true, NULL,
         VISIT_MAY_ADVISE | VISIT_MAY_DIAGNOSE | VISIT_INVITING_PRESCRIBES},
        {VISIT_ASSISTED, VISIT_FOLLOW_UP, true, false, "inviting_doctor_absent", 0},
        {VISIT_ASSISTED, VISIT_FOLLOW_UP, true, true, NULL,
         VISIT_MAY_ADVISE | VISIT_MAY_DIAGNOSE | VISIT_INVITING_PRESCRIBES},
        {VISIT_FD_CONTRACT, VISIT_FIRST_VISIT, false, false, NULL, VISIT_MAY_SIGN_CONTRACT},
        {VISIT_FD_CONTRACT, VISIT_FOLLOW_UP, false, false, NULL,
         VISIT_MAY_ADVISE | VISIT_MAY_DIAGNOSE | VISIT_MAY_PRESCRIBE | VISIT_MAY_SIGN_CONTRACT},
    };

    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++) {
        struct visit_gate_in in = {.channel = TABLE[i].channel,
                                   .kind = TABLE[i].kind,
                                   .evidence = TABLE[i].evidence,
                                   .inviting_present = TABLE[i].inviting,
                                   .consents = ALL};
        struct visit_gate_out out = visit_gate(&in);

        CHECK_INT(out.open, TABLE[i].reason == NULL);
        CHECK_INT(out.rights, TABLE[i].rights);
        if (TABLE[i].reason)
            CHECK_STR(out.reason, TABLE[i].reason);
    }
}

TEST(visit_gate, each_missing_consent_shuts_it_and_is_named)
{
    for (int c = 0; c < VISIT_CHANNEL_COUNT; c++) {
        uint32_t needed = consent_required((enum visit_channel)c);

        CHECK(needed & CONSENT_SERVICE);
        CHECK(needed & CONSENT_SENSITIVE_DATA);
        for (unsigned bit = 0; bit < CONSENT_KINDS; bit++) {
            uint32_t kind = UINT32_C(1) << bit;
            struct visit_gate_in in = {.channel = (enum visit_channel)c,
                                       .kind = VISIT_FOLLOW_UP,
                                       .evidence = true,
                                       .inviting_present = true,
                                       .consents = ALL & ~kind};
            struct visit_gate_out out = visit_gate(&in);

            CHECK_INT(out.open, !(needed & kind));
            CHECK_INT(out.consents_missing, needed & kind);
            if (needed & kind)
                CHECK_STR(out.reason, "consent_missing");
        }
    }
}

TEST(visit_gate, recording_is_evidence_from_home_and_a_choice_between_organisations)
{
    CHECK(consent_required(VISIT_HOME_DIRECT) & CONSENT_RECORDING);
    CHECK(!(consent_required(VISIT_ASSISTED) & CONSENT_RECORDING));
    CHECK(consent_required(VISIT_ASSISTED) & CONSENT_RECORD_SHARING);
}

TEST(consent, names_and_bits_are_each_others_inverse)
{
    for (unsigned bit = 0; bit < CONSENT_KINDS; bit++)
        CHECK_INT(consent_parse(consent_name(UINT32_C(1) << bit)), UINT32_C(1) << bit);
    CHECK(consent_name(3) == NULL);
    CHECK_INT(consent_parse("everything"), 0);
}
