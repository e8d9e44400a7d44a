#ifndef OHDC_IO_HTTP_CLIENT_CA_H
#define OHDC_IO_HTTP_CLIENT_CA_H

/* One bundle of root certificates: the system's and a file of the operator's. */

#include "common/base/attr.h"
#include "common/base/err.h"

#include <stdbool.h>

/**
 * Join the PEM files `system_file` (NULL or absent: none) and `extra_file` in memory. The result is a descriptor whose
 * /proc/self/fd name can be read as a file again and again; the caller closes it. Where `ret` holds one already, what is behind it is
 * replaced at once. ERR_INPUT: `extra_file` is not readable or has
 * no certificate, or a broken one.
 */
NODISCARD bool http_client_ca_join(const char *system_file, const char *extra_file, int *ret, struct err *err);

#endif
