/* ingest_internal.h - what the files of ingest share. Everything belongs to the loop but where a worker is named. */
#pragma once
#include "core/crypto.h"
#include "core/db/db.h"
#include "core/json.h"
#include "core/mailbox.h"
#include "dicom/decoders.h"
#include "dicom/ingest.h"
#include "dicom/journal.h"
#include "dicom/rows.h"

struct ingest {
    struct ingest_options opt;
    char *imaging, *incoming;
    struct journal *journal;
    struct workers *workers;
    struct ingest_object *list; /* all under way, promised or not */
};

struct ingest_object {
    struct ingest *in;
    struct ingest_object *next, **at;
    struct rows_instance row; /* the queue's node: first of what the rows thread gets */
    char *path, *index_path;
    int fd, index_fd;
    struct sha256 *sha;
    struct err err; /* of writing */
    bool promised, replayed, from_file, forgotten;
    unsigned tries;           /* of a replayed one, that its decoder did not survive */
    struct loop_timer *again; /* a replayed one whose index could not be made now */
    char want_study[PDU_UID + 1];
    int64_t ended_us;
    /* INDEX, then whether it is here already and, of a file, its hash side by side */
    unsigned asking;
    struct decode_job *job;
    struct db_job *query;
    struct err index_err;
    bool known;
    bool other_patient; /* the study is here, under another patient id */
    char known_hash[2 * SHA256_LEN + 1];
    int64_t known_study, known_id;
    /* of a file: where it is copied from */
    int from_fd;
    int64_t from, length;
    ingest_fn *stored, *settled;
    void *arg;
};

/* ingest.c */
struct ingest_object *ingest_object_new(struct ingest *in, const struct ingest_source *src, int64_t id);
void ingest_object_free(struct ingest_object *o);
void ingest_remove_files(struct ingest_object *o);
void ingest_close_fds(struct ingest_object *o);
bool ingest_no_room(struct err *err, const char *what); /* errno as out_of_space or storage_failed; false */
bool ingest_write_all(int fd, const uint8_t *data, size_t len, struct err *err);
/** Starts INDEX; the caller has counted it in o->asking. */
void ingest_ask_index(struct ingest_object *o);
/** One of the questions is answered; after the last the object is judged. */
void ingest_answered(struct ingest_object *o);
void ingest_judge(void *object);
/** Line 1 of what INDEX gave. err may be NULL. */
bool ingest_read_facts(struct ingest_object *o, int fd, struct err *err);
void ingest_count_waiting(struct ingest *in);
void ingest_metrics(void);

/* ingest_record.c: a line of the journal */
json_t *ingest_record(const struct rows_instance *i);
bool ingest_record_read(struct rows_instance *i, const json_t *d);
/** A member that is text and fits. */
bool ingest_get_text(const json_t *d, const char *key, char *out, size_t cap);

/* ingest_file.c */
/** The hash of the data set, on a worker; counts as an answer. */
void ingest_hash(struct ingest_object *o);
