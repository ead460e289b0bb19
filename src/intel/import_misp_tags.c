/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Tags: the Traffic Light Protocol becomes a marking, galaxies become the objects that they stand
 * for, everything else is a label, word for word.
 */
#include "import_misp.h"

void misp_label(struct misp *m, struct misp_tags *tags, struct slice label)
{
	for (size_t k = 0; k < tags->labels_count; k++) {
		if (slice_equal(tags->labels[k], label))
			return;
	}
	if (label.len == 0)
		return;
	if (tags->labels_count < MISP_LABELS_MAX)
		tags->labels[tags->labels_count++] = label;
	else
		misp_lose(m, "tag", SLICE("name (labels beyond 500)"), label);
}

/* ---- the Traffic Light Protocol ------------------------------------------------------------- */

/* False: no TLP tag. One that is not understood counts as RED: what it allows is not known. */
static bool tlp_of_tag(struct misp *m, struct slice name, enum stix_tlp *ret_tlp)
{
	if (!slice_equal_nocase(slice_cut(name, 0, 4), SLICE("tlp:")))
		return false;
	if (!stix_tlp_parse(name, ret_tlp) || *ret_tlp == STIX_TLP_NONE) {
		import_lose(m->job, &m->place,
			"tag \"%.*s\": no TLP that is known, taken as TLP:RED", SLICE_ARG(name));
		*ret_tlp = STIX_TLP_RED;
	}
	return true;
}

/*
 * MISP's distribution says how far its servers pass an event on. Where no TLP tag speaks, it
 * becomes the TLP that lets through no more than that, and where both do the stricter of the two
 * limits to one's own organisation or to a sharing group still holds: MISP itself would not have
 * passed it on.
 *
 *   0 your organisation only     AMBER+STRICT
 *   1 this community only        AMBER    the members of this server, and their need to know
 *   2 connected communities      GREEN    peers, but no public channel
 *   3 all communities            GREEN    to every MISP is still not to everybody
 *   4 a sharing group            AMBER+STRICT: who is in it has no place in STIX
 *   5 as the event
 *   anything else                RED
 */
enum stix_tlp misp_marking(struct misp *m, const char *structure, enum stix_tlp tagged,
	int64_t distribution, enum stix_tlp outer)
{
	static const enum stix_tlp by_distribution[] = {STIX_TLP_AMBER_STRICT, STIX_TLP_AMBER,
		STIX_TLP_GREEN, STIX_TLP_GREEN, STIX_TLP_AMBER_STRICT};
	enum stix_tlp limit = STIX_TLP_NONE, tlp;

	if (distribution == 5)
		return tagged != STIX_TLP_NONE ? tagged : outer;
	limit = distribution >= 0 && distribution < (int64_t)COUNT_OF(by_distribution)
			? by_distribution[distribution]
			: STIX_TLP_RED;
	if (distribution == 4)
		misp_lose(m, structure, SLICE("SharingGroup (members)"), m->event_text);
	if (tagged == STIX_TLP_NONE) {
		/* Narrower than what is around it, never wider. */
		tlp = limit > outer ? limit : outer;
		misp_lose(m, structure,
			arena_printf(m->scratch, "distribution %lld (TLP:%s stands for it)",
				(long long)distribution, stix_tlp_name(tlp)),
			m->event_text);
		return tlp;
	}
	tlp = limit >= STIX_TLP_AMBER_STRICT && limit > tagged ? limit : tagged;
	misp_lose(m, structure,
		arena_printf(m->scratch, "distribution %lld (besides its tag, TLP:%s)",
			(long long)distribution, stix_tlp_name(tlp)),
		m->event_text);
	return tlp;
}

/* ---- galaxies ------------------------------------------------------------------------------- */

