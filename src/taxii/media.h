/* SPDX-License-Identifier: MPL-2.0 */
/* Media types of TAXII 2.1 (section 1.6.8) as requests name them. */
#ifndef TAXII_MEDIA_H
#define TAXII_MEDIA_H

#include "base/base.h"

/* May the answer be TAXII_TYPE? By the most specific range that fits (RFC 9110 section 12.5.1). An
 * empty header means that anything will do. */
bool media_accepts_taxii(struct slice accept);

/* Is a body of this Content-Type a TAXII 2.1 resource? Without a version it is the newest. */
bool media_is_taxii(struct slice content_type);

/* Server's answers, read with more patience: *ret_version is the version parameter, empty when
 * there is none. False when it is no application/taxii+json at all. */
bool media_taxii_version(struct slice content_type, struct slice *ret_version);

#endif
