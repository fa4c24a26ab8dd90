// The load generator's WebSocket connection: connect, write frames, count what comes back. Linux, loopback, one thread.
#ifndef WSCLIENT_H
#define WSCLIENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What is counted as one item of an answer: a frame, a JSON record (its 0x1e), or a MessagePack record (its length prefix).
typedef enum { COUNT_FRAMES, COUNT_JSON, COUNT_MSGPACK } Counting;

typedef struct {
    int fd;
    // the frame that is being read
    uint8_t header[10];
    int header_length;
    uint64_t payload_left;
    bool in_payload;
    int opcode;
    bool compressed; // the message the frame belongs to
    bool final;
    void *inflater; // z_stream, when permessage-deflate was agreed
    // the MessagePack record that is being read
    uint64_t record_left;
    int length_shift; // -1 within the record's body
    // totals
    uint64_t frames, bytes;
    int skip; // frames still to be ignored: the hub handshake's answer
    // the modes' own
    size_t next;   // index of the next request in the ring
    double sent_at;
    uint64_t credit; // items of the request in flight
    bool done;
} Conn;

extern Counting counting;
extern bool deflating; // offer permessage-deflate, as a browser does

double now(void);
void die(const char *what);

// Write all of it, waiting while the socket is full.
void write_all(int fd, const uint8_t *data, size_t length);

// Open a WebSocket; `receive_buffer` bytes of SO_RCVBUF, 0 for the system's. Ends the program when there is no upgrade.
void connect_websocket(Conn *conn, int port, const char *path, int receive_buffer);

// Write one masked frame into `out`, which has room for `length` + FRAME_ROOM; returns its size. Compressed when `deflating`.
#define FRAME_ROOM 64
size_t make_frame(uint8_t *out, bool binary, const uint8_t *payload, size_t length, uint32_t mask);

// Read what is there; returns how many counted items ended in it, or -1 when nothing was there.
int64_t receive(Conn *conn);

#endif
