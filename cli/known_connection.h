#ifndef OHDC_CLI_KNOWN_CONNECTION_H
#define OHDC_CLI_KNOWN_CONNECTION_H

/* A connection as a verb's argument, and its row without the secrets. */

#include "cli/cli.h"
#include "common/base/attr.h"
#include "common/domain/provider.h"

#include <stdbool.h>
#include <stdint.h>

/** A connection with its instance; texts owned. */
struct known_connection {
	struct connection_ref ref;
	char name[CONNECTION_REF_SIZE]; /**< "jira/7" */
	int64_t instance_id;
	char *base_url;
	char *project_key; /**< Bitbucket, else NULL */
	char *repo_slug;   /**< Bitbucket, else NULL */
	int64_t repo_id;   /**< Bitbucket's number of the repository; 0: not known */
};

/** Free and zero. */
void known_connection_done(struct known_connection *connection);

/** Take `--connection CONNECTION`; ERR_INPUT: absent or not written as "jira/7". */
NODISCARD bool known_connection_option(struct cli *cli, struct connection_ref *ret, struct err *err);

/** Take CONNECTION as the next argument; ERR_INPUT as above. */
NODISCARD bool known_connection_positional(struct cli *cli, struct connection_ref *ret, struct err *err);

/** Read its row; ERR_NOT_FOUND names it. `ret` is released with known_connection_done(). */
NODISCARD bool known_connection_read(struct cli *cli, const struct connection_ref *ref, struct known_connection *ret,
				     struct err *err);

#endif
