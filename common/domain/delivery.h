#ifndef OHDC_DOMAIN_DELIVERY_H
#define OHDC_DOMAIN_DELIVERY_H

/* A verified delivery: the record that ingress writes to the webhook topic and the linker reads. Body = the raw bytes as signed. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/uuid.h"
#include "common/domain/provider.h"
#include "common/domain/reason.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	NUMBER_TEXT_SIZE = 24, /**< any int64_t and the NUL */
	TRACEPARENT_SIZE = 56, /**< with the NUL */
	DELIVERY_RANDOM = 40,  /**< bytes for a new id and trace */
};

/** Headers of a webhook record; texts owned. */
struct delivery {
	char id[UUID_TEXT_SIZE];
	enum provider provider;
	int64_t connection_id;
	char *event;      /**< X-Event-Key or webhookEvent, "" when the body had none */
	char *request_id; /**< the sender's, NULL when it sent none */
	int64_t received_at_ms;
	char *source;        /**< webhook, reconcile or simulate */
	enum reason verdict; /**< REASON_NONE: not known yet */
	char *body_sha256;   /**< 64 hex digits of the whole body, kept or not */
	char *secret_used;   /**< which secret it was verified with: current, next, previous; NULL: not known */
	char number_texts[2][NUMBER_TEXT_SIZE]; /**< what delivery_write() made of the numbers */
	char *traceparent;                      /**< W3C trace context, NULL when there is none */
};

/** Free the texts and zero. */
void delivery_done(struct delivery *delivery);

/** Gives the value of a record's header, {NULL, 0} when absent. */
typedef struct bytes delivery_header_fn(const void *record, const char *name);

/** Takes one header of a record being made; names are static, values live as long as what is written. Never NULL. */
typedef void delivery_put_fn(void *record, const char *name, const char *value);

/**
 * Read the headers of a record. ERR_INPUT: can never succeed, dead-letter it. ERR_CONFLICT: an unknown major schema, pause.
 */
NODISCARD bool delivery_read(delivery_header_fn *header, const void *record, struct delivery *ret, struct err *err);

/** Write the headers of a record, schema first. Their values borrow from `delivery`, which must outlive the record. */
void delivery_write(struct delivery *delivery, delivery_put_fn *put, void *record);

/** Put a number, as the text that `text` keeps. */
void delivery_put_number(delivery_put_fn *put, void *record, const char *name, int64_t number,
			 char text[NUMBER_TEXT_SIZE]);

/** New `traceparent` (00-…-…-01) from 24 random bytes. */
void traceparent_new(const uint8_t random[24], char ret[TRACEPARENT_SIZE]);

/** Give a delivery a new id, and write a new `traceparent` for it, from DELIVERY_RANDOM random bytes. */
void delivery_make_ids(const uint8_t random[DELIVERY_RANDOM], struct delivery *delivery,
		       char traceparent[TRACEPARENT_SIZE]);

/** Whether a text is a version 00 traceparent. */
NODISCARD bool traceparent_is_valid(const char *text);

#endif
