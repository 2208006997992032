/* settings.h - what can be set about yz-signald; `yunzhen config` prints this table. */
#pragma once
#include "core/config.h"

extern const struct config_setting SIGNALD_SETTINGS[];
