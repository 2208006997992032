/* multipart.h - a multipart/related body taken apart where it lies (RFC 2046 5.1, RFC 2387, PS3.18 8.6).
 *
 * Trust   none: the bytes are the outside's. Looks at each byte once or twice, copies nothing but a part's media type.
 * Runs on any thread.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"

#define MULTIPART_BOUNDARY 200 /* RFC 2046 says 70; Orthanc writes 73 */

struct multipart_type {                    /* of a Content-Type header */
    char media[64];                        /* lower case: "multipart/related" */
    char type[64];                         /* its parameter of that name, lower case, or "" */
    char boundary[MULTIPART_BOUNDARY + 1]; /* "" when absent */
    char syntax[65];                       /* transfer-syntax, or "" */
};
/** false when it is no media type, or a parameter is longer than it may be. */
bool multipart_type_parse(struct multipart_type *out, const char *text, size_t len);

struct multipart_part {
    size_t offset, length; /* of its body */
    char media[64];        /* its own Content-Type, lower case, without parameters; "" when it says none */
};

struct multipart {
    const uint8_t *body;
    size_t len, at;                    /* private: where the next part's head begins */
    char mark[MULTIPART_BOUNDARY + 8]; /* private: CRLF -- boundary */
    size_t mark_len;
    bool done; /* the closing mark was seen */
    size_t parts;
};

#define MULTIPART_HEAD_MAX 4096

/** Before the first part. ERR_INVALID "multipart_malformed" when the first mark is not there. */
bool multipart_open(struct multipart *m, const uint8_t *body, size_t len, const char *boundary,
                    struct err *err);
/** The next part. false without error (err->code ERR_NONE) behind the last; ERR_INVALID "multipart_malformed" when a head does
 * not end, "multipart_truncated" when a part does not. */
bool multipart_next(struct multipart *m, struct multipart_part *out, struct err *err);
