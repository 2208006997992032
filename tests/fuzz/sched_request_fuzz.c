/* A request's body as schedulerd judges it before anything else: first byte the operation, the rest JSON. */
#include "core/mem.h"
#include "scheduling/request.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct sched_request *r = mem_new(sizeof *r);
    struct err err = ERR_INIT;

    if (len) {
        r->op = (enum sched_op)(data[0] % SCHED_OP_COUNT);
        if (request_parse(r, data + 1, len - 1, &err) != (err.code == ERR_NONE))
            abort();
    }
    request_free(r);
    return 0;
}
