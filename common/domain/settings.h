#ifndef OHDC_DOMAIN_SETTINGS_H
#define OHDC_DOMAIN_SETTINGS_H

/* The table of all settings: names, readers, defaults, meaning. Data only; io/config.c reads and checks by it. */

#include "common/base/attr.h"
#include "common/base/setting.h"

#include <stddef.h>

/** All settings in the order of the documentation; static. */
NODISCARD const struct setting *settings_all(size_t *ret_count);

#endif