/* Which galaxies STIX has a type for. The others stay labels. */
static const struct {
	const char *galaxy; /* its type, or the end of it behind '*' */
	const char *type;
} galaxies[] = {
	{"*attack-pattern",              "attack-pattern"  },
	{"*malware",		     "malware"         },
	{"*intrusion-set",               "intrusion-set"   },
	{"*course-of-action",            "course-of-action"},
	{"mitre-tool",                   "tool"            },
	{"mitre-enterprise-attack-tool", "tool"            },
	{"mitre-mobile-attack-tool",     "tool"            },
	{"threat-actor",                 "threat-actor"    },
	{"microsoft-activity-group",     "threat-actor"    },
	{"360net-threat-actor",          "threat-actor"    },
	{"malpedia",		     "malware"         },
	{"ransomware",                   "malware"         },
	{"banker",		       "malware"         },
	{"botnet",		       "malware"         },
	{"rat",			  "malware"         },
	{"stealer",		      "malware"         },
	{"backdoor",		     "malware"         },
	{"cryptominers",                 "malware"         },
	{"android",		      "malware"         },
 /* MISP's galaxy "tool" is a list of malware and of hacking tools in equal parts. */
	{"tool",			 "tool"            },
	{"exploit-kit",                  "tool"            },
	{"tds",			  "tool"            },
	{"branded-vulnerability",        "vulnerability"   },
	{"sector",		       "identity"        },
};

static const char *type_of_galaxy(struct slice galaxy)
{
	for (size_t k = 0; k < COUNT_OF(galaxies); k++) {
		const char *row = galaxies[k].galaxy;

		if (row[0] == '*' ? slice_ends(galaxy, slice_of(row + 1)) : slice_is(galaxy, row))
			return galaxies[k].type;
	}
	return NULL;
}

/* What a tag or a cluster says of one thing. */
struct cluster {
	struct slice galaxy, value, description, uuid;
	struct json_value meta; /* .doc NULL: none */
	int64_t version;
	bool is_public; /* in the library that every MISP has */
};

/* "T1059.003", "S0154", "G0007", "M1037" at the end of a name or among the external ids. */
static bool attack_id(struct slice text)
{
	size_t digits = 0;

	if (text.len < 5 || slice_find(SLICE("TSGMC"), text.data[0], 0) == 5)
		return false;
	for (size_t i = 1; i < text.len; i++) {
		if (text.data[i] == '.' && digits == 4)
			continue;
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		digits++;
	}
	return digits == 4 || digits == 7;
}

static struct slice first_of_list(struct json_value meta, const char *name)
{
	struct json_value list, item;
	struct json_iter it;

	if (meta.doc == NULL || !json_get(meta, name, &list))
		return (struct slice){0};
	if (json_is_string(list))
		return json_string(list);
	it = json_iter(list);
	return json_is_array(list) && json_array_next(&it, &item) ? json_string(item)
								  : (struct slice){0};
}

#define REFERENCES_MAX 50 /* of one cluster */

static void write_references(struct misp *m, struct json_writer *w, const struct cluster *c)
{
	struct slice id = first_of_list(c->meta, "external_id"), name = c->value;
	struct json_value refs, item;
	struct json_iter it;
	size_t dash = slice_find_text(name, SLICE(" - ")), count = 0;

	if (!attack_id(id)) {
		while (dash < name.len) { /* what stands behind the last " - " */
			name = slice_cut(name, dash + 3, name.len);
			dash = slice_find_text(name, SLICE(" - "));
		}
		id = slice_trim(name);
	}
	json_write_name(w, "external_references");
	json_write_array(w);
	if (attack_id(id)) {
		json_write_object(w);
		json_member_text(w, "source_name", "mitre-attack");
		json_member_string(w, "external_id", id);
		json_write_end(w, '}');
	}
	json_write_object(w);
	json_member_text(w, "source_name", "misp-galaxy");
	json_write_name(w, "external_id");
	struct buf tag = BUF_INIT;
	buf_printf(&tag, "%.*s=\"%.*s\"", SLICE_ARG(c->galaxy), SLICE_ARG(c->value));
	json_write_string(w, buf_slice(&tag));
	buf_fini(&tag);
	if (c->uuid.len > 0) /* as this galaxy calls it; for ATT&CK it is that of MITRE's object */
		json_member_string(w, "description", c->uuid);
	json_write_end(w, '}');
	if (c->meta.doc != NULL && json_get(c->meta, "refs", &refs)) {
		for (it = json_iter(refs); json_is_array(refs) && json_array_next(&it, &item);) {
			struct slice url = json_string(item);

			if (!slice_starts(url, SLICE("https://")) &&
				!slice_starts(url, SLICE("http://")))
				continue;
			if (count++ >= REFERENCES_MAX) {
				misp_lose(m, "galaxy cluster meta", SLICE("refs (beyond 50)"),
					c->value);
				continue;
			}
			json_write_object(w);
			json_member_text(w, "source_name", "misp-galaxy");
			json_member_string(w, "url", url);
			json_write_end(w, '}');
		}
	}
	json_write_end(w, ']');
}

