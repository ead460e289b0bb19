/* SPDX-License-Identifier: MPL-2.0 */
/* Values by chance: see sensor_forms.h. */
#include <stdlib.h>

#include "sensor_forms.h"

uint32_t chance_below(struct chance *c, uint32_t below)
{
	c->state = c->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(c->state >> 33) % below;
}

/* ---- indicators ------------------------------------------------------------------------------ */

#define DIGEST_A "0123456789abcdef0123456789abcdef"
#define DIGEST_B "fedcba9876543210fedcba9876543210"

static const struct {
	enum field_kind kind;
	const char *text;
} by_hand[] = {
	{FIELD_ADDRESS,     "198.51.100.9"                                   },
	{FIELD_ADDRESS,     "203.0.113.0/24"                                 },
	{FIELD_ADDRESS,     "203.0.113.64/26"                                },
	{FIELD_ADDRESS,     "203.0.113.77"                                   },
	{FIELD_ADDRESS,     "10.66.0.0/15"                                   },
	{FIELD_ADDRESS,     "128.0.0.0/3"                                    },
	{FIELD_ADDRESS,     "2001:db8:bad::/48"                              },
	{FIELD_ADDRESS,     "2001:db8:bad:0:1::/80"                          },
	{FIELD_ADDRESS,     "2001:db8:bad::1:0:0:77"                         },
	{FIELD_ADDRESS,     "2001:db8:0:9::9"                                },
	{FIELD_ADDRESS,     "2a00::/12"				      },
	{FIELD_NAME,        "bad.com"					},
	{FIELD_NAME,        "deep.bad.com"				   },
	{FIELD_NAME,        "evil.org"				       },
	{FIELD_NAME,        "x.y.evil.net"				   },
	{FIELD_NAME,        "higan.org"				      },
	{FIELD_NAME,        "single.example"                                 },
	{FIELD_NAME,        "b\xc3\xbc"
		     "cher.example"                      },
	{FIELD_NAME,        "xn--e1afmkfd.example"                           },
	{FIELD_NAME,        "*.wild.example"                                 },
	{FIELD_NAME,        "under_score.co.uk"                              },
	{FIELD_URL,         "http://bad.com/gate.php"                        },
	{FIELD_URL,         "https://bad.com/gate.php?id=7"                  },
	{FIELD_URL,         "evil.example/a/b/"                              },
	{FIELD_URL,         "evil.example/a"                                 },
	{FIELD_URL,         "http://evil.example:8080/a/"                    },
	{FIELD_URL,         "http://203.0.113.77/x.bin"                      },
	{FIELD_URL,         "http://whole.example"                           },
	{FIELD_URL,         "https://[2001:db8:0:9::9]/six/"                 },
	{FIELD_URL,         "http://u:p@login.example/in?x"                  },
	{FIELD_EMAIL,       "boss@bad.com"                                   },
	{FIELD_EMAIL,       "Ceo+x@Mail.Example"                             },
	{FIELD_HASH,        DIGEST_A					 },
	{FIELD_HASH,        "89abcdef" DIGEST_A                              },
	{FIELD_HASH,        DIGEST_A DIGEST_B                                },
	{FIELD_HASH,        DIGEST_A DIGEST_B DIGEST_B DIGEST_A              },
	{FIELD_IMPHASH,     "a0a0a0a0a0a0a0a0b1b1b1b1b1b1b1b1"               },
	{FIELD_SSDEEP,      "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C"       },
	{FIELD_CERTIFICATE, "00112233445566778899aabbccddeeff00112233"       },
	{FIELD_CERTIFICATE, "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99"},
	{FIELD_CERTIFICATE, DIGEST_B DIGEST_A                                },
	{FIELD_JA3,         "e7d705a3286e19ea42f587b344ee6865"               },
	{FIELD_JA3S,        "623de93db17d313345d7ea481e7443cf"               },
	{FIELD_JA4,         "t13d1516h2_8daaf6152771_b186095e22b6"           },
	{FIELD_ASN,         "AS64500"					},
	{FIELD_ASN,         "4200000000"				     },
	{FIELD_MAC,         "02:00:5e:10:00:44"                              },
	{FIELD_MAC,         "0200.5eFF.0001"                                 },
	{FIELD_TEXT,        "EvilBot/1.0 (bad)"                              },
	{FIELD_TEXT,        "dropper.exe"				    },
};

static void hex(struct chance *c, size_t digits, char *to)
{
	for (size_t i = 0; i < digits; i++)
		to[i] = "0123456789abcdef"[chance_below(c, 16)];
	to[digits] = 0;
}

