/* SPDX-License-Identifier: MPL-2.0 */
/* The patterning grammar: each rule with an accepting and a refusing case and the place of the
 * fault. */
#include "testing/testing.h"

#include "pattern.h"

#define TEST_ARENA MIB(64) /* bytes; the largest allowed pattern's tree fits */

static int setup(void **state)
{
	*state = arena_new(TEST_ARENA);
	return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

/* ---- what the grammar takes, and how it reads it -------------------------------------------- */

static void assert_reads(struct arena *a, struct slice pattern, const char *printed)
{
	struct stix_pattern_error error;
	struct stix_node *root;
	struct buf once = BUF_INIT, twice = BUF_INIT;

	if (!stix_pattern_parse(pattern, a, &root, &error))
		fail_msg("%.*s: byte %zu: %.*s", SLICE_ARG(pattern), error.offset,
			SLICE_ARG(error.message));
	assert_true(stix_pattern_parse(pattern, a, NULL, &error));
	stix_pattern_print(root, &once);
	assert_false(once.bad);
	if (printed != NULL && !slice_is(buf_slice(&once), printed))
		fail_msg("%.*s\nreads as %.*s\n   not as %s", SLICE_ARG(pattern),
			SLICE_ARG(buf_slice(&once)), printed);
	if (!stix_pattern_parse(buf_slice(&once), a, &root, &error))
		fail_msg("printed %.*s: byte %zu: %.*s", SLICE_ARG(buf_slice(&once)), error.offset,
			SLICE_ARG(error.message));
	stix_pattern_print(root, &twice);
	assert_true(slice_equal(buf_slice(&once), buf_slice(&twice)));
	buf_fini(&once);
	buf_fini(&twice);
}

static const struct {
	const char *pattern;
	const char *printed; /* NULL: the same */
} readings[] = {
	{"[a:b = 1]",									  NULL				     },
	{"[a-b:c_d = 'x']",								    NULL				     },
	{"[_a:B9 = 'x']",								      NULL				     },
 /* white space is free, also between the parts of a path (section 9.4) */
	{"[ a : b . c [ 0 ] = 1 ]",							    "[a:b.c[0] = 1]"                         },
	{"[a:b=1]",									    "[a:b = 1]"                              },
	{"\t\r\n\v\f [a:b = 1]\n",							     "[a:b = 1]"                              },
	{"[a:b\xc2\xa0=\xe2\x80\x83"
	 "1\xe3\x80\x80]\xc2\x85",						    "[a:b = 1]"			      },
	{"[a:b\xe1\x9a\x80=\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\x9f"
	 "1]",									"[a:b = 1]"			      },
 /* comments of the published grammar */
	{"[a:b /* x ] */ = 1] // [",							   "[a:b = 1]"                              },
	{"// first\n[a:b = 1]",								"[a:b = 1]"                              },
	{"[a:b = 1/**/]",								      "[a:b = 1]"                              },
 /* precedence in the brackets: AND before OR, left to right (section 9.5.3) */
	{"[a:b = 1 OR a:b = 2 AND a:b = 3]",						   "[a:b = 1 OR (a:b = 2 AND a:b = 3)]"     },
	{"[a:b = 1 AND a:b = 2 OR a:b = 3]",						   "[(a:b = 1 AND a:b = 2) OR a:b = 3]"     },
	{"[(a:b = 1 OR a:b = 2) AND a:b = 3]",						 NULL                                     },
	{"[a:b = 1 AND a:b = 2 AND a:b = 3]",						  NULL                                     },
	{"[a:b = 1 AND (a:b = 2 AND a:b = 3)]",						NULL                                     },
	{"[((a:b = 1))]",								      "[a:b = 1]"                              },
 /* and between them: AND, OR, FOLLOWEDBY */
	{"[a:b = 1] FOLLOWEDBY [a:b = 2] OR [a:b = 3] AND [a:b = 4]",
         "[a:b = 1] FOLLOWEDBY ([a:b = 2] OR ([a:b = 3] AND [a:b = 4]))"                                                                },
	{"[a:b = 1] AND [a:b = 2] OR [a:b = 3] FOLLOWEDBY [a:b = 4]",
         "(([a:b = 1] AND [a:b = 2]) OR [a:b = 3]) FOLLOWEDBY [a:b = 4]"                                                                },
	{"[a:b = 1] FOLLOWEDBY [a:b = 2] FOLLOWEDBY [a:b = 3]",                                NULL                                     },
	{"[a:b = 1] FOLLOWEDBY ([a:b = 2] FOLLOWEDBY [a:b = 3])",                              NULL                                     },
	{"([a:b = 1])",									"[a:b = 1]"                              },
 /* a qualifier belongs to what stands directly before it (section 9.5.2) */
	{"[a:b = 1] FOLLOWEDBY [c:d = 2] REPEATS 5 TIMES",                                     NULL                                     },
	{"([a:b = 1] FOLLOWEDBY [c:d = 2]) REPEATS 5 TIMES",                                   NULL                                     },
	{"[a:b = 1] REPEATS 5 TIMES WITHIN 1800 SECONDS",                                      NULL                                     },
	{"[a:b = 1] WITHIN 0.5 SECONDS",						       NULL                                     },
	{"[a:b = 1] WITHIN 0.00000000000000000000012 SECONDS",                                 NULL                                     },
	{"[a:b = 1] WITHIN 123456789012345678901234.0 SECONDS",
         "[a:b = 1] WITHIN 123456789012345690000000.0 SECONDS"									  },
	{"[a:b = 1] START t'2016-06-01T00:00:00Z' STOP t'2016-06-01T00:00:00.5Z'",
         "[a:b = 1] START t'2016-06-01T00:00:00Z' STOP t'2016-06-01T00:00:00.500Z'"                                                     },
 /* parentheses make a new expression, which may have the qualifier again (section 9.5.1) */
	{"([a:b = 1] REPEATS 2 TIMES) REPEATS 2 TIMES",                                        NULL                                     },
	{"([a:b = 1]) WITHIN 5 SECONDS WITHIN 6 SECONDS",
         "([a:b = 1] WITHIN 5 SECONDS) WITHIN 6 SECONDS"										},
	{"([a:b = 1] OR [a:b = 2]) WITHIN 5 SECONDS WITHIN 6 SECONDS",                         NULL                                     },
 /* operators, section 9.6.1, and NOT before each */
	{"[a:b != 1 AND a:b > 1 AND a:b < 1 AND a:b >= 1 AND a:b <= 1]",                       NULL                                     },
	{"[a:b == 1 OR a:b <> 1]",							     "[a:b = 1 OR a:b != 1]"                  },
	{"[a:b NOT = 1 AND a:b NOT != 1 AND a:b NOT < 1]",                                     NULL                                     },
	{"[a:b LIKE 'x%' AND a:b NOT LIKE '_']",                                               NULL                                     },
	{"[a:b MATCHES '[' OR a:b NOT MATCHES '(']",                                           NULL                                     }, /* kept, not compiled */
	{"[a:b ISSUBSET '198.51.100.0/24' OR a:b NOT ISSUPERSET '2001:db8::/32']",             NULL                                     },
	{"[EXISTS a:b AND NOT EXISTS a:b.c]",						  NULL                                     },
	{"[a:b IN ('x', 'y') AND a:b NOT IN (1, -2.5, 3)]",                                    NULL                                     },
	{"[a:b IN(1,2)]",								      "[a:b IN (1, 2)]"                        },
	{"[a:b IN ()]",									NULL				     },
	{"[a:b IN (true, false)]",							     NULL                                     },
	{"[a:b MATCHES'^x$']",								 "[a:b MATCHES '^x$']"                    },
 /* constants, section 9.2 */
	{"[a:b = 0 OR a:b = -5 OR a:b = 9007199254740991]",                                    NULL                                     },
	{"[a:b = 1.5 OR a:b = -0.25 OR a:b = .5]",                                             "[a:b = 1.5 OR a:b = -0.25 OR a:b = 0.5]"},
	{"[a:b = 5.0]",									NULL				     },
	{"[a:b = 0.1234567890123456789]",						      "[a:b = 0.12345678901234568]"            },
	{"[a:b = true OR a:b != false]",						       NULL                                     },
	{"[a:b = '' OR a:b = 'it\\'s' OR a:b = 'C:\\\\x']",                                    NULL                                     },
	{"[a:b = 'line\nbreak']",							      NULL                                     },
	{"[a:b = '\xe2\x82\xac']",							     NULL                                     },
	{"[a:b = t'2014-01-13T07:03:17.123456Z']",                                             NULL                                     },
	{"[a:b = h'' OR a:b = h'00ffc3']",						     NULL                                     },
	{"[a:b = b'ABI=' OR a:b = b'AAAA\nAAA=']",                                             "[a:b = b'ABI=' OR a:b = b'AAAAAAA=']"   },
 /* paths, section 9.7 */
	{"[a:'b-c'.'d.e'.'it\\'s' = 1]",						       NULL                                     },
	{"[a:'b'.'AND' = 1]",								  "[a:b.'AND' = 1]"                        },
	{"[a:b[0].c[*].d_refs[4294967295] = 1]",                                               NULL                                     },
	{"[t:t.h.b = 1]",								      NULL				     },
	{"[file:hashes.'SHA-256' = "
	 "'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']",       NULL				     },
	{"[file:hashes.MD5 IN ('CEAD3F77F6CDA6EC00F57D76C9A6879F')]",                          NULL                                     },
	{"[file:hashes.MD5 LIKE 'cead%']",						     NULL                                     },
	{"[file:hashes.other = 'x' OR file:hashes[*] = 'x' OR file:hashes.SSDEEP = '3:ab:c']",
         NULL															   },
 /* different objects in one observation: only OR makes sense, but verdicts accept AND too */
	{"[a:b = 1 OR c:d = 2]",							       NULL				     },
	{"[a:b = 1 AND c:d = 2]",							      NULL                                     },
};

static void test_accepted(void **state)
{
	for (size_t k = 0; k < COUNT_OF(readings); k++) {
		arena_reset(*state);
		assert_reads(*state, slice_of(readings[k].pattern),
			readings[k].printed != NULL ? readings[k].printed : readings[k].pattern);
	}
}

/* ---- what it refuses, and where ------------------------------------------------------------- */

static const struct {
	const char *pattern;
	size_t offset;
	const char *message; /* part of it */
} refusals[] = {
	{"",								    0,  "expected '[' or '(', found the end"                               },
	{"a:b = 1",							     0,  "expected '[' or '(', found \"a\""                                 },
	{"[",								   1,  "found the end"						    },
	{"[]",								  1,  "expected an object type"                                          },
	{"[a:b = 1",							    8,  "expected AND, OR or ']', found the end"                           },
	{"[a:b = 1]]",							  9,  "expected AND, OR, FOLLOWEDBY, a qualifier or the end, found \"]\""},
	{"[a:b = 1] [a:b = 2]",						 10, "found \"[\""						      },
	{"([a:b = 1]",							  10, "or ')'"							   },
	{"[(a:b = 1]",							  9,  "expected AND, OR or ')'"                                          },
	{"[a:b = 1] AND",						       13, "expected '[' or '('"                                              },
	{"[a:b = 1 AND]",						       12, "expected an object type"                                          },
	{"[a:b = 1 FOLLOWEDBY a:b = 2]",                                        9,  "found \"FOLLOWEDBY\""                                             },
 /* keywords: their case, and not as names */
	{"[a:b = 1] within 2 SECONDS",					  10, "found \"within\""                                                 },
	{"[a:b = 1 and a:b = 2]",					       9,  "found \"and\""						    },
	{"[a:b = True]",							7,  "expected a constant, found \"True\""                              },
	{"[a:AND = 1]",							 3,  "expected a property name, found \"AND\""                          },
	{"[LIKE:a = 1]",							1,  "expected an object type"                                          },
	{"[a:b = null]",							7,  "expected a constant"                                              },
 /* paths */
	{"[a.b = 1]",							   2,  "expected ':', found \".\""                                        },
	{"[a = 1]",							     3,  "expected ':'"						     },
	{"['a':b = 1]",							 1,  "expected an object type"                                          },
	{"[a:b-c = 1]",							 3,  "in apostrophes"						   },
	{"[a:b.c-d = 1]",						       5,  "in apostrophes"						   },
	{"[a:'' = 1]",							  3,  "empty"							    },
	{"[a:9 = 1]",							   3,  "expected a property name"                                         },
	{"[a:b.5 = 1]",							 4,  "found \".5\""						     },
	{"[a:b[-1] = 1]",						       5,  "between 0 and 4294967295"                                         },
	{"[a:b[-0] = 1]",						       5,  "between 0 and 4294967295"                                         },
	{"[a:b[4294967296] = 1]",					       5,  "between 0 and 4294967295"                                         },
	{"[a:b['x'] = 1]",						      5,  "expected an index or *"                                           },
	{"[a:b[1 = 1]",							 7,  "expected ']'"						     },
	{"[a:b[] = 1]",							 5,  "expected an index or *"                                           },
 /* operators and what may stand behind */
	{"[a:b]",							       4,  "a comparison operator, found \"]\""                               },
	{"[a:b =? 1]",							  6,  "found \"?\""						      },
	{"[a:b = ]",							    7,  "expected a constant, found \"]\""                                 },
	{"[a:b = x]",							   7,  "expected a constant, found \"x\""                                 },
	{"[a:b = (1)]",							 7,  "expected a constant"                                              },
	{"[a:b NOT NOT = 1]",						   9,  "expected a comparison operator"                                   },
	{"[NOT a:b = 1]",						       5,  "expected EXISTS"						  },
	{"[a:b EXISTS]",							5,  "found \"EXISTS\""						 },
	{"[EXISTS a:b = 1]",						    12, "found \"=\""						      },
	{"[a:b > true]",							7,  "that has an order"						},
	{"[a:b LIKE 5]",							10, "expected a string"						},
	{"[a:b MATCHES t'2014-01-13T07:03:17Z']",                               13, "expected a string"                                                },
	{"[a:b ISSUBSET 5]",						    14, "expected a string"                                                },
	{"[a:b ISSUBSET 'x']",						  14, "IPv4 or IPv6"						     },
	{"[a:b ISSUBSET '198.51.100.0/33']",                                    14, "IPv4 or IPv6"                                                     },
	{"[a:b ISSUPERSET '']",						 16, "IPv4 or IPv6"						     },
 /* sets */
	{"[a:b IN 1]",							  8,  "expected '('"						     },
	{"[a:b IN (1,)]",						       11, "expected a constant"                                              },
	{"[a:b IN (1 2)]",						      11, "expected ',' or ')'"                                              },
	{"[a:b IN (1, 'x')]",						   12, "of one kind"						      },
	{"[a:b IN ('x', true)]",						14, "of one kind"						      },
	{"[a:b IN (1.5, 2, true)]",					     17, "of one kind"						      },
	{"[a:b IN ((1))]",						      9,  "expected a constant"                                              },
 /* constants */
	{"[a:b = +5]",							  7,  "plus sign"							},
	{"[a:b = +5.5]",							7,  "plus sign"							},
	{"[a:b = 007]",							 7,  "leading zeros"						    },
	{"[a:b = 9007199254740992]",					    7,  "9007199254740991"                                                 },
	{"[a:b = -9007199254740992]",					   7,  "9007199254740991"                                                 },
	{"[a:b = 1e5]",							 8,  "found \"e5\""						     },
	{"[a:b = 1.2.3]",						       10, "found \".3\""						     },
	{"[a:b = 5.]",							  8,  "found \".\""						      },
	{"[a:b = 'x]",							  7,  "no closing apostrophe"                                            },
	{"[a:b = 'x\\']",						       7,  "no closing apostrophe"                                            },
	{"[a:b = 'C:\\dir']",						   10, "must be written twice"                                            },
	{"[a:b = \"x\"]",						       7,  "found \"\"\""						     },
	{"[a:b = t'2014-01-13']",					       7,  "a timestamp looks like"                                           },
	{"[a:b = t'2014-13-13T07:03:17Z']",                                     7,  "a timestamp looks like"                                           },
	{"[a:b = t'2014-01-13T07:03:17']",                                      7,  "a timestamp looks like"                                           },
	{"[a:b = t'2014-01-13t07:03:17Z']",                                     7,  "a timestamp looks like"                                           },
	{"[a:b = t'2014-01-13T07:03:17z']",                                     7,  "a timestamp looks like"                                           },
	{"[a:b = h'abc']",						      7,  "even number"						      },
	{"[a:b = h'ag']",						       10, "0-9 and a-f"						      },
	{"[a:b = h'AB']",						       9,  "0-9 and a-f"						      },
	{"[a:b = h'ab]",							7,  "no closing apostrophe"                                            },
	{"[a:b = b'====']",						     7,  "no base64"							},
	{"[a:b = b'ABI']",						      7,  "no base64"							},
	{"[file:hashes.'SHA-256' = 'f00']",                                     25, "no SHA-256 hash"                                                  },
	{"[file:hashes.MD5 = 'zead3f77f6cda6ec00f57d76c9a6879f']",              19, "no MD5 hash"                                                      },
	{"[file:hashes.'sha-1' IN ('cead3f77f6cda6ec00f57d76c9a6879f')]",       25, "no sha-1 hash"                                                    },
 /* qualifiers */
	{"[a:b = 1] WITHIN ]",						  17, "expected a number of seconds"                                     },
	{"[a:b = 1] WITHIN -5 SECONDS",					 17, "positive"							 },
	{"[a:b = 1] WITHIN 0 SECONDS",					  17, "positive"							 },
	{"[a:b = 1] WITHIN 0.0 SECONDS",                                        17, "positive"							 },
	{"[a:b = 1] WITHIN 5 MINUTES",					  19, "expected SECONDS, found \"MINUTES\""                              },
	{"[a:b = 1] WITHIN '5' SECONDS",                                        17, "expected a number of seconds"                                     },
	{"[a:b = 1] REPEATS 0 TIMES",					   18, "positive"							 },
	{"[a:b = 1] REPEATS 1.5 TIMES",					 18, "expected a whole number"                                          },
	{"[a:b = 1] REPEATS 2",						 19, "expected TIMES"                                                   },
	{"[a:b = 1] START t'2016-06-01T00:00:00Z'",                             39, "expected STOP"                                                    },
	{"[a:b = 1] STOP t'2016-06-01T00:00:00Z'",                              10, "found \"STOP\""                                                   },
	{"[a:b = 1] START '2016-06-01T00:00:00Z' STOP t'2016-06-01T00:00:00Z'", 16,
         "expected a timestamp constant"													       },
	{"[a:b = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS",                         27, "only one qualifier of a kind"                                     },
	{"([a:b = 1] REPEATS 2 TIMES REPEATS 3 TIMES)",                         27, "only one qualifier of a kind"                                     },
	{"[a:b = 1] START t'2016-06-01T00:00:00Z' STOP t'2016-06-02T00:00:00Z' WITHIN 1 SECONDS "
	 "START "
	 "t'2016-06-01T00:00:00Z' STOP t'2016-06-02T00:00:00Z'",       86, "only one qualifier of a kind"                                     },
 /* characters and comments */
	{"[a:b = 1] ;",							 10, "found \";\""						      },
	{"[a:b = 1] \xe2\x82\xac",					      10, "found \"\xe2\x82\xac\""                                           },
	{"[a:b = 1] \x07",						      10, "found \"?\""						      },
	{"[a:b = 'x\xff']",						     9,  "UTF-8"							    },
	{"[a:b = 'x\xed\xa0\x80']",					     9,  "UTF-8"							    },
	{"[a:b = 1] /* x",						      10, "no end"							   },
	{"[a:b /*/ = 1]",						       5,  "no end"							   },
	{"[a:b / = 1]",							 5,  "found \"/\""						      },
};

static void test_refused(void **state)
{
	struct stix_pattern_error error;
	struct stix_node *root = NULL;
	struct buf message = BUF_INIT;

	for (size_t k = 0; k < COUNT_OF(refusals); k++) {
		arena_reset(*state);
		if (stix_pattern_parse(slice_of(refusals[k].pattern), *state, &root, &error))
			fail_msg("accepted: %s", refusals[k].pattern);
		assert_null(root); /* outputs change only on success */
		buf_clear(&message);
		buf_slice_append(&message, error.message);
		buf_char(&message, '\0');
		if (error.offset != refusals[k].offset ||
			strstr(message.data, refusals[k].message) == NULL)
			fail_msg("%s: at %zu: %s", refusals[k].pattern, error.offset, message.data);
		/* without a tree the verdict is the same */
		assert_false(
			stix_pattern_parse(slice_of(refusals[k].pattern), *state, NULL, &error));
		assert_int_equal(error.offset, refusals[k].offset);
	}
	buf_fini(&message);
}

static void test_position(void **state)
{
	struct stix_pattern_error error;

	assert_false(stix_pattern_parse(
		SLICE("[a:b = 1 OR\n a:c = '\xe2\x82\xac' ?]"), *state, NULL, &error));
	assert_int_equal(error.offset, 25);
	assert_int_equal(error.line, 2);
	assert_int_equal(error.column, 12); /* code points, not bytes */
	assert_false(stix_pattern_parse(SLICE("?"), *state, NULL, &error));
	assert_int_equal(error.line, 1);
	assert_int_equal(error.column, 1);
	/* a long token is shown in part */
	assert_false(stix_pattern_parse(
		SLICE("[a:b = 1] 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xe2\x82\xac'"), *state,
		NULL, &error));
	assert_true(slice_ends(error.message, SLICE("aaa...\"")));
}

/* ---- the tree ------------------------------------------------------------------------------- */

static void test_tree(void **state)
{
	struct slice pattern = SLICE("[file:x.'y-z'[*] NOT IN ('a', 'it\\'s')] WITHIN 1.5 SECONDS");
	struct stix_pattern_error error;
	struct stix_node *root, *n;

	assert_true(stix_pattern_parse(pattern, *state, &root, &error));
	assert_int_equal(root->kind, STIX_NODE_WITHIN);
	assert_int_equal(root->offset, 40);
	assert_true(root->seconds == 1.5);
	assert_int_equal(root->a->kind, STIX_NODE_OBSERVATION);
	assert_int_equal(root->a->offset, 0);
	n = root->a->a;
	assert_int_equal(n->kind, STIX_NODE_COMPARISON);
	assert_int_equal(n->offset, 1);
	assert_true(slice_is(n->object_type, "file"));
	assert_int_equal(n->steps_count, 3);
	assert_true(slice_is(n->steps[0].name, "x"));
	assert_true(slice_is(n->steps[1].name, "y-z"));
	assert_int_equal(n->steps[2].kind, STIX_STEP_ANY);
	assert_true(n->negated);
	assert_int_equal(n->comparator, STIX_IN);
	assert_int_equal(n->constants_count, 2);
	assert_true(slice_is(n->constants[0].text, "a"));
	/* without escapes a string is borrowed from the pattern, else it is a copy */
	assert_ptr_equal(n->constants[0].text.data, pattern.data + 26);
	assert_true(slice_is(n->constants[1].text, "it's"));
}

static void test_constants(void **state)
{
	struct stix_pattern_error error;
	struct stix_node *n;

	assert_true(stix_pattern_parse(SLICE("[a:b = h'00ff']"), *state, &n, &error));
	assert_int_equal(n->a->constants[0].kind, STIX_CONSTANT_HEX);
	assert_int_equal(n->a->constants[0].text.len, 2);
	assert_memory_equal(n->a->constants[0].text.data, "\x00\xff", 2);
	assert_true(stix_pattern_parse(SLICE("[a:b = b'AP8=']"), *state, &n, &error));
	assert_int_equal(n->a->constants[0].kind, STIX_CONSTANT_BINARY);
	assert_memory_equal(n->a->constants[0].text.data, "\x00\xff", 2);
	assert_true(
		stix_pattern_parse(SLICE("[a:b = t'1970-01-01T00:00:01.5Z']"), *state, &n, &error));
	assert_int_equal(n->a->constants[0].time_us, 1500000);
	assert_true(stix_pattern_parse(SLICE("[a:b = -12.25]"), *state, &n, &error));
	assert_int_equal(n->a->constants[0].kind, STIX_CONSTANT_FLOAT);
	assert_true(n->a->constants[0].number == -12.25);
	assert_true(stix_pattern_parse(SLICE("[a:b = -12]"), *state, &n, &error));
	assert_int_equal(n->a->constants[0].integer, -12);
	assert_true(stix_pattern_parse(SLICE("[a:b = true]"), *state, &n, &error));
	assert_true(n->a->constants[0].boolean);
}

/* A float of any length is the nearest double, and one past the largest is refused. */
static void test_floats(void **state)
{
	static const char *const texts[] = {"0.1", "0.30000000000000004", "123456789012.345",
		"-99999999999999.9", "179769313486231570000000000000000.0",
		"0.000000000000000000000000000000000000000049406564584124654"};
	struct stix_pattern_error error;
	struct buf pattern = BUF_INIT;
	struct stix_node *n;

	for (size_t k = 0; k < COUNT_OF(texts); k++) {
		buf_clear(&pattern);
		buf_printf(&pattern, "[a:b = %s]", texts[k]);
		assert_true(stix_pattern_parse(buf_slice(&pattern), *state, &n, &error));
		assert_true(n->a->constants[0].number == strtod(texts[k], NULL));
	}
	for (int digits = 309; digits <= 310; digits++) {
		buf_clear(&pattern);
		buf_text(&pattern, "[a:b = 1");
		for (int k = 1; k < digits; k++)
			buf_char(&pattern, '0');
		buf_text(&pattern, ".0]");
		assert_int_equal(stix_pattern_parse(buf_slice(&pattern), *state, NULL, &error),
			digits == 309);
	}
	buf_fini(&pattern);
}

/* ---- limits --------------------------------------------------------------------------------- */

static void repeat(struct buf *b, const char *text, size_t times)
{
	for (size_t k = 0; k < times; k++)
		buf_text(b, text);
}

/* head, then the unit so many times, then tail. */
static bool takes(struct arena *a, const char *head, const char *unit, size_t times,
	const char *tail, struct stix_pattern_error *ret_error)
{
	struct buf pattern = BUF_INIT, out = BUF_INIT;
	struct stix_node *root;
	bool good;

	buf_text(&pattern, head);
	repeat(&pattern, unit, times);
	buf_text(&pattern, tail);
	arena_reset(a);
	good = stix_pattern_parse(buf_slice(&pattern), a, &root, ret_error);
	if (good) {
		stix_pattern_print(root, &out); /* must not recurse along chains */
		assert_false(out.bad);
	}
	buf_fini(&out);
	buf_fini(&pattern);
	return good;
}

static bool says(const struct stix_pattern_error *error, const char *part)
{
	return slice_find_text(error->message, slice_of(part)) < error->message.len;
}

static bool takes_nested(
	struct arena *a, size_t depth, const char *inside, struct stix_pattern_error *ret_error)
{
	struct buf pattern = BUF_INIT;
	bool good;

	repeat(&pattern, "(", depth);
	buf_text(&pattern, inside);
	repeat(&pattern, ")", depth);
	good = stix_pattern_parse(buf_slice(&pattern), a, NULL, ret_error);
	buf_fini(&pattern);
	return good;
}

static void test_limit_depth(void **state)
{
	struct stix_pattern_error error;

	assert_true(takes_nested(*state, STIX_PATTERN_DEPTH_MAX, "[a:b = 1]", &error));
	assert_false(takes_nested(*state, STIX_PATTERN_DEPTH_MAX + 1, "[a:b = 1]", &error));
	assert_int_equal(error.offset, STIX_PATTERN_DEPTH_MAX);
	/* those in the brackets count too */
	assert_true(takes_nested(*state, STIX_PATTERN_DEPTH_MAX - 1, "[(a:b = 1)]", &error));
	assert_false(takes_nested(*state, STIX_PATTERN_DEPTH_MAX, "[(a:b = 1)]", &error));
	assert_int_equal(error.offset, STIX_PATTERN_DEPTH_MAX + 1);
	/* side by side is not deep */
	assert_true(takes(*state, "", "([a:b = 1]) OR ", 1000, "[(a:b = 1) OR (a:b = 2)]", &error));
	/* an attack of half a million parentheses ends at the 65th */
	assert_false(takes(*state, "", "(", STIX_PATTERN_MAX, "", &error));
	assert_int_equal(error.offset, STIX_PATTERN_DEPTH_MAX);
}

static void test_limit_nodes(void **state)
{
	struct stix_pattern_error error;
	size_t half = STIX_PATTERN_NODES_MAX / 2;

	/* n comparisons and n - 1 OR in one observation: 2 n nodes */
	assert_true(takes(*state, "[a:b=1", "OR a:b=1", half - 1, "]", &error));
	assert_false(takes(*state, "[a:b=1", "OR a:b=1", half, "]", &error));
	assert_true(says(&error, "at most 100000"));
	/* the values of a set, the comparison and the observation */
	assert_true(takes(*state, "[a:b IN (1", ",1", STIX_PATTERN_NODES_MAX - 3, ")]", &error));
	assert_false(takes(*state, "[a:b IN (1", ",1", STIX_PATTERN_NODES_MAX - 2, ")]", &error));
	assert_true(says(&error, "at most 100000"));
}

/* Chains as long as the limit allows: parsed, printed and read again without a deep stack. */
static void test_long_chain(void **state)
{
	struct buf p = BUF_INIT;

	buf_text(&p, "[a:b=1");
	repeat(&p, " OR a:b=1", 40000);
	buf_text(&p, "]");
	arena_reset(*state);
	assert_reads(*state, buf_slice(&p), NULL);
	buf_clear(&p);
	buf_text(&p, "[a:b=1]");
	repeat(&p, " FOLLOWEDBY [a:b=1]", 20000);
	arena_reset(*state);
	assert_reads(*state, buf_slice(&p), NULL);
	buf_fini(&p);
}

static void test_limit_size(void **state)
{
	struct stix_pattern_error error;
	struct buf p = BUF_INIT;

	buf_text(&p, "[a:b = 1]");
	while (p.len < STIX_PATTERN_MAX)
		buf_char(&p, ' ');
	assert_true(stix_pattern_parse(buf_slice(&p), *state, NULL, &error));
	buf_char(&p, ' ');
	assert_false(stix_pattern_parse(buf_slice(&p), *state, NULL, &error));
	assert_int_equal(error.offset, STIX_PATTERN_MAX);
	buf_fini(&p);
}

static void test_limit_path_and_qualifiers(void **state)
{
	struct stix_pattern_error error;

	assert_true(takes(*state, "[a:b", ".c", 255, "=1]", &error));
	assert_false(takes(*state, "[a:b", ".c", 256, "=1]", &error));
	assert_true(says(&error, "at most 256 steps"));
	assert_true(takes(*state, "([a:b=1])", " WITHIN 1 SECONDS", 16, "", &error));
	assert_false(takes(*state, "([a:b=1])", " WITHIN 1 SECONDS", 17, "", &error));
	assert_true(says(&error, "at most 16"));
}

/* With any amount of memory: a result, or a refusal that says why. */
static void test_no_memory(void **state)
{
	struct slice pattern =
		SLICE("([a:b.c.d.e.f.g.h.i.j.k = 'it\\'s' AND a:b IN (1,2,3,4,5,6,7,8,9)] OR "
		      "[a:b = h'00' OR a:b = b'AAAA']) WITHIN 0.12345678901234567890 SECONDS");
	struct stix_pattern_error error;
	struct stix_node *root;
	bool good = false;

	(void)state;
	for (size_t bytes = 0; !good && bytes < KIB(64); bytes += 16) {
		struct arena *a = arena_new(bytes);

		assert_non_null(a);
		good = stix_pattern_parse(pattern, a, &root, &error);
		if (!good)
			assert_true(slice_is(error.message, "out of memory"));
		arena_free(a);
	}
	assert_true(good);
}

/* ---- remarks and lists ---------------------------------------------------------------------- */

static const struct {
	const char *pattern;
	size_t offset; /* SIZE_MAX: none */
} remarks[] = {
	{"[a:b = 1 AND a:c = 2]",						SIZE_MAX},
	{"[a:b = 1 AND c:d = 2]",						9       },
	{"[a:b = 1 OR c:d = 2]",						 SIZE_MAX},
	{"[(a:b = 1 OR c:d = 2) AND c:d = 3]",                                   SIZE_MAX},
	{"[(a:b = 1 OR c:d = 2) AND e:f = 3]",                                   22      },
	{"[a:b = 1] AND [c:d = 2]",					      SIZE_MAX},
	{"[a:b IN ()]",							  8       },
	{"[a:b NOT IN ()]",						      SIZE_MAX},
	{"[a:b = 1] START t'2016-06-01T00:00:00Z' STOP t'2016-06-01T00:00:01Z'", SIZE_MAX},
	{"[a:b = 1] START t'2016-06-01T00:00:00Z' STOP t'2016-06-01T00:00:00Z'", 45      },
	{"[a:b = ",							      SIZE_MAX},
};

static void test_remarks(void **state)
{
	struct stix_pattern_error remark;

	for (size_t k = 0; k < COUNT_OF(remarks); k++) {
		bool has = stix_pattern_remark(slice_of(remarks[k].pattern), *state, &remark);

		assert_int_equal(has, remarks[k].offset != SIZE_MAX);
		if (has)
			assert_int_equal(remark.offset, remarks[k].offset);
	}
}

/* More types in one observation than the remark keeps apart: then it says nothing. */
static void test_remark_many_types(void **state)
{
	struct stix_pattern_error remark;
	struct buf p = BUF_INIT;

	for (int types = 64; types <= 65; types++) {
		buf_clear(&p);
		buf_text(&p, "[(a0:b = 1");
		for (int k = 1; k < types - 1; k++)
			buf_printf(&p, " OR a%d:b = 1", k);
		buf_printf(&p, ") AND a%d:b = 1]", types);
		assert_int_equal(stix_pattern_remark(buf_slice(&p), *state, &remark), types == 64);
	}
	buf_fini(&p);
}

static const struct {
	const char *pattern;
	bool list;
	size_t atoms;
} lists[] = {
	{"[a:b = 1]",						      true,  1},
	{"[a:b = 1 OR c:d IN (1, 2, 3)] OR ([a:b ISSUBSET '10.0.0.0/8'])", true,  5},
	{"[a:b = 1 AND a:c = 1]",					  false, 0},
	{"[a:b = 1] AND [a:b = 2]",					false, 0},
	{"[a:b = 1] FOLLOWEDBY [a:b = 2]",                                 false, 0},
	{"[a:b = 1] REPEATS 2 TIMES",				      false, 0},
	{"[a:b NOT = 1]",						  false, 0},
	{"[a:b != 1]",						     false, 0},
	{"[a:b LIKE 'x']",						 false, 0},
	{"[EXISTS a:b]",						   false, 0},
	{"[a:b = ]",						       false, 0},
};

static void test_lists(void **state)
{
	for (size_t k = 0; k < COUNT_OF(lists); k++) {
		size_t atoms = 0;

		assert_int_equal(stix_pattern_is_list(slice_of(lists[k].pattern), *state, &atoms),
			lists[k].list);
		assert_int_equal(atoms, lists[k].atoms);
	}
}

static void test_quote(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	stix_pattern_quote(&out, SLICE("it's C:\\x"));
	assert_true(slice_is(buf_slice(&out), "'it\\'s C:\\\\x'"));
	buf_fini(&out);
}

static void test_hash_fits(void **state)
{
	(void)state;
	assert_true(pattern_hash_fits(SLICE("md5"), SLICE("cead3f77f6cda6ec00f57d76c9a6879f")));
	assert_false(pattern_hash_fits(SLICE("MD5"), SLICE("cead3f77f6cda6ec00f57d76c9a6879")));
	assert_true(pattern_hash_fits(SLICE("SHA3-224"),
		SLICE("00000000000000000000000000000000000000000000000000000000")));
	assert_false(pattern_hash_fits(SLICE("sha3-224"), SLICE("00")));
	assert_true(pattern_hash_fits(SLICE("MD5-of-something-else-altogether"), SLICE("00")));
	assert_true(pattern_hash_fits(SLICE(""), SLICE("00")));
}

/* ---- OASIS's verdicts ----------------------------------------------------------------------- */

static void test_verdicts(void **state)
{
	struct buf text = testing_data_read("stix/pattern-grammar.json");
	struct json_parser *parser = json_parser_new(JSON_DOCUMENT_MAX);
	struct stix_pattern_error error;
	struct json_value c, valid;
	struct json_doc doc;
	struct json_iter it;
	size_t cases = 0;

	assert_int_equal(json_parse(parser, buf_slice(&text), &doc, NULL), OK);
	it = json_iter(json_root(&doc));
	while (json_array_next(&it, &c)) {
		struct slice pattern = json_get_string(c, "pattern");

		assert_true(json_get(c, "valid", &valid));
		if (stix_pattern_parse(pattern, *state, NULL, &error) != json_is_true(valid))
			fail_msg("%.*s", SLICE_ARG(pattern));
		if (json_is_true(valid))
			assert_reads(*state, pattern, NULL);
		cases++;
	}
	assert_int_equal(cases, 33);
	json_parser_free(parser);
	buf_fini(&text);
}

/*
 * The matcher's cases: all are patterns but those it could not parse, those whose sets mix kinds,
 * and two that repeat a qualifier: section 9.5.1 forbids it, and the verdicts above refuse it.
 */
static bool matcher_case_valid(struct slice pattern, struct slice exception)
{
	return !slice_is(exception, "ParseException") &&
	       slice_find_text(pattern, SLICE("true)]")) == pattern.len &&
	       slice_find_text(pattern, SLICE("TIMES REPEATS")) == pattern.len;
}

static void test_matcher_cases(void **state)
{
	struct buf text = testing_data_read("stix/pattern-matches.json");
	struct json_parser *parser = json_parser_new(JSON_DOCUMENT_MAX);
	struct stix_pattern_error error;
	struct json_value c, cases;
	struct json_doc doc;
	struct json_iter it;
	size_t valid = 0, invalid = 0;

	assert_int_equal(json_parse(parser, buf_slice(&text), &doc, NULL), OK);
	assert_true(json_get(json_root(&doc), "cases", &cases));
	it = json_iter(cases);
	while (json_array_next(&it, &c)) {
		struct slice pattern = json_get_string(c, "pattern");
		bool expected = matcher_case_valid(pattern, json_get_string(c, "exception"));

		if (stix_pattern_parse(pattern, *state, NULL, &error) != expected)
			fail_msg("%.*s", SLICE_ARG(pattern));
		if (expected)
			assert_reads(*state, pattern, NULL);
		valid += expected;
		invalid += !expected;
	}
	assert_int_equal(valid + invalid, 206);
	assert_int_equal(invalid, 14);
	json_parser_free(parser);
	buf_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_accepted),
		TEST(test_refused),
		TEST(test_position),
		TEST(test_tree),
		TEST(test_constants),
		TEST(test_floats),
		TEST(test_limit_depth),
		TEST(test_limit_nodes),
		TEST(test_long_chain),
		TEST(test_limit_size),
		TEST(test_limit_path_and_qualifiers),
		TEST(test_no_memory),
		TEST(test_remarks),
		TEST(test_remark_many_types),
		TEST(test_lists),
		TEST(test_quote),
		TEST(test_hash_fits),
		TEST(test_verdicts),
		TEST(test_matcher_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
