/* A settings file: read whole or refused with its line. */
#include "core/config.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* clang-format off */
static const struct config_setting TABLE[] = {
    CONFIG_COMMON,
    {"media.port", CONFIG_INT, "20000", 1, 65535, "port", true, false, "First UDP port."},
    {"tls", CONFIG_BOOL, "no", 0, 0, "", false, false, "Serve HTTPS."},
    {"key", CONFIG_STR, "", 0, 0, "", false, true, "A secret."},
    {0}};
/* clang-format on */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct config *c = NULL;
    struct err err = ERR_INIT;

    if (!config_load_text(&c, TABLE, (const char *)data, len, &err)) {
        if (err.code == ERR_NONE || c)
            abort();
        return 0;
    }
    if (config_int(c, "media.port") < 1 || config_int(c, "media.port") > 65535 || !config_str(c, "key"))
        abort();
    config_free(c);
    return 0;
}