static void random_value(enum field_kind kind, struct chance *c, char *to)
{
	static const size_t lengths[] = {32, 40, 64, 128};
	uint32_t r[4]; /* drawn in order: arguments have none */

	for (size_t i = 0; i < COUNT_OF(r); i++)
		r[i] = chance_below(c, 1u << 20);

	switch (kind) {
	case FIELD_ADDRESS:
		if (chance_below(c, 3) == 0)
			snprintf(to, MADE_MAX, "2001:db8:%x::%x", r[0] % 64, r[1] % 4096 + 1);
		else
			snprintf(to, MADE_MAX, "10.%u.%u.%u", r[0] % 8, r[1] % 32, r[2] % 256);
		break;
	case FIELD_NAME:
		snprintf(to, MADE_MAX, "w%u.z%u.example", r[0] % 9, r[1] % 5000);
		break;
	case FIELD_URL:
		snprintf(to, MADE_MAX, "http://h%u.example/p%u/f%u%s", r[0] % 2000, r[1] % 9,
			r[2] % 9, r[3] % 2 != 0 ? "" : "/");
		break;
	case FIELD_EMAIL:
		snprintf(to, MADE_MAX, "u%u@m%u.example", r[0] % 100, r[1] % 1000);
		break;
	case FIELD_HASH:
		hex(c, lengths[r[0] % 4], to);
		break;
	case FIELD_CERTIFICATE:
		hex(c, lengths[r[0] % 3], to);
		break;
	case FIELD_ASN:
		snprintf(to, MADE_MAX, "%u", r[0] % 70000);
		break;
	case FIELD_MAC:
		snprintf(to, MADE_MAX, "02:00:00:%02x:%02x:%02x", r[0] % 4, r[1] % 256, r[2] % 256);
		break;
	case FIELD_SSDEEP:
		snprintf(to, MADE_MAX, "%u:AbC%uxyz:dEf%u", 3u << r[0] % 6, r[1] % 5000, r[2] % 99);
		break;
	case FIELD_JA4:
		snprintf(to, MADE_MAX, "t13d%02u%02uh2_%012x_%012x", r[0] % 99, r[1] % 99,
			r[2] % 5000, r[3] % 99);
		break;
	case FIELD_TEXT:
		snprintf(to, MADE_MAX, "tool-%u/2.%u", r[0] % 500, r[1] % 9);
		break;
	default:
		hex(c, 32, to);
	}
}

void forms_indicators(struct naive *n, struct chance *c, size_t more)
{
	static const enum field_kind kinds[] = {FIELD_ADDRESS, FIELD_NAME, FIELD_URL, FIELD_EMAIL,
		FIELD_HASH, FIELD_CERTIFICATE, FIELD_ASN, FIELD_MAC, FIELD_SSDEEP, FIELD_JA3,
		FIELD_JA3S, FIELD_JA4, FIELD_IMPHASH, FIELD_TEXT};
	char text[MADE_MAX];

	/* an indicator "*.wild.example" means the name below the star */
	for (size_t i = 0; i < COUNT_OF(by_hand); i++)
		naive_add(n, by_hand[i].kind,
			by_hand[i].text + (strncmp(by_hand[i].text, "*.", 2) == 0 ? 2 : 0));
	for (size_t i = 0; i < more; i++) {
		enum field_kind kind = kinds[i % COUNT_OF(kinds)];

		random_value(kind, c, text);
		naive_add(n, kind, text);
	}
}

/* ---- values of a log ------------------------------------------------------------------------- */

static const struct {
	enum field_kind kind;
	size_t digits; /* of a digest */
} slots[SLOTS] = {
	[SLOT_SOURCE] = {FIELD_ADDRESS,     0  },
	[SLOT_TARGET] = {FIELD_ADDRESS,     0  },
	[SLOT_ANSWER] = {FIELD_HOST,        0  },
	[SLOT_QUERY] = {FIELD_NAME,        0  },
	[SLOT_SNI] = {FIELD_NAME,        0  },
	[SLOT_HOST] = {FIELD_HOST,        0  },
	[SLOT_JOINED] = {FIELD_URL,         0  },
	[SLOT_URL] = {FIELD_URL,         0  },
	[SLOT_REFERRER] = {FIELD_URL,         0  },
	[SLOT_AGENT] = {FIELD_TEXT,        0  },
	[SLOT_FROM] = {FIELD_EMAIL,       0  },
	[SLOT_TO] = {FIELD_EMAIL,       0  },
	[SLOT_MD5] = {FIELD_HASH,        32 },
	[SLOT_SHA1] = {FIELD_HASH,        40 },
	[SLOT_SHA256] = {FIELD_HASH,        64 },
	[SLOT_SHA512] = {FIELD_HASH,        128},
	[SLOT_IMPHASH] = {FIELD_IMPHASH,     0  },
	[SLOT_SSDEEP] = {FIELD_SSDEEP,      0  },
	[SLOT_CERTIFICATE] = {FIELD_CERTIFICATE, 0  },
	[SLOT_JA3] = {FIELD_JA3,         0  },
	[SLOT_JA3S] = {FIELD_JA3S,        0  },
	[SLOT_JA4] = {FIELD_JA4,         0  },
	[SLOT_ASN] = {FIELD_ASN,         0  },
	[SLOT_MAC] = {FIELD_MAC,         0  },
	[SLOT_FILE] = {FIELD_TEXT,        0  },
};

