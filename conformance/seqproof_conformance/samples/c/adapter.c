/* A seqproof adapter in C, to be made yours. cc -o adapter adapter.c toy.c && seqproof run exec:./adapter
   Its server is linked in: put calls of your client in the place of toy_*. A text stays as it stands in the JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "toy.h"
#define ABLE "\"send_seq\",\"preset_seq\",\"trim\",\"fail_next_store\"" /* declare only what your server can do */
#define IS(word) !strcmp(op, word)
/* Where a key's value begins. A quote inside a text follows a backslash, so no text can look like a key. */
static char *get(char *line, const char *key) {
    char name[32], *at = strstr(line, (snprintf(name, sizeof name, "\"%s\":", key), name));
    return at ? at + strlen(name) + (at[strlen(name)] == '"') : line + strlen(line);
}
static char *cut(char *text) { /* ends a text where its closing quote stands */
    for (char *at = text; *at; at++) if (*at == '\\') at++; else if (*at == '"') *at = 0;
    return text;
}
int main(void) {
    char *line = NULL, *and = ""; size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        long long id = atoll(get(line, "id")), seq = atoll(get(line, "seq")), seq_cli = atoll(get(line, "seq_cli"));
        char *account = get(line, "account"), *sender = get(line, "sender"), *client_id = get(line, "client_id");
        char *body = get(line, "body"), *nonce = get(line, "nonce"), *op = cut(get(line, "op"));
        cut(account), cut(sender), cut(client_id), cut(body), cut(nonce), printf("{\"id\":%lld,", id);
        if (IS("hello")) printf("\"ok\":{\"nonce\":\"%s\",\"server\":\"toy in C\",\"capabilities\":[" ABLE "]}", nonce);
        else if (IS("send") && (seq = toy_send(account, sender, client_id, body)) < 0)
            printf("\"refused\":{\"code\":\"%s\"}", seq == TOY_FULL ? "full" : "store");
        else if (IS("send")) printf("\"ok\":{\"seq\":%lld}", seq);
        else if (IS("recv") && (seq = toy_recv(account, seq_cli)) < 0) printf("\"refused\":{\"code\":\"ahead\"}");
        else if (IS("recv")) {
            for (printf("\"ok\":{\"rows\":["), and = ""; (seq = toy_next(account, seq)); and = ",")
                printf("%s[%lld,\"%s\"]", and, seq, toy_body(account, seq));
            printf("]}");
        } else if (IS("reset") || IS("preset_seq") || IS("trim") || IS("fail_next_store") || IS("close"))
            IS("reset") ? toy_reset(account) : IS("preset_seq") ? toy_preset_seq(account, seq)
            : IS("trim") ? toy_trim(account) : IS("close") ? (void)0 : toy_fail_next_store(), printf("\"ok\":{}");
        else printf("\"unsupported\":true");
        puts("}"), fflush(stdout);
    }
}
