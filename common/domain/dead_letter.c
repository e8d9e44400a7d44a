/* Writes the headers of dead letters. */

#include "common/domain/dead_letter.h"

#include "common/domain/topics.h"

#include "common/base/banned.h"

void dead_letter_write(struct dead_letter *letter, delivery_put_fn *put, void *record)
{
	put(record, HEADER_DLQ_TOPIC, letter->topic);
	delivery_put_number(put, record, HEADER_DLQ_PARTITION, letter->partition, letter->number_texts[0]);
	delivery_put_number(put, record, HEADER_DLQ_OFFSET, letter->offset, letter->number_texts[1]);
	delivery_put_number(put, record, HEADER_DLQ_ATTEMPTS, letter->attempts, letter->number_texts[2]);
	put(record, HEADER_DLQ_ERROR, letter->error->message);
}
