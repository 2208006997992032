/* The upper layer without a network: the table of states, PDUs there and back, command sets, the access list. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "dicom/aes.h"
#include "dicom/dimse.h"
#include "dicom/sop.h"
#include "dicom/ul_fsm.h"
#include "tests/unit/test.h"

/* What the outside can bring about has an answer in every state in which there is a connection (PS3.8 table 9-10). */
TEST(ul_fsm, answers_every_pdu_in_every_state)
{
    static const enum ul_event OUTSIDE[] = {UL_PDU_ASSOCIATE_AC, UL_PDU_ASSOCIATE_RJ, UL_PDU_ASSOCIATE_RQ,
                                            UL_PDU_DATA,         UL_PDU_RELEASE_RQ,   UL_PDU_RELEASE_RP,
                                            UL_PDU_ABORT,        UL_TRANSPORT_CLOSED, UL_PDU_INVALID};
    static const enum ul_state STATES[] = {UL_STA2_OPEN, UL_STA3_ASKED, UL_STA6_READY, UL_STA8_RELEASING,
                                           UL_STA13_CLOSING};

    for (size_t s = 0; s < sizeof STATES / sizeof *STATES; s++)
        for (size_t e = 0; e < sizeof OUTSIDE / sizeof *OUTSIDE; e++) {
            const struct ul_edge *edge = ul_edge(STATES[s], OUTSIDE[e]);

            CHECK(edge != NULL);
            CHECK(edge->action != UL_IMPOSSIBLE && edge->why);
            if (OUTSIDE[e] == UL_TRANSPORT_CLOSED || OUTSIDE[e] == UL_PDU_ABORT)
                CHECK_INT(edge->to, UL_STA1_IDLE);
        }
    CHECK(ul_edge(UL_STA6_READY, UL_ACCEPT) == NULL);
    CHECK_INT(ul_edge(UL_STA6_READY, UL_PDU_DATA)->action, UL_DT2);
    CHECK_INT(ul_edge(UL_STA8_RELEASING, UL_RELEASE)->to, UL_STA13_CLOSING);
    CHECK_INT(ul_edge(UL_STA13_CLOSING, UL_ARTIM)->to, UL_STA1_IDLE);
}

TEST(pdu, an_associate_request_comes_back_as_it_was_written)
{
    struct pdu_associate *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    struct pdu_out o = {0};
    struct err err = ERR_INIT;

    strcpy(a->called, "YUNZHEN");
    strcpy(a->calling, "A TITLE OF 16 CH");
    a->application = (struct pdu_text){"1.2.840.10008.3.1.1.1", 21};
    a->max_length = 65536;
    a->n_contexts = 128;
    for (unsigned i = 0; i < 128; i++) {
        a->context[i] = (struct pdu_context){
            .id = (uint8_t)(2 * i + 1), .abstract = {"1.2.840.10008.1.1", 17}, .n_syntaxes = 1};
        a->context[i].syntax[0] = (struct pdu_text){"1.2.840.10008.1.2", 17};
    }
    pdu_write_associate(&o, PDU_ASSOCIATE_RQ, a);
    CHECK_OK(pdu_check(o.data, o.len, PDU_MAX_OFFERED, &err), &err);
    CHECK_OK(pdu_parse_associate(b, PDU_ASSOCIATE_RQ, o.data + PDU_HEAD, o.len - PDU_HEAD, &err), &err);
    CHECK_STR(b->called, "YUNZHEN");
    CHECK_STR(b->calling, "A TITLE OF 16 CH");
    CHECK_INT(b->n_contexts, 128);
    CHECK_INT(b->context[127].id, 255);
    CHECK_INT(b->max_length, 65536);
    for (size_t cut = 0; cut < o.len; cut++) { /* whatever is cut off is noticed */
        CHECK(!pdu_check(o.data, cut, PDU_MAX_OFFERED, &err));
        err_clear(&err);
    }
    pdu_out_free(&o);
    free(a);
    free(b);
}

TEST(pdu, a_message_is_cut_to_what_the_receiver_takes)
{
    uint8_t data[1000], again[1000];
    struct pdu_out o = {0};
    struct err err = ERR_INIT;
    size_t at = 0, got = 0;
    int n = 0;
    bool last = false;

    memset(data, 7, sizeof data);
    pdu_write_data(&o, 3, false, data, sizeof data, 300);
    while (at < o.len) {
        enum pdu_type type;
        uint32_t len;
        struct pdu_pdv v;
        size_t in = 0;

        CHECK_OK(pdu_head(o.data + at, 300, &type, &len, &err), &err);
        CHECK(pdu_next_pdv(&v, o.data + at + PDU_HEAD, len, &in, &err));
        CHECK(!last && v.context == 3 && !v.command);
        memcpy(again + got, v.data, v.len);
        got += v.len;
        last = v.last;
        at += PDU_HEAD + len;
        n++;
    }
    CHECK(last);
    CHECK_INT(n, 4);
    CHECK_INT(got, sizeof data);
    CHECK_MEM(again, data, sizeof data);
    pdu_out_free(&o);
}

