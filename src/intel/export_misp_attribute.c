/* SPDX-License-Identifier: MPL-2.0 */
/* Attributes and tags, as the MISP core format has them. */
#include <stdlib.h>

#include "export_misp.h"

/* Which type MISP has for a value, and the first of the categories that it allows for that type. */
static const struct row {
	enum stix_value_kind kind;
	const char *object_type; /* NULL: any */
	const char *property;    /* either case; NULL: any */
	size_t digits;           /* of a digest; 0: any text */
	const char *type;
	const char *category;
} rows[] = {
	{STIX_VALUE_ADDRESS, NULL,                   NULL,            0,   "ip-dst",                  "Network activity"     },
	{STIX_VALUE_NAME,    NULL,                   NULL,            0,   "domain",                  "Network activity"     },
	{STIX_VALUE_URL,     NULL,                   NULL,            0,   "url",                     "Network activity"     },
	{STIX_VALUE_EMAIL,   NULL,                   NULL,            0,   "email-src",               "Payload delivery"     },
	{STIX_VALUE_ASN,     NULL,                   NULL,            0,   "AS",                      "Network activity"     },
	{STIX_VALUE_MAC,     NULL,                   NULL,            0,   "mac-address",             "Network activity"     },
	{STIX_VALUE_HASH,    "x509-certificate",     "MD5",           32,  "x509-fingerprint-md5",
         "Payload delivery"												  },
	{STIX_VALUE_HASH,    "x509-certificate",     "SHA-1",         40,  "x509-fingerprint-sha1",
         "Payload delivery"												  },
	{STIX_VALUE_HASH,    "x509-certificate",     "SHA-256",       64,  "x509-fingerprint-sha256",
         "Payload delivery"												  },
	{STIX_VALUE_HASH,    NULL,                   "MD5",           32,  "md5",                     "Payload delivery"     },
	{STIX_VALUE_HASH,    NULL,                   "SHA-1",         40,  "sha1",                    "Payload delivery"     },
	{STIX_VALUE_HASH,    NULL,                   "SHA-224",       56,  "sha224",                  "Payload delivery"     },
	{STIX_VALUE_HASH,    NULL,                   "SHA-256",       64,  "sha256",                  "Payload delivery"     },
	{STIX_VALUE_HASH,    NULL,                   "SHA-384",       96,  "sha384",                  "Payload delivery"     },
	{STIX_VALUE_HASH,    NULL,                   "SHA-512",       128, "sha512",                  "Payload delivery"     },
	{STIX_VALUE_HASH,    NULL,                   "SHA3-256",      64,  "sha3-256",                "Payload delivery"     },
	{STIX_VALUE_HASH,    NULL,                   "SHA3-512",      128, "sha3-512",                "Payload delivery"     },
	{STIX_VALUE_HASH,    NULL,                   "SSDEEP",        0,   "ssdeep",                  "Payload delivery"     },
	{STIX_VALUE_HASH,    NULL,                   "TLSH",          0,   "tlsh",                    "Payload delivery"     },
	{STIX_VALUE_HASH,    NULL,                   "AUTHENTIHASH",  0,   "authentihash",            "Payload delivery"     },
	{STIX_VALUE_HASH,    NULL,                   "VHASH",         0,   "vhash",                   "Payload delivery"     },
	{STIX_VALUE_HASH,    NULL,                   "imphash",       32,  "imphash",                 "Payload delivery"     },
	{STIX_VALUE_TEXT,    "file",                 "name",          0,   "filename",                "Payload delivery"     },
	{STIX_VALUE_TEXT,    "mutex",                "name",          0,   "mutex",                   "Artifacts dropped"    },
	{STIX_VALUE_TEXT,    "windows-registry-key", "key",           0,   "regkey",                  "Persistence mechanism"},
	{STIX_VALUE_TEXT,    "email-message",        "subject",       0,   "email-subject",           "Payload delivery"     },
	{STIX_VALUE_TEXT,    "email-message",        "message_id",    0,   "email-message-id",        "Payload delivery"     },
	{STIX_VALUE_TEXT,    "software",             "cpe",           0,   "cpe",                     "External analysis"    },
	{STIX_VALUE_TEXT,    NULL,                   "User-Agent",    0,   "user-agent",              "Network activity"     },
	{STIX_VALUE_TEXT,    NULL,                   "x_ja3",         32,  "ja3-fingerprint-md5",     "Network activity"     },
	{STIX_VALUE_TEXT,    NULL,                   "x_jarm",        62,  "jarm-fingerprint",        "Network activity"     },
	{STIX_VALUE_TEXT,    NULL,                   "x_hassh",       32,  "hassh-md5",               "Network activity"     },
	{STIX_VALUE_TEXT,    NULL,                   "x_hasshserver", 32,  "hasshserver-md5",         "Network activity"     },
};

static bool row_fits(const struct row *row, const struct stix_value *v)
{
	char bytes[64];

	if (row->kind != v->kind ||
		(row->object_type != NULL && !slice_is(v->object_type, row->object_type)) ||
		(row->property != NULL &&
			!slice_equal_nocase(v->property, slice_of(row->property))))
		return false;
	return row->digits == 0 ||
	       (v->text.len == row->digits && hex_decode(v->text, bytes, row->digits / 2));
}

