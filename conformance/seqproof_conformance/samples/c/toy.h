/* A toy server of the protocol as a library; what stands in toy.c. Numbers below 0 mean that nothing was done. */
enum { TOY_FULL = -1, TOY_STORE = -2, TOY_AHEAD = -3 };

void toy_reset(const char *account);                     /* a fresh inbox */
long long toy_send(const char *account, const char *sender, const char *client_id, const char *body);  /* its seq */
long long toy_recv(const char *account, long long seq_cli); /* the seq below the first one that is due */
long long toy_next(const char *account, long long seq);     /* the seq of the first message above this one, 0: none */
const char *toy_body(const char *account, long long seq);   /* that message */
void toy_preset_seq(const char *account, long long seq);
void toy_trim(const char *account);
void toy_fail_next_store(void);
