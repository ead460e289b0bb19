/* SPDX-License-Identifier: MPL-2.0 */
/* What the files of this folder share. */
#ifndef NOTE_PARTS_H
#define NOTE_PARTS_H

#include "note.h"

/* A buf over a caller's array: as its limit is its capacity, it never asks for memory. */
#define BUF_OVER(array)                                                                            \
	((struct buf){                                                                             \
		.data = (char *)(array), .capacity = sizeof(array), .bytes_max = sizeof(array)})

/* Exactly `len` bytes from strict base64. */
bool base64_exact(struct slice text, void *ret_bytes, size_t len);
/* UTF-8, and of the bytes below 20 hexadecimal only newlines. */
bool text_clean(struct slice text);

#endif
