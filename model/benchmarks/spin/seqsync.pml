/* The protocol over a bad network, in Promela: written by hand and independent of the Python definition, so that an
 * explorer can be held to the numbers of another model in another tool.
 *
 * One account, PHONES phones, MESSAGES messages. On the way are sets: for each phone at most SLOTS different requests
 * and SLOTS different replies, in no order. The network may lose any of them; with DUPLICATES it may deliver one and
 * keep it. With CRASH the server may stop, which loses the requests under way, and start again; svr and ack are
 * durable. docs/protocol.md says what it is all for.
 *
 *     spin -a -o1 -o2 -o3 -DPHONES=2 -DMESSAGES=3 -DSLOTS=1 -DDUPLICATES=1 -DCRASH=1 seqsync.pml
 *     gcc -O3 -DSAFETY -DNOREDUCE -o pan pan.c && ./pan -b
 *
 * What makes the numbers comparable. There is one process with one loop, each option of the loop is one action of the
 * protocol on one phone and one packet, and each is a d_step: one transition, no state in between. So pan stores just
 * the reachable states, and counts just the enabled actions in them, those that change nothing included. Its
 * "transitions (= stored+matched)" is one more than that: the initial state is stored, and no action led to it.
 *
 * A set is kept in one way only, or one state would be counted as two: members are numbers above 0, in descending
 * order, and free slots are 0. It has room if and only if its last slot is 0. A request is seq_cli + 1. A reply with
 * the messages lower+1 .. upper is (lower+1) * 16 + upper. Bit n-1 of a phone's `got` says that it holds message n.
 */

#if PHONES < 1 || PHONES > 4
#error "PHONES must be 1 to 4"
#endif
#if MESSAGES < 1 || MESSAGES > 14
#error "MESSAGES must be 1 to 14: a reply has to fit a byte"
#endif
#if SLOTS < 1 || SLOTS > 2
#error "SLOTS must be 1 or 2"
#endif

typedef Phone {
	unsigned cli : 4;        /* its seq_cli */
	unsigned got : MESSAGES; /* the messages it holds */
	byte req[SLOTS];         /* its requests under way */
	byte rep[SLOTS]          /* the replies under way to it */
}

unsigned svr : 4;            /* seq_svr: the last message stored */
unsigned ack : 4;            /* what phones have confirmed */
bit up = 1;                  /* whether the server runs */
Phone phone[PHONES];

/* ------------------------------------------------------------------------------------------------- packets and sets */

#define SEQ_CLI(request)    (request - 1)
#define LOWER(reply)        ((reply >> 4) - 1)
#define UPPER(reply)        (reply & 15)
#define REQUEST(seq_cli)    (seq_cli + 1)
#define REPLY(lower, upper) (((lower + 1) << 4) | upper)

#define MAX(a, b) (a > b -> a : b)
#define MIN(a, b) (a < b -> a : b)

#define ROOM(set)    (set[SLOTS - 1] == 0)
/* Puts x into a set that has room; where x is a member already, nothing changes. */
#define PUT(set, x)  set[SLOTS - 1] = (x == set[0] -> 0 : MIN(x, set[0])); set[0] = MAX(x, set[0])
/* Takes out the member in slot i. */
#define TAKE(set, i) set[i] = set[SLOTS - 1]; set[SLOTS - 1] = 0

#define UP_TO(n) ((1 << (n)) - 1)  /* the messages 1 .. n, as bits */

/* ------------------------------------------------------------------ what is done to the packet in slot i of phone d */

/* The phone asks for what comes after its seq_cli. */
#define ASK(d)       PUT(phone[d].req, REQUEST(phone[d].cli))
/* The server confirms what the request says it has, and answers with all that comes after ack. */
#define SERVE(d, i)  ack = MAX(ack, SEQ_CLI(phone[d].req[i])); PUT(phone[d].rep, REPLY(ack, svr))
/* The phone holds the reply's messages, and its seq_cli rises to the last of them. */
#define ACCEPT(d, i) \
	phone[d].got = phone[d].got | (UP_TO(UPPER(phone[d].rep[i])) & ~UP_TO(LOWER(phone[d].rep[i]))); \
	phone[d].cli = MAX(phone[d].cli, UPPER(phone[d].rep[i]))

