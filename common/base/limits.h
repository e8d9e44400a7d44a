#ifndef OHDC_BASE_LIMITS_H
#define OHDC_BASE_LIMITS_H

/* Ceilings of text and records that every layer shares; each with unit and reason. */

enum {
	LIMIT_BODY_BYTES = 10 * 1024 * 1024,          /**< a webhook body kept whole: vendors plan for several MB */
	LIMIT_BODY_VERIFY_BYTES = 64 * 1024 * 1024,   /**< a body over the cap is still authenticated up to here */
	LIMIT_TOPIC_MARGIN_BYTES = 64 * 1024,         /**< room for key and headers below the topic's message limit */
	LIMIT_TOPIC_MESSAGE_BYTES = 13 * 1024 * 1024, /**< max.message.bytes of webhook and dead-letter topics */
	LIMIT_JSON_DEPTH = 64,                        /**< real payloads nest about 12 deep */
	LIMIT_JSON_VALUES = 128 * 1024, /**< each costs up to some 200 bytes of memory, in a body of 10 MiB of "{}," too */
	LIMIT_HTTP_RESPONSE_BYTES = 8 * 1024 * 1024, /**< answers of OHE, Jira and Bitbucket that we read whole */
	LIMIT_URL_BYTES = 4096,                      /**< URLs that we build */
	LIMIT_ID_BYTES = 128,                        /**< numeric or textual ids of the vendors */
	LIMIT_NAME_BYTES = 512,                      /**< display names, e-mail addresses, slugs */
	LIMIT_COMMENT_BYTES = 256 * 1024,            /**< a comment's text; vendors cut at 32,768 characters */
	LIMIT_DESCRIPTION_BYTES = 1024 * 1024,       /**< an issue's description */
	LIMIT_EVENT_KEY_BYTES = 256,                 /**< jira:{instance}:label:{issue}:{changelog} and its kin */
	LIMIT_SETTING_BYTES = 64 * 1024,             /**< one setting, also one secret file */
};

#endif