enum field_kind slot_kind(enum slot slot)
{
	return slots[slot].kind;
}

/* An indicator of the kind, taken by chance; false when none was met. */
static bool pick(
	const struct naive *n, struct chance *c, enum field_kind kind, size_t digits, char *to)
{
	size_t count = naive_count(n);

	for (unsigned tries = 0; tries < 400; tries++) {
		/* those by hand more often: they have the hard cases */
		size_t i = chance_below(c,
			(uint32_t)(tries % 2 == 0 && count > COUNT_OF(by_hand) ? COUNT_OF(by_hand)
									       : count));

		if (naive_kind(n, i) != kind || (digits != 0 && strlen(naive_text(n, i)) != digits))
			continue;
		snprintf(to, MADE_MAX, "%s", naive_text(n, i));
		return true;
	}
	return false;
}

static void upper_some(struct chance *c, char *text)
{
	for (; *text != 0; text++) {
		if (*text >= 'a' && *text <= 'z' && chance_below(c, 3) == 0)
			*text = (char)(*text - 32);
	}
}

/* An address inside the network, or next to it; IPv6 in one of its spellings. */
static void vary_address(struct chance *c, char *text)
{
	char *slash = strchr(text, '/');
	unsigned a, b, e, d;

	if (slash != NULL)
		*slash = 0;
	if (strchr(text, ':') == NULL) {
		assert_int_equal(sscanf(text, "%u.%u.%u.%u", &a, &b, &e, &d), 4);
		if (slash != NULL || chance_below(c, 4) == 0)
			d ^= chance_below(c, 256);
		snprintf(text, MADE_MAX, "%s%u.%u.%u.%u", chance_below(c, 12) == 0 ? "::ffff:" : "",
			a, b, e, d);
		return;
	}
	if (slash != NULL && text[strlen(text) - 1] == ':')
		snprintf(text + strlen(text), 8, "%x", chance_below(c, 65536));
	if (chance_below(c, 3) == 0)
		upper_some(c, text);
}

static void vary_name(struct chance *c, char *text, bool wide)
{
	char copy[MADE_MAX / 2];

	/* U-labels only where a log has them */
	if (!wide && strpbrk(text, "\xc3\xd0") != NULL)
		snprintf(text, MADE_MAX, "xn--bcher-kva.example");
	else if (wide && strncmp(text, "xn--e1", 6) == 0)
		snprintf(
			text, MADE_MAX, "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.example");
	snprintf(copy, sizeof(copy), "%s", text);
	switch (chance_below(c, 8)) {
	case 0: /* another label's end */
		snprintf(text, MADE_MAX, "mic%s", copy);
		break;
	case 1:
		snprintf(text, MADE_MAX, "%s.example", copy);
		break;
	case 2:
	case 3:
		snprintf(text, MADE_MAX, "%s%s", chance_below(c, 2) ? "a.b." : "_t.", copy);
		break;
	case 4:
		snprintf(text, MADE_MAX, "%s.", copy);
		break;
	default:
		break;
	}
	if (chance_below(c, 3) == 0)
		upper_some(c, text);
}

static void vary_path(struct chance *c, char *text)
{
	static const char *const ends[] = {
		"", "", "", "/", "/b", "/b/c.php", "x", "?id=7", "?id=8", ".php", "/b/?q=1"};
	size_t len = strlen(text);
	const char *end = ends[chance_below(c, COUNT_OF(ends))];

	if (len > 0 && text[len - 1] == '/' && end[0] == '/')
		end++;
	if (end[0] == '?' && strchr(text, '?') != NULL)
		end = "&z=1";
	snprintf(text + len, MADE_MAX - len, "%s", end);
}

/* With another scheme, with userinfo, with a port, deeper, with a fragment. */
static void vary_url(struct chance *c, char *text)
{
	static const char *const schemes[] = {
		"http://", "https://", "", "HTTPS://", "http://u:p@", "ftp://"};
	static const char *const ports[] = {"", "", "", ":80", ":443", ":8080", ":0080"};
	char copy[MADE_MAX / 2], host[MADE_MAX / 4], *rest = copy, *mark = strstr(text, "://");
	const char *scheme = schemes[chance_below(c, COUNT_OF(schemes))];
	const char *port = ports[chance_below(c, COUNT_OF(ports))];
	size_t len;

	snprintf(copy, sizeof(copy), "%s", mark == NULL ? text : mark + 3);
	if (strchr(copy, '@') != NULL)
		rest = strchr(copy, '@') + 1;
	len = strcspn(rest, "/?");
	snprintf(host, sizeof(host), "%.*s", (int)len, rest);
	if (chance_below(c, 4) == 0)
		upper_some(c, host);
	if (host[0] != '[' && strchr(host, ':') != NULL)
		port = "";
	snprintf(text, MADE_MAX, "%s%s%s%s", scheme, host, port, rest[len] == 0 ? "/" : rest + len);
	vary_path(c, text);
	if (chance_below(c, 8) == 0)
		snprintf(text + strlen(text), 8, "#top");
}

