/* paper_sheet.h - the words of a printed report: from its row to what yz-print reads (records/print/sheet.h). Pure. */
#pragma once
#include <jansson.h>
#include <stdint.h>

struct paper {
    int version, newest;
    int64_t tenant_id, person_id;
    const char *modality, *procedure, *question, *accession_no;
    const char *name, *sex, *birth_date; /* "" unknown */
    const char *author_house, *examining_house;
    const char *findings, *impression, *critical_finding, *reason, *doctor;
    int64_t signed_at_us, study_at_us; /* study_at_us 0: not known */
    const char *code;
};

/** @param origin of the verification page, "https://host" @return a new reference */
json_t *paper_sheet(const struct paper *p, const char *origin);
/** "影像诊断报告" and its kind. */
const char *paper_title(const char *modality);
/** The first letter and two stars: enough for the holder to see it is his, nothing for a finder. out: 16 bytes. */
void paper_mask(const char *name, char out[16]);
