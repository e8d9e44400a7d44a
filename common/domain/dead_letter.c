/* Writes the headers of dead letters. */

#include "common/domain/dead_letter.h"

#include "common/domain/topics.h"

#include <stdio.h>

#include "common/base/banned.h"

static void put_number(delivery_put_fn *put, void *record, const char *name, int64_t number)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "%lld", (long long)number);
	put(record, name, text);
}

void dead_letter_write(const struct dead_letter *letter, delivery_put_fn *put, void *record)
{
	put(record, HEADER_DLQ_TOPIC, letter->topic);
	put_number(put, record, HEADER_DLQ_PARTITION, letter->partition);
	put_number(put, record, HEADER_DLQ_OFFSET, letter->offset);
	put_number(put, record, HEADER_DLQ_ATTEMPTS, letter->attempts);
	put(record, HEADER_DLQ_ERROR, letter->error->message);
}
