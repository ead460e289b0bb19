/* SPDX-License-Identifier: MPL-2.0 */
/* What the head of an HTTP request or response says. */
#ifndef APP_HEAD_H
#define APP_HEAD_H

#include "app_parts.h"

#define HTTP_FORWARDED_MAX 16 /* addresses of one request */

struct http_head {
	/* Borrowed from the head; empty when absent. */
	struct slice method, target, host, agent, referrer, mime, status_text;
	struct slice forwarded[4]; /* X-Forwarded-For and its kin, several times */
	unsigned forwarded_count;
	unsigned status; /* 0: a request */
	bool chunked, has_length, contradiction, disposition;
	uint64_t length;
	size_t name_len; /* of the file: from Content-Disposition, else the path's last segment */
	char name[HTTP_NAME_MAX];
};

/* False: not HTTP/1.x. */
bool http_head_read(struct slice bytes, struct http_head *ret_head);
/* The fields of the record that was begun, without those of the body. */
void http_head_tell(const struct http_head *head, struct packet_out *out);

#endif
