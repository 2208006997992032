/* owner.h - the daemons that decide what signald only passes on, one row each: what they are called, where they listen,
 * what they can be asked. A further one is a row here and its protocol.h.
 * Constants: any thread.
 */
#pragma once
#include <stdbool.h>
#include "dicom/protocol.h"
#include "scheduling/protocol.h"

enum owner { OWNER_SCHEDULER, OWNER_IMAGING, OWNERS_N };

/* An owner and one of its operations in one number, as a route's row names it. */
#define OWNER_OP(owner, op) ((int)(owner) << 8 | (int)(op))
#define OWNER_OF(n)         ((enum owner)((n) >> 8))
#define OWNER_OP_NUMBER(n)  ((unsigned)(n)&0xff)

struct owner_op {
    const char *name; /* "order.claim": in the protocol, the log and the OpenAPI document */
    bool writes;
};

struct owner_row {
    const char *name;   /* "scheduler": x-scheduler-op in the OpenAPI document, the label of the figures */
    const char *away;   /* the code of the problem while it is not there */
    const char *socket; /* below <data>/run */
    const struct owner_op *ops;
    unsigned ops_n;
};
extern const struct owner_row OWNERS[OWNERS_N];
