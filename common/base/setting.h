#ifndef OHDC_BASE_SETTING_H
#define OHDC_BASE_SETTING_H

/* The shape of one row in the table of settings (domain/settings.c); io/config.c reads, checks and documents them. */

#include <stdbool.h>
#include <stdint.h>

/** Who reads a setting; combine with |. */
enum setting_reader {
	SETTING_INGRESS = 1,
	SETTING_LINKER = 2,
	SETTING_DISPATCHER = 4,
	SETTING_INSTALLER = 8,
	SETTING_CLI = 16,
	SETTING_SERVICES = SETTING_INGRESS | SETTING_LINKER | SETTING_DISPATCHER | SETTING_INSTALLER,
	SETTING_ALL = SETTING_SERVICES | SETTING_CLI,
};

/** How the value is read and checked. */
enum setting_kind {
	SETTING_TEXT,
	SETTING_SECRET, /**< also as NAME_FILE, re-read on change; never printed */
	SETTING_INT,    /**< min to max */
	SETTING_INTS,   /**< integers separated by commas, each min to max */
	SETTING_BOOL,   /**< 1, 0, true, false, yes, no, on, off */
	SETTING_URL,    /**< base URL with scheme; normalised */
	SETTING_HOST, /**< bare host; scheme, port and context path are understood, https without a scheme; normalised to a base URL */
	SETTING_LISTEN, /**< address:port */
	SETTING_LABEL,  /**< a label word: lower-case letters, digits, - and _ */
	SETTING_FILE,   /**< path of a file that must be readable */
	SETTING_CHOICE, /**< one of `choices` */
	SETTING_LIST,   /**< words separated by commas; each one of `choices` when there are any */
};

/**
 * One setting. All texts static. A name may have several rows with different readers, when their defaults differ; rows of one
 * name stand together.
 */
struct setting {
	const char *group; /**< heading that starts with this row, NULL: none */
	const char *name;
	unsigned readers; /**< set of enum setting_reader */
	enum setting_kind kind;
	unsigned required;    /**< readers that do not start without it */
	const char *fallback; /**< default as text, NULL: none */
	int64_t min;
	int64_t max;
	const char *unit; /**< "ms", "bytes" …, NULL: none */
	const char *choices; /**< allowed words "a|b|c"; one that ends with ':' or '=' takes any text after it; NULL: none */
	const char *help; /**< one sentence for people */
};

#endif