bool misp_type_of(const struct stix_value *v, const char **ret_type, const char **ret_category)
{
	for (size_t k = 0; k < COUNT_OF(rows); k++) {
		if (row_fits(&rows[k], v)) {
			*ret_type = rows[k].type;
			*ret_category = rows[k].category;
			return true;
		}
	}
	return false;
}

/*
 *   RED, AMBER+STRICT  0  this organisation only
 *   AMBER              1  this community only
 *   GREEN              2  connected communities
 *   CLEAR, none        3  all communities
 */
const char *misp_distribution(enum stix_tlp tlp)
{
	return tlp >= STIX_TLP_AMBER_STRICT ? "0"
	       : tlp == STIX_TLP_AMBER      ? "1"
	       : tlp == STIX_TLP_GREEN      ? "2"
					    : "3";
}

static void comma(struct buf *list)
{
	if (list->len > 0)
		buf_char(list, ',');
}

void misp_tag(struct misp_event *ev, struct slice name)
{
	bool is_new = true;

	if (name.len == 0 || !export_seen_add(&ev->tag_names, name, &is_new) || !is_new)
		return;
	comma(&ev->tags);
	buf_text(&ev->tags, "{\"name\":");
	json_string_append(&ev->tags, name);
	buf_char(&ev->tags, '}');
}

/* With an offset in digits, as MISP writes it. */
static void member_time(struct json_writer *w, const char *name, int64_t us)
{
	char text[TIME_TEXT_MAX + 8];
	size_t len;

	if (us == INT64_MIN)
		return;
	len = time_format(us, 6, text);
	snprintf(text + len - 1, sizeof(text) - len, "+00:00"); /* over the Z */
	json_member_text(w, name, text);
}

static void member_seconds(struct json_writer *w, const char *name, int64_t us)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)(us / US_PER_SECOND));
	json_member_text(w, name, text);
}

/* The taxonomy "misp" has five levels; others are no exact place. */
static const struct {
	int confidence;
	const char *tag;
} confidences[] = {
	{100, "misp:confidence-level=\"completely-confident\""},
	{75,  "misp:confidence-level=\"usually-confident\""   },
	{50,  "misp:confidence-level=\"fairly-confident\""    },
	{25,  "misp:confidence-level=\"rarely-confident\""    },
	{0,   "misp:confidence-level=\"unconfident\""         },
};

struct slice misp_own_label(struct slice label, const char *field)
{
	size_t len = strlen("misp:") + strlen(field) + strlen("=\"");

	if (label.len <= len + 1 || !slice_starts(label, SLICE("misp:")) ||
		!slice_starts(slice_cut(label, 5, label.len), slice_of(field)) ||
		!slice_is(slice_cut(label, len - 2, len), "=\"") || !slice_ends(label, SLICE("\"")))
		return (struct slice){0};
	return slice_cut(label, len, label.len - 1);
}

static void write_tags(
	struct json_writer *w, const struct misp_event *ev, const struct misp_attribute *a)
{
	struct json_value item;
	struct json_iter it;
	char tlp[32];

	json_write_name(w, "Tag");
	json_write_array(w);
	if (a->tlp != STIX_TLP_NONE && a->tlp != ev->tlp) {
		snprintf(tlp, sizeof(tlp), "tlp:%s", stix_tlp_name(a->tlp));
		json_write_object(w);
		json_member_text(w, "name", tlp);
		json_write_end(w, '}');
	}
	for (size_t k = 0; k < COUNT_OF(confidences); k++) {
		if (a->confidence == confidences[k].confidence) {
			json_write_object(w);
			json_member_text(w, "name", confidences[k].tag);
			json_write_end(w, '}');
		}
	}
	if (a->labels.doc != NULL && json_is_array(a->labels)) {
		it = json_iter(a->labels);
		while (json_array_next(&it, &item)) {
			if (misp_own_label(json_string(item), "type").len > 0 ||
				misp_own_label(json_string(item), "category").len > 0)
				continue; /* back in their fields */
			json_write_object(w);
			json_member_string(w, "name", json_string(item));
			json_write_end(w, '}');
		}
	}
	json_write_end(w, ']');
}

void misp_attribute_write(struct misp_state *s, struct misp_event *ev, struct buf *list,
	const struct misp_attribute *a)
{
	struct json_writer w = JSON_WRITER(list);
	char uuid[UUID_TEXT_LEN + 1];

	comma(list);
	uuid_format(&a->uuid, uuid);
	json_write_object(&w);
	json_member_text(&w, "uuid", uuid);
	if (a->relation != NULL)
		json_member_text(&w, "object_relation", a->relation);
	json_member_text(&w, "type", a->type);
	json_member_text(&w, "category", a->category);
	json_member_bool(&w, "to_ids", a->to_ids);
	json_member_string(&w, "value", a->value);
	json_member_string(&w, "comment", a->comment);
	member_seconds(&w, "timestamp", a->timestamp_us);
	/* 5: as the event */
	json_member_text(&w, "distribution", a->tlp > ev->tlp ? misp_distribution(a->tlp) : "5");
	json_member_bool(&w, "deleted", false);
	json_member_bool(&w, "disable_correlation", false);
	member_time(&w, "first_seen", a->first_us);
	member_time(&w, "last_seen", a->last_us);
	write_tags(&w, ev, a);
	if (a->sightings.len > 0) {
		json_write_name(&w, "Sighting");
		json_write_raw(&w, a->sightings);
	}
	json_write_end(&w, '}');
	ev->attributes_count++;
	s->job->records++;
	misp_hash_add(s, slice_of(a->type), a->value);
}