/* ------------------------------------------------------------------------------------------------------- invariants */

#if PHONES == 1
#define HELD phone[0].got
#elif PHONES == 2
#define HELD (phone[0].got | phone[1].got)
#elif PHONES == 3
#define HELD (phone[0].got | phone[1].got | phone[2].got)
#else
#define HELD (phone[0].got | phone[1].got | phone[2].got | phone[3].got)
#endif
#define COVERED(n) ((UP_TO(n) & ~HELD) == 0)  /* each of 1..n is held by some phone */

#define ACCOUNT_HOLDS    (ack <= svr && svr <= MESSAGES && COVERED(ack))
#define PHONE_HOLDS(d)   (phone[d].cli <= svr && COVERED(phone[d].cli))
#define REQUEST_HOLDS(q, d) (q == 0 || SEQ_CLI(q) <= phone[d].cli)
#define REPLY_HOLDS(r)      (r == 0 || (LOWER(r) <= UPPER(r) && UPPER(r) <= svr && COVERED(LOWER(r))))
/* As an option of the loop an invariant is looked at once in each state, and where it holds it is no transition. */
#define INVARIANT(holds) :: d_step { !(holds) -> assert(holds) }

/* ---------------------------------------------------------------------------------------------------------- actions */

#define OF_PHONE(d) \
	:: d_step { ROOM(phone[d].req) -> ASK(d) } \
	INVARIANT(PHONE_HOLDS(d))

#define OF_PACKET(d, i) \
	:: d_step { up && phone[d].req[i] && ROOM(phone[d].rep) -> SERVE(d, i); TAKE(phone[d].req, i) } \
	:: d_step { DUPLICATES && up && phone[d].req[i] && ROOM(phone[d].rep) -> SERVE(d, i) } \
	:: d_step { phone[d].req[i] -> TAKE(phone[d].req, i) } \
	:: d_step { phone[d].rep[i] -> ACCEPT(d, i); TAKE(phone[d].rep, i) } \
	:: d_step { DUPLICATES && phone[d].rep[i] -> ACCEPT(d, i) } \
	:: d_step { phone[d].rep[i] -> TAKE(phone[d].rep, i) } \
	INVARIANT(REQUEST_HOLDS(phone[d].req[i], d)) \
	INVARIANT(REPLY_HOLDS(phone[d].rep[i]))

#if SLOTS == 1
#define ALL_OF(d) OF_PHONE(d) OF_PACKET(d, 0)
#define FORGET_REQUESTS(d) phone[d].req[0] = 0
#else
#define ALL_OF(d) OF_PHONE(d) OF_PACKET(d, 0) OF_PACKET(d, 1)
#define FORGET_REQUESTS(d) phone[d].req[0] = 0; phone[d].req[1] = 0
#endif

active proctype system() {
	do
	:: d_step { up && svr < MESSAGES -> svr = svr + 1 }
	ALL_OF(0)
#if PHONES > 1
	ALL_OF(1)
#endif
#if PHONES > 2
	ALL_OF(2)
#endif
#if PHONES > 3
	ALL_OF(3)
#endif
	:: d_step { CRASH && up -> up = 0; FORGET_REQUESTS(0)
#if PHONES > 1
		; FORGET_REQUESTS(1)
#endif
#if PHONES > 2
		; FORGET_REQUESTS(2)
#endif
#if PHONES > 3
		; FORGET_REQUESTS(3)
#endif
		}
	:: d_step { CRASH && !up -> up = 1 }
	INVARIANT(ACCOUNT_HOLDS)
	od
}
