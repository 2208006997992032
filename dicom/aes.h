/* aes.h - the access list of machines: which calling AE title, from which address, works for which house.
 *
 * Owns    a copy of dicom.ae_titles in memory, read again every few seconds: an association is judged without waiting, and also while
 *         the database is away.
 * Runs on one loop.
 */
#pragma once
#include <netinet/in.h>
#include "core/db/db.h"

struct aes;

bool aes_new(struct aes **out, struct loop *l, struct db *db, int64_t region_id, struct err *err);
void aes_free(struct aes *a); /* NULL is fine; before db */
/** Has the list been read at all? */
bool aes_known(const struct aes *a);
/** The house, or 0: not in the list. A listed title counts only from its address; `*` only for titles that are not listed. */
int64_t aes_tenant(const struct aes *a, const char *title, const struct sockaddr_storage *peer);

/** The rule alone, for tests. */
struct ae_row {
    char title[17];
    uint8_t network[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;       /* of the 128 */
    int64_t tenant_id;
};
int64_t ae_judge(const struct ae_row *rows, size_t n, const char *title, const struct sockaddr_storage *peer);
/** "127.0.0.0" and 8 as the table has them. */
bool ae_network(struct ae_row *row, const char *address, unsigned bits);
