/* SPDX-License-Identifier: MPL-2.0 */
/* A member's seat in the coalition: its store, its signer and the coalition's files, put together. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

#define BUSY_NAP_US 20000 /* between two attempts */

bool busy_again(const struct world *world, enum err_kind kind, int64_t *since_us)
{
	const struct timespec nap = {.tv_nsec = BUSY_NAP_US * 1000};
	int64_t now = world_monotonic(world);

	if (kind != ERR_BUSY)
		return false;
	if (*since_us == 0)
		*since_us = now;
	if (now - *since_us > BUSY_SECONDS * US_PER_SECOND)
		return false;
	nanosleep(&nap, NULL);
	return true;
}

static enum err_kind signer_attach(struct seat *s, int signer_fd, struct err *e)
{
	enum err_kind kind;

	if (signer_fd >= 0) {
		kind = signer_socket_new(signer_fd, &s->socket, e);
		if (kind == OK)
			s->link = signer_link_of_socket(s->socket);
		else
			close(signer_fd);
		return kind;
	}
	kind = keys_signer(&s->node->config, s->world, &s->marks, &s->signer, e);
	if (kind == OK)
		s->link = signer_link_of(s->signer);
	return kind;
}

enum err_kind seat_open(struct node *node, const struct world *world, const struct log *log,
	int signer_fd, struct seat **ret_seat, struct err *e)
{
	struct seat *s = calloc(1, sizeof(*s));
	int64_t since = 0;
	enum err_kind kind;

	if (s == NULL) {
		if (signer_fd >= 0)
			close(signer_fd);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	s->node = node;
	s->world = world;
	s->log = log;
	kind = signer_attach(s, signer_fd, e);
	if (kind == OK)
		kind = events_open(world, &s->events, e);
	if (kind == OK) {
		do
			kind = ledger_disk_open(node->config.folder, false, &s->disk, e);
		while (busy_again(world, kind, &since));
	}
	if (kind == OK)
		kind = sink_open(node, world, &s->sink, &s->doors, e);
	if (kind == OK)
		kind = coalition_open(
			&(struct coalition_options){
				.disk = &s->disk,
				.folder = SEAT_FOLDER,
				.self = slice_of(node->config.member),
				.world = world,
				.signer = &s->link,
				.sink = &s->doors,
				.log = log,
			},
			&s->coalition, e);
	if (kind != OK) {
		seat_close(s);
		return kind;
	}
	*ret_seat = s;
	return OK;
}

void seat_close(struct seat *s)
{
	if (s == NULL)
		return;
	peers_stop(s);
	coalition_close(s->coalition);
	events_free(s->events);
	sink_free(s->sink);
	ledger_disk_close(&s->disk);
	signer_socket_free(s->socket);
	signer_close(s->signer);
	ledger_disk_close(&s->marks);
	free(s);
}
