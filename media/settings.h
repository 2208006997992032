/* settings.h - what can be set about a media worker. */
#pragma once
#include "core/config.h"
#include "media/worker.h"

extern const struct config_setting MEDIA_SETTINGS[];
void limits_read(struct limits *l, const struct config *c);