static void write_synonyms(struct json_writer *w, const struct cluster *c)
{
	struct json_value list, item;
	struct json_iter it;
	bool any = false;

	if (c->meta.doc == NULL || !json_get(c->meta, "synonyms", &list) || !json_is_array(list))
		return;
	for (it = json_iter(list); json_array_next(&it, &item);) {
		if (json_string(item).len == 0)
			continue;
		if (!any) {
			json_write_name(w, "aliases");
			json_write_array(w);
		}
		any = true;
		json_write_string(w, json_string(item));
	}
	if (any)
		json_write_end(w, ']');
}

/* "mitre-attack:command-and-control" */
static void write_phases(struct json_writer *w, const struct cluster *c)
{
	struct json_value list, item;
	struct json_iter it;
	bool any = false;

	if (c->meta.doc == NULL || !json_get(c->meta, "kill_chain", &list) || !json_is_array(list))
		return;
	for (it = json_iter(list); json_array_next(&it, &item);) {
		struct slice text = json_string(item);
		size_t colon = slice_find(text, ':', 0);

		if (colon == 0 || colon + 1 >= text.len)
			continue;
		if (!any) {
			json_write_name(w, "kill_chain_phases");
			json_write_array(w);
		}
		any = true;
		json_write_object(w);
		json_member_string(w, "kill_chain_name", slice_cut(text, 0, colon));
		json_member_string(w, "phase_name", slice_cut(text, colon + 1, text.len));
		json_write_end(w, '}');
	}
	if (any)
		json_write_end(w, ']');
}

/* Which types have aliases, and which kill chain phases (section 4). */
static bool has_aliases(const char *type)
{
	return strcmp(type, "malware") == 0 || strcmp(type, "threat-actor") == 0 ||
	       strcmp(type, "intrusion-set") == 0 || strcmp(type, "tool") == 0 ||
	       strcmp(type, "attack-pattern") == 0;
}

static bool has_phases(const char *type)
{
	return strcmp(type, "malware") == 0 || strcmp(type, "tool") == 0 ||
	       strcmp(type, "attack-pattern") == 0;
}

/* Meta that has no member of its own. */
static void lose_meta(struct misp *m, const struct cluster *c)
{
	const char *type = type_of_galaxy(c->galaxy);
	struct json_value value;
	struct slice name;
	struct json_iter it;

	if (c->meta.doc == NULL)
		return;
	for (it = json_iter(c->meta); json_object_next(&it, &name, &value);) {
		if (!slice_is(name, "refs") &&
			!(slice_is(name, "external_id") &&
				attack_id(first_of_list(c->meta, "external_id"))) &&
			!(slice_is(name, "synonyms") && has_aliases(type)) &&
			!(slice_is(name, "kill_chain") && has_phases(type)))
			misp_lose(m, "galaxy cluster meta", name, c->value);
	}
}

#define CLUSTER_TIME_US INT64_C(0) /* as identities; a cluster's version, in seconds, is added */

