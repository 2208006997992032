/* web.h - the HTTP side of yz-dicomd: DICOMweb on run/dicomd.sock, behind nginx.
 *
 * Owns    the HTTP server, a database handle of its own (role yz_dicomd, every statement under the caller's scope, so row
 *         security decides what is seen), its audit trail, the workers that read files.
 * Trusts  X-Yz-Identity (caller.h) and X-Body-File, because nginx overwrites both and the socket is ours.
 * Runs on the daemon's loop, which it carries: web_run() takes the place of loop_run().
 */
#pragma once
#include "core/ids.h"
#include "core/loop.h"

struct decoders;
struct ingest;
struct web;

struct web_config { /* everything borrowed for the life of the web */
    struct loop *loop;
    struct ids *ids;
    struct decoders *decoders;
    struct ingest *ingest;
    const char *conninfo; /* of the database */
    const char *data;     /* the data folder */
    int64_t region_id;
    unsigned node; /* names the writer of its audit rows: dicom-web-<node> */
};

/** Listens on <data>/run/dicomd.sock from here on. */
bool web_new(struct web **out, const struct web_config *config, struct err *err);
/** Serve until the loop is stopped. */
void web_run(struct web *web);
/** NULL is fine. Before the loop, the decoders and the ingest go. */
void web_free(struct web *web);
