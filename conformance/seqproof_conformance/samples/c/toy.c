/* A toy server of the protocol, to try adapters on: inboxes in memory, linked into the adapter. No part of the kit.
 *
 * An inbox has a largest seq, a largest confirmed seq, and its messages in the order of their seqs. It is in memory, so
 * it cannot be killed and started again on the same store, and its adapter must not declare kill.
 *
 *     MISBEHAVE=ack_on_reply       what was sent to a phone counts as received: a lost reply loses messages
 *     MISBEHAVE=forget_confirmed   what one phone received is given again to the next
 */
#include "toy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEQ_MAX 4294967295LL

struct message {
    long long seq;
    char *sender, *client_id, *body; /* body NULL: trimmed */
};

struct inbox {
    struct inbox *next;
    char *account;
    long long svr, confirmed;
    struct message *messages;
    size_t count, room;
};

static struct inbox *inboxes;
static int failing;

static int misbehaves(const char *how) {
    const char *asked = getenv("MISBEHAVE");
    return asked && !strcmp(asked, how);
}

static void *must(void *memory) {
    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static struct inbox *inbox(const char *account) {
    for (struct inbox *it = inboxes; it; it = it->next)
        if (!strcmp(it->account, account)) return it;
    struct inbox *made = must(calloc(1, sizeof *made));
    made->account = must(strdup(account));
    made->next = inboxes;
    return inboxes = made;
}

void toy_reset(const char *account) {
    struct inbox *it = inbox(account);
    for (size_t i = 0; i < it->count; i++) {
        free(it->messages[i].sender);
        free(it->messages[i].client_id);
        free(it->messages[i].body);
    }
    it->svr = it->confirmed = 0;
    it->count = 0;
}

long long toy_send(const char *account, const char *sender, const char *client_id, const char *body) {
    struct inbox *it = inbox(account);
    for (size_t i = 0; *client_id && i < it->count; i++)
        if (!strcmp(it->messages[i].client_id, client_id) && !strcmp(it->messages[i].sender, sender))
            return it->messages[i].seq; /* a repeat gets the seq of the first */
    if (it->svr == SEQ_MAX) return TOY_FULL;
    if (failing) {
        failing = 0;
        return TOY_STORE;
    }
    if (it->count == it->room) {
        it->room = it->room ? 2 * it->room : 16;
        it->messages = must(realloc(it->messages, it->room * sizeof *it->messages));
    }
    it->messages[it->count++] =
        (struct message){++it->svr, must(strdup(sender)), must(strdup(client_id)), must(strdup(body))};
    return it->svr;
}

long long toy_recv(const char *account, long long seq_cli) {
    struct inbox *it = inbox(account);
    if (seq_cli > it->svr) return TOY_AHEAD;
    if (seq_cli > it->confirmed) it->confirmed = seq_cli;
    long long low = misbehaves("forget_confirmed") ? seq_cli : it->confirmed;
    if (misbehaves("ack_on_reply")) it->confirmed = it->svr;
    return low;
}

/* Where the first message from this seq on stands; its seqs ascend. */
static size_t place(const struct inbox *it, long long seq) {
    size_t low = 0, high = it->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (it->messages[middle].seq < seq) low = middle + 1;
        else high = middle;
    }
    return low;
}

long long toy_next(const char *account, long long seq) {
    struct inbox *it = inbox(account);
    for (size_t i = place(it, seq + 1); i < it->count; i++)
        if (it->messages[i].body) return it->messages[i].seq;
    return 0;
}

const char *toy_body(const char *account, long long seq) {
    struct inbox *it = inbox(account);
    size_t i = place(it, seq);
    return i < it->count && it->messages[i].seq == seq ? it->messages[i].body : NULL;
}

void toy_preset_seq(const char *account, long long seq) { inbox(account)->svr = inbox(account)->confirmed = seq; }

void toy_trim(const char *account) {
    struct inbox *it = inbox(account);
    for (size_t i = 0; i < it->count && it->messages[i].seq <= it->confirmed; i++) {
        free(it->messages[i].body);
        it->messages[i].body = NULL;
    }
}

void toy_fail_next_store(void) { failing = 1; }
