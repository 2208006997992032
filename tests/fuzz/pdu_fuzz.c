/* pdu_fuzz.c - upper layer and command sets from anybody who reaches the port; what was taken is written again the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "dicom/dimse.h"
#include "dicom/sop.h"

static void associate(const uint8_t *body, size_t len, enum pdu_type type)
{
    struct pdu_associate *a = malloc(sizeof *a), *again = malloc(sizeof *again);
    struct pdu_out o = {0};
    struct err err = ERR_INIT;

    if (pdu_parse_associate(a, type, body, len, &err)) {
        for (unsigned i = 0; type == PDU_ASSOCIATE_RQ && i < a->n_contexts; i++) {
            sop_negotiate(&a->context[i]);
            assert(a->context[i].result != PDU_CONTEXT_ACCEPTED ||
                   a->context[i].chosen < a->context[i].n_syntaxes);
        }
        pdu_write_associate(&o, PDU_ASSOCIATE_RQ, a);
        assert(pdu_parse_associate(again, PDU_ASSOCIATE_RQ, o.data + PDU_HEAD, o.len - PDU_HEAD, &err) ||
               type == PDU_ASSOCIATE_AC);
        assert(type == PDU_ASSOCIATE_AC || again->n_contexts == a->n_contexts);
    }
    pdu_out_free(&o);
    free(a);
    free(again);
}

static void command(const uint8_t *data, size_t len)
{
    struct dimse_command c, again;
    struct pdu_out o = {0};
    struct err err = ERR_INIT;

    if (dimse_parse(&c, data, len, &err)) {
        dimse_write(&o, &c);
        assert(dimse_parse(&again, o.data, o.len, &err) && again.field == c.field);
        assert(strcmp(again.sop_instance, c.sop_instance) == 0);
    }
    pdu_out_free(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct err err = ERR_INIT;
    struct pdu_pdv v;
    enum pdu_type type;
    uint32_t n;
    size_t at = 0;

    command(data, len);
    if (len < PDU_HEAD || !pdu_head(data, PDU_MAX_OFFERED, &type, &n, &err))
        return 0;
    err_clear(&err);
    pdu_check(data, len, PDU_MAX_OFFERED, &err);
    err_clear(&err);
    if (type == PDU_ASSOCIATE_RQ || type == PDU_ASSOCIATE_AC)
        associate(data + PDU_HEAD, len - PDU_HEAD, type);
    while (type == PDU_DATA && pdu_next_pdv(&v, data + PDU_HEAD, len - PDU_HEAD, &at, &err)) {
        assert(v.data >= data && v.data + v.len <= data + len);
        if (v.command)
            command(v.data, v.len);
    }
    return 0;
}