static void vary(struct chance *c, enum field_kind kind, char *text, bool wide)
{
	char copy[MADE_MAX / 2];

	switch (kind) {
	case FIELD_ADDRESS:
		vary_address(c, text);
		break;
	case FIELD_NAME:
		vary_name(c, text, wide);
		break;
	case FIELD_URL:
		vary_url(c, text);
		break;
	case FIELD_EMAIL:
		snprintf(copy, sizeof(copy), "%s", text);
		if (chance_below(c, 4) == 0)
			snprintf(text, MADE_MAX, "x%s", copy);
		else if (chance_below(c, 4) == 0)
			snprintf(text, MADE_MAX, "%.*s@sub.%s", (int)strcspn(copy, "@"), copy,
				strchr(copy, '@') + 1);
		upper_some(c, text);
		break;
	case FIELD_ASN:
		snprintf(copy, sizeof(copy), "%s", text);
		snprintf(text, MADE_MAX, "%s", copy[0] == 'A' ? copy + 2 : copy);
		break;
	case FIELD_CERTIFICATE:
		if (chance_below(c, 2) == 0)
			break;
		copy[0] = 0;
		if (strchr(text, ':') == NULL && strlen(text) <= 40) {
			for (size_t i = 0; text[i] != 0; i += 2)
				snprintf(copy + strlen(copy), 4, "%s%.2s", i > 0 ? ":" : "",
					text + i);
			snprintf(text, MADE_MAX, "%s", copy);
		}
		upper_some(c, text);
		break;
	case FIELD_MAC:
		if (strchr(text, '.') != NULL)
			snprintf(text, MADE_MAX, "02:00:5e:ff:00:01");
		if (chance_below(c, 2) == 0)
			upper_some(c, text);
		break;
	case FIELD_TEXT:
	case FIELD_SSDEEP:
		if (chance_below(c, 4) == 0)
			snprintf(text + strlen(text), 4, "x");
		break;
	default:
		if (chance_below(c, 4) == 0)
			text[3] = text[3] == '5' ? '6' : '5';
		if (chance_below(c, 2) == 0)
			upper_some(c, text);
	}
}

/* What must look like itself: a log's columns hold nothing else. */
static void cold(struct chance *c, enum slot slot, enum field_kind kind, char *to)
{
	if (kind == FIELD_HASH)
		hex(c, slots[slot].digits, to);
	else
		random_value(kind, c, to);
	if (kind == FIELD_ADDRESS && to[0] == '1') {
		uint32_t r = chance_below(c, 200 * 65536);

		snprintf(to, MADE_MAX, "172.%u.%u.%u", r >> 16, r >> 8 & 255, r & 255);
	}
}

void made_make(struct made *m, const struct naive *n, struct chance *c, unsigned hot, bool wide)
{
	for (enum slot slot = SLOT_NONE; slot < SLOTS; slot++) {
		enum field_kind kind = slots[slot].kind;
		char *text = m->at[slot];

		text[0] = 0;
		if (kind == FIELD_NONE || slot == SLOT_JOINED)
			continue;
		if (kind == FIELD_HOST)
			kind = chance_below(c, 3) == 0 ? FIELD_ADDRESS : FIELD_NAME;
		if (chance_below(c, 100) < hot && pick(n, c, kind, slots[slot].digits, text))
			vary(c, kind, text, wide && slot == SLOT_QUERY);
		else
			cold(c, slot, kind, text);
		if (slot == SLOT_HOST && strchr(text, ':') != NULL)
			snprintf(text, MADE_MAX, "plain.example");
	}
	/* A request's path, at times below an indicator's host. */
	snprintf(m->at[SLOT_PATH], MADE_MAX, "/a");
	if (chance_below(c, 100) < hot) {
		snprintf(m->at[SLOT_HOST], MADE_MAX, "%s",
			chance_below(c, 2) ? "evil.example" : "bad.com");
		snprintf(m->at[SLOT_PATH], MADE_MAX, "%s", chance_below(c, 2) ? "/a" : "/gate.php");
	}
	vary_path(c, m->at[SLOT_PATH]);
	snprintf(m->at[SLOT_JOINED], MADE_MAX, "%.100s%.100s", m->at[SLOT_HOST], m->at[SLOT_PATH]);
}
