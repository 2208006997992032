/* job.h - one request, from mapped bytes to the output.
 *
 * Owns    nothing that outlives the call.
 * Trust   none in the bytes; whatever they do to us is contained by the process (decoder.c).
 * Errors  reason words of protocol.h and of dicom/dataset.
 */
#pragma once
#include <stddef.h>
#include "core/err.h"
#include "dicom/decode/protocol.h"

/** Load what a job will want to open files for, while that is still allowed: called once, before the sandbox. */
void job_prepare(void);
/** Do it. @param bytes the whole file, lent @param out_fd empty and writable @param[out] answer ok, bytes and the picture's
 * measures are filled in on success; on failure err says why. */
bool job_run(const struct decode_params *params, const uint8_t *bytes, size_t len, int out_fd,
             struct decode_answer *answer, struct err *err);
