/* shared_data.h - the data set that lies beside the repository: real files of many makers, and what they hold. */
#pragma once
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/mem.h"
#include "tests/unit/test.h"

/** YUNZHEN_TEST_DATA, or ../shared/data of the repository. */
static inline const char *shared_folder(void)
{
    const char *named = getenv("YUNZHEN_TEST_DATA");

    return named ? named : SHARED_DATA;
}

static inline char *shared_path(const char *file)
{
    return mem_format("%s/files/%s", shared_folder(), file);
}

/** The manifest, freed by the caller; skips the test, aloud, where there is none. */
static inline json_t *shared_manifest(void)
{
    char *path = mem_format("%s/manifest.json", shared_folder());
    json_t *manifest = json_load_file(path, 0, NULL);

    if (!manifest)
        printf("SKIPPED: no %s; set YUNZHEN_TEST_DATA to the shared data folder\n", path);
    free(path);
    if (!manifest)
        skip();
    return manifest;
}
