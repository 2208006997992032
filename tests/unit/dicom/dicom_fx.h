/* dicom_fx.h - yz-dicomd as a process on a database and a folder of its own, and a small C-STORE user that can stop in the
 * middle of a byte. Everything blocks with a deadline; what fails ends the test. */
#pragma once
#include <stdio.h>
#include "dicom/dimse.h"
#include "tests/unit/pg_fixture.h"

#define FX_TENANT  21 /* the demo's east township: what `*` on loopback stands for */
#define CT_IMAGE   "1.2.840.10008.5.1.4.1.1.2"
#define EXPLICIT   "1.2.840.10008.1.2.1"
#define IMPLICIT   "1.2.840.10008.1.2"
#define FX_WAIT_MS 30000

struct dfx {
    struct test *t;
    const char *data, *log;
    char conninfo[300];
    int pid;
    uint16_t port;
    const char *arg[8]; /* more settings of the daemon, ends with NULL */
};

/** Demo people and machines; folders; no daemon yet. The rows of an earlier test of this file are gone. */
struct dfx *dfx_open(struct test *t);
/** Started and listening, its access list read. */
void dfx_start(struct dfx *f);
/** SIGTERM or SIGKILL, and its end. @return as waitpid() says */
int dfx_stop(struct dfx *f, int signal);
/** Until SQL answers this number; as the superuser. */
void dfx_soon(const char *sql, int64_t want);
int64_t dfx_count(const char *sql);
/** First column of the first row, "" for none; lent until the next call. */
const char *dfx_value(const char *sql);
/** Run a program, its output kept; '%s' of the port is the caller's to write. @return exit status */
int dfx_run(struct dfx *f, char *out, size_t cap, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/** Files below <data>/imaging/NAME. */
int dfx_files(const struct dfx *f, const char *name);

/* What an image says about itself. NULL: a default. */
struct dfx_image {
    const char *study, *series, *sop, *sop_class, *patient_no, *patient_name, *accession, *modality;
    size_t pixels; /* bytes of Pixel Data */
    uint8_t fill;
};
/** A data set in explicit little endian; freed by the caller. */
uint8_t *dfx_image(const struct dfx_image *im, size_t *len);

/** Preamble and file meta group of a file for storescu. */
void dfx_write_meta(FILE *f, const char *sop_class, const char *sop, const char *syntax);
/** Wait for a child of the test's own. */
void dfx_reap(int pid);

/* A service class user. */
struct scu {
    int fd;
    uint8_t *in;
    uint16_t message_id;
    struct pdu_reject rj;
    uint8_t result; /* of context 1 */
    char comment[DIMSE_COMMENT_MAX + 1];
};
void scu_connect(struct scu *s, const struct dfx *f);
void scu_close(struct scu *s);
/** The bytes of an A-ASSOCIATE-RQ with one context, id 1. */
void scu_put_associate(struct pdu_out *o, const char *called, const char *calling, const char *abstract,
                       const char *syntax);
/** @return the type of what came back, 0 when the connection was closed */
int scu_associate(struct scu *s, const char *called, const char *calling, const char *abstract,
                  const char *syntax);
/** The bytes of a whole C-STORE request in P-DATA-TFs of at most pdu bytes. */
void scu_put_store(struct pdu_out *o, uint16_t message_id, const char *sop_class, const char *sop,
                   const uint8_t *data, size_t len, uint32_t pdu);
void scu_send(struct scu *s, const uint8_t *data, size_t len);
/** The next PDU's type, 0 at the end. Its body stands in s->in. */
int scu_read(struct scu *s, uint32_t *len);
/** C-STORE and its status; 0xFFFF when the connection ended. */
int scu_store(struct scu *s, const char *sop_class, const char *sop, const uint8_t *data, size_t len);
