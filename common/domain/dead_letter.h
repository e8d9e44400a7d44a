#ifndef OHDC_DOMAIN_DEAD_LETTER_H
#define OHDC_DOMAIN_DEAD_LETTER_H

/* Headers of a dead letter: where the record stood and why it could not be used. Its key, value and own headers stay. */

#include "common/base/err.h"
#include "common/domain/delivery.h"

#include <stdint.h>

enum { DEAD_LETTER_HEADERS = 5 /**< how many dead_letter_write() puts */ };

/** Where a record stood. */
struct dead_letter {
	const char *topic;
	int32_t partition;
	int64_t offset;
	int64_t attempts;
	const struct err *error;
	char number_texts[3][NUMBER_TEXT_SIZE]; /**< what dead_letter_write() made of the numbers */
};

/** Write the headers. Their values borrow from `letter`, which must outlive the record. */
void dead_letter_write(struct dead_letter *letter, delivery_put_fn *put, void *record);

#endif
