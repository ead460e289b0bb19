/* SPDX-License-Identifier: MPL-2.0 */
/* The tables of docs/labels.md: kinds, sectors, roles, words. */
#include "traits.h"

/* clang-format off */
static const struct traits_row rows[] = {
	{"attack-pattern",       PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"campaign",             PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"course-of-action",     PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"grouping",             PII_UNKNOWN,      CONTENT_UNKNOWN,   LOOK_REPORT},
	{"identity",             PII_UNKNOWN,      CONTENT_TECHNICAL, LOOK_IDENTITY},
	{"incident",             PII_UNKNOWN,      CONTENT_TECHNICAL, LOOK_NO},
	{"indicator",            PII_NONE,         CONTENT_TECHNICAL, LOOK_INDICATOR},
	{"infrastructure",       PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"intrusion-set",        PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"location",             PII_NONE,         CONTENT_TECHNICAL, LOOK_LOCATION},
	{"malware",              PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"malware-analysis",     PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"note",                 PII_UNKNOWN,      CONTENT_MIXED,     LOOK_NO},
	{"observed-data",        PII_UNKNOWN,      CONTENT_UNKNOWN,   LOOK_OBSERVED},
	{"opinion",              PII_UNKNOWN,      CONTENT_EXPRESSION, LOOK_NO},
	{"report",               PII_UNKNOWN,      CONTENT_UNKNOWN,   LOOK_REPORT},
	{"threat-actor",         PII_PSEUDONYMOUS, CONTENT_TECHNICAL, LOOK_ACTOR},
	{"tool",                 PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"vulnerability",        PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"relationship",         PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"sighting",             PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"artifact",             PII_UNKNOWN,      CONTENT_UNKNOWN,   LOOK_NO},
	{"autonomous-system",    PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"directory",            PII_UNKNOWN,      CONTENT_TECHNICAL, LOOK_NO},
	{"domain-name",          PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"email-addr",           PII_UNKNOWN,      CONTENT_TECHNICAL, LOOK_EMAIL},
	{"email-message",        PII_PERSONAL,     CONTENT_MIXED,     LOOK_NO},
	{"file",                 PII_NONE,         CONTENT_TECHNICAL, LOOK_FILE},
	{"ipv4-addr",            PII_PSEUDONYMOUS, CONTENT_TECHNICAL, LOOK_NO},
	{"ipv6-addr",            PII_PSEUDONYMOUS, CONTENT_TECHNICAL, LOOK_NO},
	{"mac-addr",             PII_PSEUDONYMOUS, CONTENT_TECHNICAL, LOOK_NO},
	{"mutex",                PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"network-traffic",      PII_PSEUDONYMOUS, CONTENT_TECHNICAL, LOOK_NO},
	{"process",              PII_UNKNOWN,      CONTENT_TECHNICAL, LOOK_NO},
	{"software",             PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"url",                  PII_NONE,         CONTENT_TECHNICAL, LOOK_TEXT},
	{"user-account",         PII_PERSONAL,     CONTENT_TECHNICAL, LOOK_NO},
	{"windows-registry-key", PII_UNKNOWN,      CONTENT_TECHNICAL, LOOK_NO},
	{"x509-certificate",     PII_NONE,         CONTENT_TECHNICAL, LOOK_TEXT},
	{"marking-definition",   PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
	{"language-content",     PII_UNKNOWN,      CONTENT_UNKNOWN,   LOOK_NO},
	{"extension-definition", PII_NONE,         CONTENT_TECHNICAL, LOOK_NO},
};

static const char *const sectors[] = {"energy", "transport", "telecom", "industry", "water",
	"health", "finance", "government", "defence", "food", "digital", "space", "education",
	"media", "other"};

enum { ENERGY, TRANSPORT, TELECOM, INDUSTRY, WATER, HEALTH, FINANCE, GOVERNMENT, DEFENCE, FOOD,
	DIGITAL, SPACE, EDUCATION, MEDIA, OTHER };

/* Lower case, with '-' for blanks. First STIX 2.1 section 10.11, then other words in use. */
static const struct {
	const char *word;
	int sector;
} words[] = {
	{"agriculture", FOOD}, {"aerospace", SPACE}, {"automotive", INDUSTRY},
	{"chemical", INDUSTRY}, {"commercial", OTHER}, {"communications", TELECOM},
	{"construction", INDUSTRY}, {"defense", DEFENCE}, {"education", EDUCATION},
	{"energy", ENERGY}, {"entertainment", MEDIA}, {"financial-services", FINANCE},
	{"government", GOVERNMENT}, {"emergency-services", GOVERNMENT},
	{"government-local", GOVERNMENT}, {"government-national", GOVERNMENT},
	{"government-public-services", GOVERNMENT}, {"government-regional", GOVERNMENT},
	{"healthcare", HEALTH}, {"hospitality-leisure", OTHER}, {"infrastructure", OTHER},
	{"dams", WATER}, {"nuclear", ENERGY}, {"water", WATER}, {"insurance", FINANCE},
	{"legal", OTHER}, {"manufacturing", INDUSTRY}, {"mining", INDUSTRY},
	{"non-profit", OTHER}, {"pharmaceuticals", HEALTH}, {"retail", OTHER},
	{"technology", DIGITAL}, {"telecommunications", TELECOM}, {"transportation", TRANSPORT},
	{"utilities", ENERGY},
	{"transport", TRANSPORT}, {"telecom", TELECOM}, {"telecoms", TELECOM},
	{"industry", INDUSTRY}, {"industrial", INDUSTRY}, {"health", HEALTH},
	{"hospital", HEALTH}, {"finance", FINANCE}, {"bank", FINANCE}, {"banking", FINANCE},
	{"defence", DEFENCE}, {"military", DEFENCE}, {"food", FOOD}, {"digital", DIGITAL},
	{"it", DIGITAL}, {"space", SPACE}, {"academia", EDUCATION}, {"higher-education", EDUCATION},
	{"media", MEDIA}, {"electricity", ENERGY}, {"oil", ENERGY}, {"gas", ENERGY},
	{"aviation", TRANSPORT}, {"maritime", TRANSPORT}, {"railway", TRANSPORT},
	{"diplomacy", GOVERNMENT}, {"other", OTHER},
};

/* RFC 2142 and what else is addressed to an office, not to a person. */
static const char *const roles[] = {"abuse", "admin", "administrator", "billing", "cert",
	"contact", "csirt", "do-not-reply", "ftp", "help", "helpdesk", "hostmaster", "info",
	"mailer-daemon", "marketing", "news", "no-reply", "noc", "noreply", "office",
	"postmaster", "press", "root", "sales", "security", "service", "soc", "support", "usenet",
	"uucp", "webmaster", "www"};

static const char *const expressions[] = {"censorship", "defamation", "disinformation",
	"extremism", "fake-news", "hate-speech", "influence-operation", "information-operation",
	"misinformation", "propaganda", "terrorist-content"};
/* clang-format on */

const struct traits_row *traits_row_of(struct slice type)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (slice_is(type, rows[i].type))
			return &rows[i];
	return NULL;
}

const char *traits_sector_name(unsigned sector)
{
	return sector < COUNT_OF(sectors) ? sectors[sector] : NULL;
}

/* Without regard to case, a blank or '_' as good as '-'. */
static bool word_is(struct slice word, const char *name)
{
	size_t len = strlen(name);

	if (word.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = word.data[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		if (c == ' ' || c == '_')
			c = '-';
		if (c != name[i])
			return false;
	}
	return true;
}

int traits_sector_of(struct slice word)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (word_is(word, words[i].word))
			return words[i].sector;
	return -1;
}

bool traits_is_role(struct slice local)
{
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (word_is(local, roles[i]))
			return true;
	return false;
}

bool traits_is_expression(struct slice label)
{
	for (size_t i = 0; i < COUNT_OF(expressions); i++)
		if (word_is(label, expressions[i]))
			return true;
	return false;
}
