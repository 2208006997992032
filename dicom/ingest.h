/* ingest.h - how an object comes in, whoever brings it: C-STORE (store_scp.c) and STOW (web) use the same door.
 *
 *   bytes ──> incoming/<id>.dcm, SHA-256 on the way ──> INDEX (yz-decode) ──> checks ──> journal ──> stored() : survives kill -9
 *                                                           │                              └──> rows committed ──> settled()
 *                                                           └── no data set, other UID …: quarantine with a row, or removed
 * Owns    the files below <data>/imaging, the journal, and the thread that writes rows (rows.h).
 * Runs on one loop. Callbacks come from the loop, never from inside a call of this header.
 * Promise `stored` is given when file and journal are written; `settled` when the rows are committed, so that a query finds it.
 *         At start the journal is replayed: what was stored and has no row gets one.
 */
#pragma once
#include <stdint.h>
#include "core/loop.h"
#include "dicom/pdu.h"

struct ingest;
struct ingest_object; /* one on its way in */

struct ingest_source {
    int64_t region_id, tenant_id, account_id; /* account 0: a machine */
    char name[65];                            /* calling AE title, or the account's login */
    char request_id[65];                      /* "" for DIMSE */
};

/* What became of an object. Reason words: those of dicom/decode/protocol.h and dicom/dataset for what is no data set, and
 *   class_differs        the data set is of another SOP class than was announced
 *   instance_differs     … another SOP instance UID
 *   study_differs        … another study than the address says (STOW)
 *   identity_missing     no study, series or instance UID: it cannot be filed
 *   patient_differs      the study is here under another patient id
 *   object_too_large     more than 4 GiB
 *   same_uid_other_bytes this SOP instance UID is here with other bytes
 *   class_unknown        no storage class of the standard
 *   out_of_space, storage_failed, busy, stopping */
struct ingest_result {
    struct err err;   /* ERR_NONE: kept */
    uint16_t status;  /* DIMSE status, also the failure reason of STOW (PS3.18 annex I.2.2): 0 when kept */
    bool duplicate;   /* the same bytes are here already: kept once */
    bool quarantined; /* refused, and the original is kept with its reason */
    bool settled;     /* this is the second call: rows are committed */
    int64_t study_id, instance_id; /* once settled */
    char sop_class[PDU_UID + 1], sop_uid[PDU_UID + 1], study_uid[PDU_UID + 1], series_uid[PDU_UID + 1];
    char warning[48]; /* e.g. "frames_unreadable"; "" */
};
typedef void ingest_fn(void *arg, const struct ingest_result *r);

/* ---- by parts, as an association brings it */

/** A data set in `syntax` will follow; preamble and file meta group are written now.
 * @param sop_class,sop_uid as announced; the data set must agree
 * ERR_LIMIT "out_of_space", ERR_IO "storage_failed", ERR_AGAIN "busy" */
bool ingest_begin(struct ingest_object **out, struct ingest *in, const struct ingest_source *src,
                  const char *sop_class, const char *sop_uid, const char *syntax, struct err *err);
/** Bytes of the data set. An error is kept and comes out at ingest_end(). */
void ingest_bytes(struct ingest_object *o, const uint8_t *data, size_t len);
/** All bytes are here. stored() is called once with the outcome; settled() (may be NULL) once more when rows are committed, if it
 * was kept. */
void ingest_end(struct ingest_object *o, ingest_fn *stored, ingest_fn *settled, void *arg);
/** It was cut off: nothing of it stays. Before ingest_end() only. */
void ingest_cut(struct ingest_object *o);
/** The one who waits has gone; after ingest_end(). What is complete is kept, nobody is told. */
void ingest_forget(struct ingest_object *o);

/* ---- a whole file, as STOW brings it */

/** A Part 10 file: `length` bytes at `offset` of fd (read, not kept; the call copies them into a file of ours).
 * @param study_uid the study of the address, or NULL
 * settled() is called exactly once: after the commit when it was kept, or with what refused it. */
bool ingest_file(struct ingest *in, const struct ingest_source *src, const char *study_uid, int fd,
                 int64_t offset, int64_t length, ingest_fn *settled, void *arg, struct err *err);

/* ---- the whole */

struct decoders;
struct db;
struct rows;
struct ids;
struct ingest_options {
    struct loop *loop;
    struct ids *ids; /* of the loop */
    struct decoders *decoders;
    struct db *db;       /* on the loop, role yz_dicomd: is this instance here already? */
    struct rows *rows;   /* ingest_set_rows() when it comes later */
    const char *imaging; /* <data>/imaging; made when absent */
    int64_t region_id;
    unsigned threads; /* that copy and hash uploaded files */
    bool quarantine;  /* keep what is refused */
};
/** Takes the folder; objects that were never promised are removed. */
bool ingest_new(struct ingest **out, const struct ingest_options *opt, struct err *err);
/** What the journal holds goes to the rows again. After ingest_set_rows(). */
bool ingest_replay(struct ingest *in, struct err *err);
void ingest_set_rows(struct ingest *in, struct rows *rows);
/** Objects under way are removed unless they were promised. rows_stop() comes first. NULL is fine. */
void ingest_free(struct ingest *in);
/** From rows.h: the rows of an instance are committed. */
struct rows_instance;
void ingest_settle(struct ingest *in, struct rows_instance *i);
void ingest_drop(struct ingest *in, struct rows_instance *i);
/** Objects that have a journal line and no row yet. */
unsigned ingest_waiting(const struct ingest *in);
