/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Common Event Format, alone or behind a syslog header: "CEF:0|vendor|product|version|id|name|
 * severity|key=value key=value". Keys with a meaning of their own have a role; the text of all
 * others is looked through as free text, because vendors put what matters into cs1 to cs6.
 */
#include <stdlib.h>

#include "lines.h"

#define HEADER_PARTS 6 /* behind the version */

/* Keys of "ArcSight Common Event Format", sorted. */
static const struct key {
	const char *name;
	enum line_item item;
} keys[] = {
	{"act",		      ITEM_DETAIL     },
	{"app",		      ITEM_SERVICE    },
	{"cat",		      ITEM_DETAIL     },
	{"cnt",		      ITEM_DETAIL     },
	{"destinationDnsDomain",     ITEM_HOST       },
	{"destinationServiceName",   ITEM_DETAIL     },
	{"deviceExternalId",         ITEM_DETAIL     },
	{"dhost",		    ITEM_HOST       },
	{"dmac",		     ITEM_MAC        },
	{"dpt",		      ITEM_SERVER_PORT},
	{"dst",		      ITEM_SERVER     },
	{"duser",		    ITEM_USER       },
	{"dvc",		      ITEM_DEVICE     },
	{"dvchost",                  ITEM_DEVICE     },
	{"end",		      ITEM_DETAIL     },
	{"externalId",               ITEM_FLOW       },
	{"fileHash",                 ITEM_FILE_HASH  },
	{"filePath",                 ITEM_FILE_NAME  },
	{"fname",		    ITEM_FILE_NAME  },
	{"fsize",		    ITEM_DETAIL     },
	{"in",		       ITEM_BYTES_IN   },
	{"oldFileHash",              ITEM_FILE_HASH  },
	{"out",		      ITEM_BYTES_OUT  },
	{"outcome",                  ITEM_DETAIL     },
	{"proto",		    ITEM_TRANSPORT  },
	{"request",                  ITEM_URL        },
	{"requestClientApplication", ITEM_USER_AGENT },
	{"requestContext",           ITEM_REFERRER   },
	{"requestMethod",            ITEM_METHOD     },
	{"rt",		       ITEM_TIME       },
	{"shost",		    ITEM_CLIENT_NAME},
	{"smac",		     ITEM_MAC        },
	{"sourceTranslatedAddress",  ITEM_ADDRESS    },
	{"sproc",		    ITEM_DETAIL     },
	{"spt",		      ITEM_CLIENT_PORT},
	{"src",		      ITEM_CLIENT     },
	{"start",		    ITEM_DETAIL     },
	{"suser",		    ITEM_USER       },
};

static int key_compare(const void *a, const void *b)
{
	const struct slice *name = a;
	const struct key *key = b;

	return slice_compare(*name, slice_of(key->name));
}

static void pair_put(struct line_out *o, struct slice name, struct slice value)
{
	const struct key *key = bsearch(&name, keys, COUNT_OF(keys), sizeof(keys[0]), key_compare);
	enum line_item item = key == NULL ? ITEM_MESSAGE : key->item;

	/* Addresses in keys of addresses only: some vendors write names there. */
	if ((item == ITEM_CLIENT || item == ITEM_SERVER || item == ITEM_ADDRESS) &&
		!is_address(value))
		item = item == ITEM_CLIENT ? ITEM_CLIENT_NAME : ITEM_HOST;
	/* A request may be a URL or its path. */
	if (item == ITEM_URL && value.len != 0 && value.data[0] == '/')
		item = ITEM_PATH;
	if (item == ITEM_USER && slice_find(value, '@', 0) < value.len)
		item = name.data[0] == 's' ? ITEM_EMAIL_FROM : ITEM_EMAIL_TO;
	line_put_named(o, item, name, value, ESCAPE_CEF);
}

static bool is_key_char(char c)
{
	return is_alpha(c) || is_digit(c) || c == '_' || c == '.' || c == '-' || c == '[' ||
	       c == ']';
}

/* A value goes on up to the blank before the next "key="; one pass from the front. */
static void extension_put(struct line_out *o, struct slice s)
{
	struct slice name = {0};
	size_t word = 0, value = 0; /* where the last word, and the value of `name` begin */
	bool key_chars = true;

	for (size_t at = 0; at < s.len; at++) {
		char c = s.data[at];

		if (c == '\\' && at + 1 < s.len) {
			at++;
			key_chars = false;
		} else if (c == ' ') {
			word = at + 1;
			key_chars = true;
		} else if (c == '=' && key_chars && at > word) {
			if (name.len != 0)
				pair_put(o, name, slice_trim(slice_cut(s, value, word)));
			name = slice_cut(s, word, at);
			value = at + 1;
			key_chars = false;
		} else if (!is_key_char(c)) {
			key_chars = false;
		}
	}
	if (name.len != 0)
		pair_put(o, name, slice_trim(slice_cut(s, value, s.len)));
	else
		line_put(o, ITEM_MESSAGE, s);
}

bool cef_body(struct line_out *o, const struct line_head *h)
{
	static const char *const parts[HEADER_PARTS] = {"device_vendor", "device_product",
		"device_version", "signature", "name", "severity"};
	struct slice rest = h->message;
	size_t at;

	/* Some senders put the process's name nowhere and some "CEF" in its place. */
	if (!text_next(&rest, SLICE("CEF:")) &&
		!(slice_is(h->process, "CEF") && rest.len != 0 && is_digit(rest.data[0])))
		return false;
	at = slice_find(rest, '|', 0);
	if (at == rest.len || !is_digit(rest.data[0]))
		return false;
	rest = slice_cut(rest, at + 1, rest.len);
	for (size_t i = 0; i < HEADER_PARTS; i++) {
		for (at = 0; at < rest.len && rest.data[at] != '|'; at++)
			if (rest.data[at] == '\\' && at + 1 < rest.len)
				at++;
		if (at == rest.len)
			return false;
		/* The event's name is the vendor's text, sometimes with what was found in it. */
		line_put_named(o, i == 4 ? ITEM_MESSAGE : ITEM_DETAIL, slice_of(parts[i]),
			slice_cut(rest, 0, at), ESCAPE_CEF);
		rest = slice_cut(rest, at + 1, rest.len);
	}
	extension_put(o, rest);
	return true;
}