TEST(dimse, a_command_set_comes_back_and_lies_are_refused)
{
    static const uint8_t LONG[] = {0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff},
                         OTHER_GROUP[] = {8, 0, 0x18, 0, 0, 0, 0, 0};
    struct dimse_command c = {.field = DIMSE_C_STORE_RQ, .message_id = 9, .has_data = true}, b, r;
    struct pdu_out o = {0};
    struct err err = ERR_INIT;

    strcpy(c.sop_class, "1.2.840.10008.5.1.4.1.1.2");
    strcpy(c.sop_instance, "1.2.3");
    dimse_write(&o, &c);
    CHECK_OK(dimse_parse(&b, o.data, o.len, &err), &err);
    CHECK(b.has_data);
    CHECK_INT(b.message_id, 9);
    CHECK_STR(b.sop_instance, "1.2.3");
    o.len = 0;
    r = dimse_response(&b, DIMSE_NOT_UNDERSTOOD, "why\\not\n");
    dimse_write(&o, &r);
    CHECK_OK(dimse_parse(&b, o.data, o.len, &err), &err);
    CHECK_INT(b.field, DIMSE_C_STORE_RSP);
    CHECK_INT(b.answers_id, 9);
    CHECK_INT(b.status, DIMSE_NOT_UNDERSTOOD);
    CHECK_STR(b.comment, "why not"); /* a backslash would make it two values */
    CHECK_ERR(dimse_parse(&b, LONG, sizeof LONG, &err), &err, ERR_INVALID, "command_malformed");
    CHECK_ERR(dimse_parse(&b, OTHER_GROUP, sizeof OTHER_GROUP, &err), &err, ERR_INVALID, "command_malformed");
    CHECK_ERR(dimse_parse(&b, o.data, 0, &err), &err, ERR_INVALID, "command_malformed");
    pdu_out_free(&o);
}

TEST(sop, every_syntax_is_stored_and_queries_are_plain)
{
    struct pdu_context c = {.id = 1, .abstract = {SOP_WORKLIST, sizeof SOP_WORKLIST - 1}, .n_syntaxes = 2};

    c.syntax[0] = (struct pdu_text){"1.2.840.10008.1.2.2", 19};
    c.syntax[1] = (struct pdu_text){"1.2.840.10008.1.2.1", 19};
    sop_negotiate(&c);
    CHECK_INT(c.result, PDU_CONTEXT_ACCEPTED);
    CHECK_INT(c.chosen, 1);
    c.abstract = (struct pdu_text){"1.2.840.10008.5.1.4.1.1.9.1.1", 29}; /* a 12-lead ECG */
    sop_negotiate(&c);
    CHECK_INT(c.chosen, 0);
    CHECK(sop_syntax_stored("1.2.840.10008.1.2.4.202") && !sop_syntax_stored("1.2.3"));
    CHECK_STR(sop_storage_name("1.2.840.10008.5.1.4.1.1.2"), "CT Image");
}

static int64_t judged(const struct ae_row *rows, size_t n, const char *title, const char *address)
{
    struct sockaddr_storage peer = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&peer;

    v4->sin_family = AF_INET;
    if (inet_pton(AF_INET, address, &v4->sin_addr) != 1) {
        peer.ss_family = AF_INET6;
        CHECK_INT(inet_pton(AF_INET6, address, &((struct sockaddr_in6 *)&peer)->sin6_addr), 1);
    }
    return ae_judge(rows, n, title, &peer);
}

TEST(access_list, a_listed_title_counts_from_its_address_alone)
{
    struct ae_row rows[4] = {{.title = "*", .tenant_id = 21},
                             {.title = "CT1", .tenant_id = 22},
                             {.title = "CT1", .tenant_id = 23},
                             {.title = "*", .tenant_id = 24}};

    CHECK(ae_network(&rows[0], "127.0.0.0", 8) && ae_network(&rows[1], "10.0.0.0", 8));
    CHECK(ae_network(&rows[2], "10.1.2.0", 23) && ae_network(&rows[3], "::1", 128));
    CHECK_INT(judged(rows, 4, "ANY", "127.0.0.1"), 21);
    CHECK_INT(judged(rows, 4, "ANY", "::1"), 24);
    CHECK_INT(judged(rows, 4, "ANY", "10.0.0.1"), 0);
    CHECK_INT(judged(rows, 4, "CT1", "127.0.0.1"), 0); /* listed, so `*` is not for it */
    CHECK_INT(judged(rows, 4, "CT1", "10.9.9.9"), 22);
    CHECK_INT(judged(rows, 4, "CT1", "10.1.3.200"), 23); /* the narrower network */
    CHECK_INT(judged(rows, 4, "CT1", "10.1.4.1"), 22);
}
