/* A whole file through every operation of yz-decode: data set, frame table, codec, greyscale chain, waveform. Large pictures
 * are left out for speed: their limits are tested elsewhere. HTJ2K is left out because OpenJPH 0.9 is known to fault on altered
 * streams (a division by zero in pre_alloc() within minutes): that is what the process and its sandbox are for. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "dicom/decode/job.h"
#include "dicom/decode/picture.h"

#define BYTES_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool wanted(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct dataset *ds = NULL;
    struct picture_form form;

    if (!dataset_open(&ds, data, size, NULL, &err))
        return false;
    bool ok = strncmp(dataset_syntax(ds), "1.2.840.10008.1.2.4.20", 22) != 0 &&
              (!picture_form_read(&form, ds, &err) || picture_form_bytes(&form) <= BYTES_MAX);
    dataset_close(ds);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int null = -1;
    struct decode_params params = {.op = DECODE_INDEX, .width = 32, .height = 32};

    if (null < 0)
        null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (!wanted(data, size))
        return 0;
    for (; params.op <= DECODE_WAVEFORM; params.op++) {
        struct decode_answer answer = {0};
        struct err err = ERR_INIT;
        params.format = size & 1 ? DECODE_PNG : DECODE_JPEG;
        bool ok = job_run(&params, data, size, null, &answer, &err);
        if (ok != (err.code == ERR_NONE))
            __builtin_trap();
    }
    return 0;
}
