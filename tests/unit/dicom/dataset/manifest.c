/* manifest.c - see manifest.h. */
#include "tests/unit/dicom/dataset/manifest.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *manifest_folder(void)
{
    static char folder[4096];
    const char *told = getenv("YUNZHEN_TEST_DATA");

    snprintf(folder, sizeof folder, "%s", told && *told ? told : YZ_SOURCE_DIR "/../shared/data");
    return folder;
}

json_t *manifest_open(void)
{
    char path[4200];
    json_error_t why;
    json_t *m;

    snprintf(path, sizeof path, "%s/manifest.json", manifest_folder());
    m = json_load_file(path, 0, &why);
    if (!m)
        fprintf(stderr, "SKIPPED: no test data at %s (set YUNZHEN_TEST_DATA)\n", path);
    return m;
}

uint8_t *manifest_file(const json_t *entry, size_t *len)
{
    char path[8400];
    uint8_t *p = NULL;
    long n;
    FILE *f;

    snprintf(path, sizeof path, "%s/files/%s", manifest_folder(), manifest_text(entry, "file"));
    f = fopen(path, "re");
    if (!f || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0) {
        perror(path);
        exit(1);
    }
    p = malloc(n ? (size_t)n : 1);
    if (!p || fread(p, 1, (size_t)n, f) != (size_t)n) {
        perror(path);
        exit(1);
    }
    fclose(f);
    *len = (size_t)n;
    return p;
}

const char *manifest_text(const json_t *entry, const char *key)
{
    const char *s = json_string_value(json_object_get(entry, key));

    return s ? s : "";
}

int64_t manifest_int(const json_t *entry, const char *key, int64_t absent)
{
    const json_t *v = json_object_get(entry, key);

    return json_is_number(v) ? (int64_t)json_number_value(v) : absent;
}