/*
 * The object of a cluster. Its id is not the cluster's UUID: for ATT&CK that is the UUID of MITRE's
 * own object, and only MITRE makes versions of that (section 3.6.2). The reference names it
 * instead.
 *
 * Clusters of the library that every MISP carries are public and bear no marking. One that somebody
 * made for themselves, or that only a tag names, is marked as what it came with, and then has an id
 * of its own for each marking, as observables do.
 */
static enum err_kind cluster_emit(struct misp *m, const struct cluster *c, enum stix_tlp tlp,
	struct slice *ret_id, struct err *e)
{
	const char *type = type_of_galaxy(c->galaxy);
	struct import_sink *sink = m->job->sink;
	struct misp_head head = {.type = type,
		.created_us = CLUSTER_TIME_US,
		.modified_us = CLUSTER_TIME_US,
		.tlp = c->is_public ? STIX_TLP_NONE : tlp};
	struct json_writer w;
	struct slice id;
	bool is_new;

	*ret_id = (struct slice){0};
	if (type == NULL || c->value.len == 0)
		return OK;
	if (c->version > 0 && c->version < INT64_C(4102444800)) /* 2100 in seconds */
		head.modified_us += c->version * US_PER_SECOND;
	import_uuid((const struct slice[]){SLICE("galaxy"), c->galaxy, c->value,
			    slice_of(stix_tlp_name(head.tlp))},
		4, &head.uuid);
	id = misp_id(m, type, &head.uuid);
	if (id.data == NULL)
		return misp_nomem(e);
	*ret_id = id;
	if (misp_map_get(&m->seen, id).len > 0)
		return OK;
	lose_meta(m, c);
	if (sink->known(sink->context, slice_of(type), &head.uuid)) {
		/* here already, perhaps in another version: the report still names it */
		if (!misp_map_put(&m->seen, id, id, &is_new))
			return misp_nomem(e);
		return misp_refer(m, id, head.tlp, e);
	}
	buf_clear(&m->out);
	w = JSON_WRITER(&m->out);
	json_write_object(&w);
	json_member_text(&w, "type", type);
	json_member_text(&w, "spec_version", "2.1");
	import_member_id(&w, "id", slice_of(type), &head.uuid);
	json_member_time(&w, "created", head.created_us, 3);
	json_member_time(&w, "modified", head.modified_us, 3);
	json_member_string(&w, "name", c->value);
	if (c->description.len > 0)
		json_member_string(&w, "description", c->description);
	if (strcmp(type, "identity") == 0)
		json_member_text(&w, "identity_class", "class");
	if (strcmp(type, "malware") == 0)
		json_member_bool(&w, "is_family", true);
	if (has_aliases(type))
		write_synonyms(&w, c);
	if (has_phases(type))
		write_phases(&w, c);
	write_references(m, &w, c);
	return misp_end(m, &w, &head, ret_id, e);
}

/* misp-galaxy:threat-actor="APT 29" */
static bool cluster_of_tag(struct slice tag, struct cluster *ret_cluster)
{
	struct slice rest = slice_cut(tag, strlen("misp-galaxy:"), tag.len);
	size_t equals = slice_find_text(rest, SLICE("=\""));

	if (!slice_starts(tag, SLICE("misp-galaxy:")) || equals == 0 || equals == rest.len ||
		rest.data[rest.len - 1] != '"' || equals + 2 > rest.len - 1)
		return false;
	*ret_cluster = (struct cluster){
		.galaxy = slice_cut(rest, 0, equals),
		.value = slice_cut(rest, equals + 2, rest.len - 1),
	};
	return true;
}

static void galaxy_add(struct misp *m, struct misp_tags *tags, struct slice id)
{
	for (size_t k = 0; k < tags->galaxies_count; k++) {
		if (slice_equal(tags->galaxies[k], id))
			return;
	}
	if (id.len == 0)
		return;
	if (tags->galaxies_count < MISP_LABELS_MAX)
		tags->galaxies[tags->galaxies_count++] = id;
	else
		misp_lose(m, "galaxy cluster", SLICE("(relations to more than 500)"), id);
}

