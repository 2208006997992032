/* config.h - settings are one table per daemon: name, type, default, range, unit, reloadable, sentence.
 *
 * Values come, later ones winning, from: the default, the file named by --config (lines `name = value`, `#`
 * begins a comment), the environment (YUNZHEN_MEDIA_PORT for `media.port`), the command line (--media.port=…;
 * for a boolean --media.port alone means true). `yunzhen config` prints the table by running each daemon with
 * --settings (JSON on stdout, exit 0).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"

enum config_type { CONFIG_STR, CONFIG_INT, CONFIG_BOOL };
struct config_setting {
    const char *name; /* "media.port" */
    enum config_type type;
    const char *def;  /* as text */
    int64_t min, max; /* CONFIG_INT only */
    const char *unit; /* "ms", "bytes", "port", "" */
    bool reloadable;  /* SIGHUP reads it again */
    bool secret;      /* never printed */
    const char *why;  /* one sentence */
};

struct config; /* values */
/** @param table ends with {0}; borrowed for the life of the config. Unknown names, wrong types, out of range:
 * ERR_INVALID "setting_invalid" naming the setting, its range and where it was read. --settings and --help
 * print and exit(0). */
bool config_load(struct config **out, const struct config_setting *table, int argc, char **argv,
                 struct err *err);
/** The same from the text of a file alone, without environment or command line. */
bool config_load_text(struct config **out, const struct config_setting *table, const char *text, size_t len,
                      struct err *err);
void config_free(struct config *c);
/** Read file and environment again; only reloadable settings change, the others are logged as needing a
 * restart. On an error nothing changes. */
bool config_reload(struct config *c, struct err *err);
/* Asking for a name or type that is not in the table is our bug: abort. */
const char *config_str(const struct config *c, const char *name);
int64_t config_int(const struct config *c, const char *name);
bool config_bool(const struct config *c, const char *name);

/* Every daemon's table starts with these. */
/* clang-format off */
#define CONFIG_COMMON \
    {"data", CONFIG_STR, "var", 0, 0, "folder", false, false, "Everything the product keeps lives below this folder."}, \
    {"log.level", CONFIG_STR, "info", 0, 0, "debug|info|warn|error", true, false, "Least level written to the log."}, \
    {"node", CONFIG_INT, "1", 0, 1023, "", false, false, "Number of this process in row ids; two writers never share one."}
/* clang-format on */
