/* asks.h - the questions of yz-signald (protocol.h) on run/dicomd-ask.sock: lists are read on the loop under the caller's own scope,
 * decisions go to the rows thread. Runs on one loop. */
#pragma once
#include "core/ask_server.h"
#include "core/db/db.h"

struct asks;
struct rows;

bool asks_new(struct asks **out, struct loop *l, struct db *db, const char *socket_path, int64_t region_id,
              struct err *err);
void asks_set_rows(struct asks *a, struct rows *rows);
/** After rows_stop(), before db_close(). NULL is fine. */
void asks_free(struct asks *a);
struct ask_server *asks_server(struct asks *a);
/** From rows.h. @param doc NULL: refused with err */
void asks_answer(struct asks *a, uint64_t conn_id, uint64_t request_id, const json_t *doc,
                 const struct err *err);