/* One entry of a "GalaxyCluster" list. */
static enum err_kind cluster_read(struct misp *m, struct json_value v, struct misp_tags *tags,
	enum stix_tlp tlp, struct err *e)
{
	struct slice tag = json_get_string(v, "tag_name"), uuid = json_get_string(v, "uuid"),
		     id = {0};
	struct cluster c = {
		.galaxy = json_get_string(v, "type"),
		.value = json_get_string(v, "value"),
		.description = json_get_string(v, "description"),
		.uuid = uuid,
		.version = misp_number(v, "version", 0),
		.is_public = misp_truth(v, "default"),
	};
	struct json_value value;
	enum err_kind kind;
	bool is_new;

	if (json_get(v, "meta", &value) && json_is_object(value))
		c.meta = value;
	/* Older exports say nothing of "default"; those had the library's clusters only. */
	if (!json_get(v, "default", &value) && !json_get(v, "distribution", &value))
		c.is_public = true;
	misp_lose_rest(m, "galaxy cluster", v, uuid);
	misp_label(m, tags, tag);
	kind = cluster_emit(m, &c, tlp, &id, e);
	galaxy_add(m, tags, id);
	if (kind == OK && id.len > 0 && tag.len > 0 &&
		!misp_map_put(&m->galaxies, tag, id, &is_new))
		return misp_nomem(e);
	return kind;
}

enum err_kind misp_galaxies(struct misp *m, struct json_value v, struct misp_tags *tags,
	enum stix_tlp tlp, struct err *e)
{
	struct json_value list, galaxy, clusters, cluster;
	struct json_iter it, inner;
	enum err_kind kind = OK;
	struct slice id;

	if (json_get(v, "Galaxy", &list) && json_is_array(list)) {
		for (it = json_iter(list); kind == OK && json_array_next(&it, &galaxy);) {
			if (!json_get(galaxy, "GalaxyCluster", &clusters))
				continue;
			for (inner = json_iter(clusters);
				kind == OK && json_array_next(&inner, &cluster);)
				kind = cluster_read(m, cluster, tags, tlp, e);
		}
	}
	/* Feeds carry the tags alone. */
	for (size_t k = 0; k < tags->labels_count && kind == OK; k++) {
		struct cluster c;

		id = misp_map_get(&m->galaxies, tags->labels[k]);
		if (id.len == 0 && cluster_of_tag(tags->labels[k], &c))
			kind = cluster_emit(m, &c, tlp, &id, e);
		galaxy_add(m, tags, id);
	}
	return kind;
}

enum err_kind misp_tags_read(
	struct misp *m, struct json_value v, struct misp_tags *ret_tags, struct err *e)
{
	struct json_value list, tag, galaxies_list, value;
	struct json_iter it;

	(void)e;
	ret_tags->labels_count = ret_tags->galaxies_count = 0;
	ret_tags->tlp = STIX_TLP_NONE;
	if (json_get(v, "Galaxy", &galaxies_list) && json_is_array(galaxies_list)) {
		for (it = json_iter(galaxies_list); json_array_next(&it, &tag);) {
			misp_lose_rest(m, "galaxy", tag, json_get_string(tag, "uuid"));
			misp_lose(m, "galaxy", SLICE("name, icon and what else describes it"),
				json_get_string(tag, "uuid"));
		}
	}
	if (!json_get(v, "Tag", &list) || !json_is_array(list))
		return OK;
	for (it = json_iter(list); json_array_next(&it, &tag);) {
		struct slice name = json_get_string(tag, "name");
		enum stix_tlp tlp;

		misp_lose_rest(m, "tag", tag, name);
		/* Several are a mistake: the strictest holds. */
		if (tlp_of_tag(m, name, &tlp) && tlp > ret_tags->tlp)
			ret_tags->tlp = tlp;
		if (json_get(tag, "exportable", &value) && !misp_truth(tag, "exportable"))
			misp_lose(m, "tag", SLICE("name (of one that is not to leave its server)"),
				name);
		else
			misp_label(m, ret_tags, name);
	}
	return OK;
}
