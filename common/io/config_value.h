#ifndef OHDC_IO_CONFIG_VALUE_H
#define OHDC_IO_CONFIG_VALUE_H

/* Inside of config: one value checked by its row, one secret file, unknown names, and what a row expects in words. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/base/setting.h"
#include "common/base/strbuf.h"
#include "common/io/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum {
	CONFIG_PHRASE_BYTES = 512 /**< what is expected, in words: the longest list of choices and some */
};

/** A secret in a file; all owned; start with zeroed. */
struct config_file {
	char *path;
	struct config_file_id seen;    /**< of the value in use */
	struct config_file_id refused; /**< of the last content that was complained about */
	bool is_refused;
};

/** One setting as it is now. */
struct config_value {
	const struct setting *setting;
	char *text;     /**< normalised; NULL: not set, or a secret */
	int64_t number; /**< SETTING_INT and SETTING_BOOL */
	struct secret secret;
	struct config_file file; /**< `path` NULL: the secret came from the environment */
};

/** Check `found` (not empty) by the row and keep it normalised; ERR_INPUT is the line for people. Not for secrets. */
NODISCARD bool config_value_set(struct config_value *value, const char *found, struct err *err);

/** Append what a row expects ("a number from 1 to 64", "one of asks, all"). */
void config_expectation(const struct setting *setting, struct strbuf *ret);

/** Append a wrong value in quotes, fit for one line: cut, control characters replaced, no URL that may hold a password. */
void config_add_found(struct strbuf *ret, const char *found);

/** Read NAME or NAME_FILE of a secret; leaves it unset when neither is there. ERR_INPUT when both are, or one is wrong. */
NODISCARD bool config_secret_load(struct config_value *value, struct err *err);

/** Re-read the file of a secret when it changed; a wrong new value keeps the old one and is logged once. Caller holds the lock. */
void config_secret_refresh(struct config_value *value);

/** Value of an environment variable, NULL when not set or empty; borrowed. */
NODISCARD const char *config_environment(const char *name);

/** Warn of each OHDC_ variable in the environment that no row knows, naming the nearest known name. */
void config_warn_unknown(const struct setting *table, size_t count);

#endif
