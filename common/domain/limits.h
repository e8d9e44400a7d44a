#ifndef OHDC_DOMAIN_LIMITS_H
#define OHDC_DOMAIN_LIMITS_H

/* Ceilings that belong to the product's words; each with unit and reason. */

enum {
	LIMIT_REPOSITORIES = 16, /**< candidate repositories read from one text: more is no reference but a list */
	LIMIT_BOT_NAMES = 8,     /**< names, keys and e-mail addresses of one bot */
	LIMIT_PROMPT_BYTES = 512 * 1024,       /**< first message towards OpenHands */
	LIMIT_JIRA_COMMENT_CHARS = 32767,      /**< Jira's default for a text field; over it Jira answers 400 */
	LIMIT_BITBUCKET_COMMENT_CHARS = 32768, /**< Bitbucket's default; over it Bitbucket answers 400 */
	LIMIT_CONTEXT_COMMENTS = 15,           /**< earlier comments given to the agent as context */
	LIMIT_CONTEXT_COMMENT_BYTES = 4096,    /**< of each of them */
	LIMIT_JOB_RECORD_BYTES = 1024 * 1024,  /**< a job record: a comment of 32,768 characters with room */
};

#endif
