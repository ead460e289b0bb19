/* SPDX-License-Identifier: MPL-2.0 */
/* A pattern's text made ready to be asked many times: its tests with everything that can be worked
 * out beforehand. */
#include <stdlib.h>

#include "compiled.h"

static enum err_kind no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "pattern: out of memory");
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static bool regex_keep(struct pattern *p, struct comparison *c)
{
	struct comparison **more;

	/* 1, 2, 4, ... in the arena: a pattern has at most STIX_PATTERN_NODES_MAX comparisons */
	if ((p->regexes_count & (p->regexes_count - 1)) == 0) {
		more = ARENA_ARRAY(p->arena, struct comparison *, 2 * p->regexes_count + 1);
		if (more == NULL)
			return false;
		if (p->regexes_count > 0)
			memcpy(more, p->comparisons,
				p->regexes_count * sizeof(struct comparison *));
		p->comparisons = more;
	}
	p->comparisons[p->regexes_count++] = c;
	return true;
}

/* The name that values at the end of the path have. */
static struct slice path_property(const struct stix_node *node)
{
	for (size_t k = node->steps_count; k-- > 0;) {
		if (node->steps[k].kind == STIX_STEP_PROPERTY)
			return node->steps[k].name;
	}
	return (struct slice){0};
}

static enum err_kind regex_make(struct pattern *p, struct comparison *c, struct err *e)
{
	struct slice property = path_property(c->node);
	struct slice text = c->node->constants[0].text;
	struct buf normal = BUF_INIT, bytes = BUF_INIT;
	enum err_kind kind;

	if (!regex_keep(p, c))
		return no_memory(e);
	text = text_normal(text, &normal);
	kind = regex_new(text, false, &c->text, e);
	if (kind == OK && (name_is_hex(property) || name_is_binary(property)) &&
		text_to_bytes(text, &bytes))
		kind = regex_new(buf_slice(&bytes), true, &c->bytes, e);
	buf_fini(&normal);
	buf_fini(&bytes);
	return kind;
}

static enum err_kind like_make(struct pattern *p, struct comparison *c, struct err *e)
{
	struct buf normal = BUF_INIT, bytes = BUF_INIT;
	bool good = true;

	c->like = arena_copy(p->arena, text_normal(c->node->constants[0].text, &normal));
	if (text_to_bytes(c->like, &bytes)) {
		c->like_bytes = arena_copy(p->arena, buf_slice(&bytes));
		good = c->like_bytes.data != NULL;
	}
	good &= c->like.data != NULL;
	buf_fini(&normal);
	buf_fini(&bytes);
	return good ? OK : no_memory(e);
}

static enum err_kind set_make(struct pattern *p, struct comparison *c, struct err *e)
{
	struct stix_constant *sorted;

	if (c->node->constants_count < 2)
		return OK;
	sorted = ARENA_ARRAY(p->arena, struct stix_constant, c->node->constants_count);
	if (sorted == NULL)
		return no_memory(e);
	memcpy(sorted, c->node->constants, c->node->constants_count * sizeof(*sorted));
	qsort(sorted, c->node->constants_count, sizeof(*sorted), constant_order);
	c->constants = sorted;
	return OK;
}

static enum err_kind comparison_make(
	struct pattern *p, const struct stix_node *node, struct comparison **ret, struct err *e)
{
	struct comparison *c = ARENA_NEW(p->arena, struct comparison);

	if (c == NULL)
		return no_memory(e);
	c->node = node;
	c->constants = node->constants;
	*ret = c;
	switch (node->comparator) {
	case STIX_IN:
		return set_make(p, c, e);
	case STIX_LIKE:
		return like_make(p, c, e);
	case STIX_MATCHES:
		return regex_make(p, c, e);
	case STIX_ISSUBSET:
	case STIX_ISSUPERSET:
		if (!network_parse(node->constants[0].text, c->network))
			return err_set(e, ERR_INVALID, "\"%.*s\" is no address or network",
				SLICE_ARG(node->constants[0].text));
		return OK;
	default:
		return OK;
	}
}

/* ---- tests ----------------------------------------------------------------------------------- */

enum err_kind test_make(
	struct pattern *p, const struct stix_node *node, struct test **ret_test, struct err *e)
{
	const enum stix_node_kind chain = node->kind;
	const struct stix_node *n = node;
	struct test *t = ARENA_NEW(p->arena, struct test);
	enum err_kind kind = OK;

	if (t == NULL)
		return no_memory(e);
	*ret_test = t;
	if (chain == STIX_NODE_COMPARISON)
		return comparison_make(p, node, &t->comparison, e);
	t->kind = chain == STIX_NODE_AND ? TEST_AND : TEST_OR;
	for (t->count = 1; n->kind == chain; n = n->a)
		t->count++;
	t->children = ARENA_ARRAY(p->arena, struct test *, t->count);
	if (t->children == NULL)
		return no_memory(e);
	n = node;
	for (size_t k = t->count; k-- > 0 && kind == OK; n = n->a)
		kind = test_make(p, k > 0 ? n->b : n, &t->children[k], e);
	return kind;
}

/* ---- patterns -------------------------------------------------------------------------------- */

enum err_kind pattern_compile(
	struct arena *a, struct slice text, struct pattern *ret_pattern, struct err *e)
{
	struct pattern p = {.arena = a};
	struct slice copy = arena_copy(a, text);
	struct stix_pattern_error error;
	struct stix_node *root;
	enum err_kind kind;

	if (copy.data == NULL)
		return no_memory(e);
	if (!stix_pattern_parse(copy, a, &root, &error))
		return err_set(e, ERR_PARSE, "pattern, line %llu, column %llu: %.*s",
			(unsigned long long)error.line, (unsigned long long)error.column,
			SLICE_ARG(error.message));
	kind = plan_make(&p, root, e);
	if (kind != OK) {
		pattern_fini(&p);
		return kind;
	}
	*ret_pattern = p;
	return OK;
}

void pattern_fini(struct pattern *p)
{
	for (size_t k = 0; k < p->regexes_count; k++) {
		regex_free(p->comparisons[k]->text);
		regex_free(p->comparisons[k]->bytes);
	}
	p->regexes_count = 0;
}

enum err_kind pattern_new(struct slice text, struct pattern **ret_pattern, struct err *e)
{
	struct pattern *p = malloc(sizeof(*p));
	struct arena *a = arena_new(PATTERN_TREE_MAX);
	enum err_kind kind;

	if (p == NULL || a == NULL)
		kind = no_memory(e);
	else
		kind = pattern_compile(a, text, p, e);
	if (kind != OK) {
		arena_free(a);
		free(p);
		return kind;
	}
	*ret_pattern = p;
	return OK;
}

void pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	pattern_fini(p);
	arena_free(p->arena);
	free(p);
}
