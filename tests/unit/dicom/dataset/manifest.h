/* manifest.h - the data folder's manifest and its files, for every test that is held to it.
 *
 * The folder is YUNZHEN_TEST_DATA, else ../shared/data beside the checkout. Without it a test says so and is skipped. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/** The array of manifest.json, or NULL after having said that the data are not there. Freed with json_decref(). */
json_t *manifest_open(void);
/** The folder with manifest.json and files/; lent. */
const char *manifest_folder(void);
/** A file of the manifest, freed by the caller; exactly as long as the file. */
uint8_t *manifest_file(const json_t *entry, size_t *len);
const char *manifest_text(const json_t *entry, const char *key);            /* "" when absent */
int64_t manifest_int(const json_t *entry, const char *key, int64_t absent); /* of numbers */
