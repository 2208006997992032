/* scp.h - what associations may ask of us: C-ECHO, C-STORE, C-FIND (PS3.7 chapter 9, PS3.4 annexes A, B, C, K).
 *
 * Owns    the listening upper layer and, of each association, the message it is in the middle of.
 * Runs on one loop. One message at a time per association; its answer is one write.
 */
#pragma once
#include "dicom/aes.h"
#include "dicom/association.h"
#include "dicom/ingest.h"

struct scp;
struct rows;

struct scp_options {
    struct loop *loop;
    struct ul_options ul;
    const char *title; /* our AE title */
    unsigned associations_max;
    int64_t region_id;
    struct aes *aes;
    struct ingest *ingest;
    struct rows *rows;
    struct db *db;
};

bool scp_new(struct scp **out, const struct scp_options *opt, struct err *err);
void scp_free(struct scp *s); /* NULL is fine */
uint16_t scp_port(const struct scp *s);
unsigned scp_count(const struct scp *s);
