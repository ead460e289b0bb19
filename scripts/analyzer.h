/* SPDX-License-Identifier: MPL-2.0 */
/*
 * For ./run lint alone, put before each file. clang's analyzer looks into one file at a time: it
 * does not know that what tells of an error never returns OK, and takes every failure for a success
 * that set nothing.
 */
#ifndef ANALYZER_H
#define ANALYZER_H

#include "../src/base/base.h"

#define err_set(e, kind, ...) ((void)(err_set)(e, kind, __VA_ARGS__), (enum err_kind)(kind))
#define err_wrap(e, ...)      ((void)(err_wrap)(e, __VA_ARGS__), ERR_IO)
#define err_kind_of_errno(n)  ((void)(n), ERR_IO)

#endif
