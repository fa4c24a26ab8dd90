// wsload: a small epoll WebSocket load generator, for one server on loopback.
//
// usage: wsload MODE PORT PATH [key=value ...]; prints one line of JSON.
//   echo    every connection keeps `window` requests in flight, for `dur` seconds after `warm`
//   push    one request on every connection, then waits for `n` items on each; `reps` times, the first one not measured
//   upload  frame `head`, `n` items in frames `file` of `k` items, frame `tail`, one item as the answer; `reps` times
//   fanout  one request on the first connection, then waits for one item on every connection; `reps` times
//   idle    opens `conns` connections, prints READY, keeps them for `dur` seconds
//   stall   sends one request and never reads again, prints READY, stays for `dur` seconds
// keys: file=PATH (a request; "######" in it becomes a counter)  hs=PATH (the hub handshake, sent first)  conns=1  window=1
//   dur=2  warm=0.3  n=100000  k=1  reps=3  bin=0  count=frame|json|msgpack  deflate=0
//   head=PATH tail=PATH  pid=A,B (the server's processes, whose CPU time is measured)
#define _GNU_SOURCE
#include "wsclient.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int argument_count;
static char **arguments;

static const char *option(const char *key, const char *otherwise) {
    size_t length = strlen(key);
    for (int i = 4; i < argument_count; i++)
        if (!strncmp(arguments[i], key, length) && arguments[i][length] == '=') return arguments[i] + length + 1;
    return otherwise;
}

static char *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    char *content = malloc(*length + 1);
    if (fread(content, 1, *length, file) != *length) die(path);
    fclose(file);
    return content;
}

// ---- CPU time: the process clock has that of threads which have ended too; schedstat has the time in the run queue

typedef struct {
    double at, server_cpu, server_wait, own_cpu, own_wait;
} Snapshot;

static double cpu_seconds(pid_t pid) {
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t)) return 0;
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double queued_seconds(const char *schedstat) {
    FILE *file = fopen(schedstat, "r");
    if (!file) return 0;
    unsigned long on_cpu, queued = 0;
    int found = fscanf(file, "%lu %lu", &on_cpu, &queued);
    fclose(file);
    return found == 2 ? (double)queued * 1e-9 : 0;
}

static double queued_seconds_of_threads(const char *pid) {
    char folder[128], path[512];
    snprintf(folder, sizeof folder, "/proc/%s/task", pid);
    DIR *threads = opendir(folder);
    if (!threads) return 0;
    double queued = 0;
    for (struct dirent *thread; (thread = readdir(threads));) {
        if (!isdigit(thread->d_name[0])) continue;
        snprintf(path, sizeof path, "%s/%s/schedstat", folder, thread->d_name);
        queued += queued_seconds(path);
    }
    closedir(threads);
    return queued;
}

static Snapshot snapshot(void) {
    Snapshot s = {.at = now(), .own_cpu = cpu_seconds(getpid()), .own_wait = queued_seconds("/proc/self/schedstat")};
    char pids[1024];
    snprintf(pids, sizeof pids, "%s", option("pid", ""));
    for (char *pid = strtok(pids, ","); pid; pid = strtok(NULL, ",")) {
        s.server_cpu += cpu_seconds(atoi(pid));
        s.server_wait += queued_seconds_of_threads(pid);
    }
    return s;
}

// The end of every line of output: CPU per item, and the share of the time that server and load ran or queued for their core.
static void print_cpu(Snapshot from, Snapshot to, double items) {
    double seconds = to.at - from.at;
    printf(",\"cpu_us\":%.4f,\"busy\":%.3f,\"queued\":%.3f,\"load_busy\":%.3f,\"load_queued\":%.3f}\n",
           items > 0 ? (to.server_cpu - from.server_cpu) * 1e6 / items : 0, (to.server_cpu - from.server_cpu) / seconds,
           (to.server_wait - from.server_wait) / seconds, (to.own_cpu - from.own_cpu) / seconds,
           (to.own_wait - from.own_wait) / seconds);
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void sort(double *values, size_t count) { qsort(values, count, sizeof *values, compare_doubles); }

// ---- the requests: framed once, in a ring of consecutive memory, so that a window is one write

static uint8_t *ring;
static size_t *offsets; // of request i; one more for the end
static size_t ring_size;

static void make_ring(void) {
    size_t length;
    const char *path = option("file", NULL);
    if (!path) {
        fprintf(stderr, "file= is missing\n");
        exit(1);
    }
    char *request = read_file(path, &length), *counter = memmem(request, length, "######", 6);
    for (ring_size = 1024; ring_size > 1 && ring_size * (length + FRAME_ROOM) > 32 << 20;) ring_size /= 2;
    ring = malloc(ring_size * (length + FRAME_ROOM));
    offsets = calloc(ring_size + 1, sizeof *offsets);
    for (size_t i = 0; i < ring_size; i++) {
        if (counter) {
            char digits[8];
            snprintf(digits, sizeof digits, "%06zu", 100000 + i);
            memcpy(counter, digits, 6);
        }
        uint32_t mask = 0x5a3c9de1u * (uint32_t)(i * 2 + 1) + (uint32_t)i;
        offsets[i + 1] = offsets[i] + make_frame(ring + offsets[i], atoi(option("bin", "0")), (uint8_t *)request, length, mask);
    }
    free(request);
}

static void send_requests(Conn *conn, size_t count) {
    while (count) {
        size_t part = conn->next + count > ring_size ? ring_size - conn->next : count;
        write_all(conn->fd, ring + offsets[conn->next], offsets[conn->next + part] - offsets[conn->next]);
        conn->next = (conn->next + part) % ring_size;
        count -= part;
    }
}

// ---- connections

static Conn *conns;
static int conn_count, epoll;
static struct epoll_event *events;

static int wait_readable(int milliseconds) { return epoll_wait(epoll, events, conn_count, milliseconds); }

static Conn *readable(int i) { return &conns[events[i].data.u32]; }

static void expect_something(int ready) {
    if (ready) return;
    fprintf(stderr, "nothing came within 8 s; the first connection has %lu items of its request\n", conns[0].credit);
    exit(3);
}

static void hub_handshake(void) {
    size_t length;
    if (!option("hs", NULL)) return;
    char *handshake = read_file(option("hs", NULL), &length);
    uint8_t *frame = malloc(length + FRAME_ROOM);
    size_t size = make_frame(frame, false, (uint8_t *)handshake, length, 0x11223344);
    for (int i = 0; i < conn_count; i++) {
        conns[i].skip = 1;
        write_all(conns[i].fd, frame, size);
    }
    for (int left = conn_count; left;) {
        int ready = wait_readable(8000);
        expect_something(ready);
        for (int i = 0; i < ready; i++) {
            Conn *conn = readable(i);
            int before = conn->skip;
            receive(conn);
            if (before && !conn->skip) left--;
        }
    }
    free(frame);
    free(handshake);
}

static void open_connections(int receive_buffer) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    conn_count = atoi(option("conns", "1"));
    conns = calloc((size_t)conn_count, sizeof *conns);
    events = calloc((size_t)conn_count + 1, sizeof *events);
    epoll = epoll_create1(0);
    for (int i = 0; i < conn_count; i++) {
        connect_websocket(&conns[i], atoi(arguments[2]), arguments[3], receive_buffer);
        struct epoll_event event = {EPOLLIN, {.u32 = (uint32_t)i}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, conns[i].fd, &event);
    }
    hub_handshake();
}

static uint64_t total_frames(void) {
    uint64_t frames = 0;
    for (int i = 0; i < conn_count; i++) frames += conns[i].frames;
    return frames;
}

// ---- modes

static void run_echo(void) {
    enum { LATENCIES = 1 << 20 };
    size_t window = (size_t)atol(option("window", "1")), latency_count = 0;
    double *latencies = malloc(LATENCIES * sizeof *latencies), warm_until = now() + atof(option("warm", "0.3"));
    double duration = atof(option("dur", "2")), end = warm_until + duration;
    uint64_t items = 0, frames = 0;
    bool measuring = false;
    Snapshot from = {0};
    for (int i = 0; i < conn_count; i++) {
        conns[i].next = (size_t)(i * 37) % ring_size;
        conns[i].sent_at = now();
        send_requests(&conns[i], window);
    }
    for (;;) {
        double time = now();
        if (!measuring && time >= warm_until) {
            measuring = true;
            from = snapshot();
            end = from.at + duration;
            items = latency_count = 0;
            frames = total_frames();
        }
        if (measuring && time >= end) break;
        int ready = wait_readable(8000);
        expect_something(ready);
        for (int i = 0; i < ready; i++) {
            Conn *conn = readable(i);
            int64_t got = receive(conn);
            if (got <= 0) continue;
            items += (uint64_t)got;
            if (window == 1 && latency_count < LATENCIES) {
                double at = now();
                latencies[latency_count++] = (at - conn->sent_at) * 1e6;
                conn->sent_at = at;
            }
            send_requests(conn, (size_t)got);
        }
    }
    Snapshot to = snapshot();
    frames = total_frames() - frames;
    printf("{\"rate\":%.1f,\"items_per_frame\":%.2f", (double)items / (to.at - from.at), (double)items / (double)(frames ? frames : 1));
    if (latency_count) {
        sort(latencies, latency_count);
        printf(",\"p50_us\":%.1f,\"p99_us\":%.1f", latencies[latency_count / 2], latencies[latency_count * 99 / 100]);
    }
    print_cpu(from, to, (double)items);
}

static void run_push(void) {
    uint64_t n = (uint64_t)atol(option("n", "100000")), frames = 0;
    int reps = atoi(option("reps", "3"));
    double *rates = malloc((size_t)reps * sizeof *rates), expected = (double)n * conn_count;
    Snapshot from = snapshot();
    for (int rep = 0; rep < reps; rep++) {
        if (rep == 1) {
            from = snapshot();
            frames = total_frames();
        }
        double start = now();
        for (int i = 0; i < conn_count; i++) {
            conns[i].credit = 0;
            send_requests(&conns[i], 1);
        }
        for (int left = conn_count; left;) {
            int ready = wait_readable(8000);
            expect_something(ready);
            for (int i = 0; i < ready; i++) {
                Conn *conn = readable(i);
                int64_t got = receive(conn);
                if (got <= 0) continue;
                if (conn->credit < n && conn->credit + (uint64_t)got >= n) left--;
                conn->credit += (uint64_t)got;
            }
        }
        rates[rep] = expected / (now() - start);
    }
    Snapshot to = snapshot();
    frames = total_frames() - frames;
    double measured = expected * (reps > 1 ? reps - 1 : 1);
    sort(rates, (size_t)reps);
    printf("{\"rate\":%.1f,\"items_per_frame\":%.2f", rates[reps / 2], measured / (double)(frames ? frames : 1));
    print_cpu(from, to, measured);
}

static void run_upload(void) {
    long n = atol(option("n", "64000")), per_frame = atol(option("k", "1"));
    int reps = atoi(option("reps", "3"));
    bool binary = atoi(option("bin", "0"));
    size_t head_length, tail_length;
    char *head = read_file(option("head", ""), &head_length), *tail = read_file(option("tail", ""), &tail_length);
    uint8_t *head_frame = malloc(head_length + FRAME_ROOM), *tail_frame = malloc(tail_length + FRAME_ROOM);
    size_t head_size = make_frame(head_frame, binary, (uint8_t *)head, head_length, 0x31415926);
    size_t tail_size = make_frame(tail_frame, binary, (uint8_t *)tail, tail_length, 0x27182818);
    double *rates = malloc((size_t)reps * sizeof *rates);
    Snapshot from = snapshot();
    for (int rep = 0; rep < reps; rep++) {
        if (rep == 1) from = snapshot();
        double start = now();
        write_all(conns[0].fd, head_frame, head_size);
        send_requests(&conns[0], (size_t)(n / per_frame));
        write_all(conns[0].fd, tail_frame, tail_size);
        for (int64_t got = 0; got <= 0;) {
            expect_something(wait_readable(8000));
            got = receive(&conns[0]);
        }
        rates[rep] = (double)n / (now() - start);
    }
    Snapshot to = snapshot();
    sort(rates, (size_t)reps);
    printf("{\"rate\":%.1f", rates[reps / 2]);
    print_cpu(from, to, (double)n * (reps > 1 ? reps - 1 : 1));
}

static void run_fanout(void) {
    int reps = atoi(option("reps", "3"));
    double *last = malloc((size_t)reps * sizeof *last);
    Snapshot from = snapshot();
    for (int rep = 0; rep < reps; rep++) {
        for (int i = 0; i < conn_count; i++) conns[i].done = false;
        double start = now();
        send_requests(&conns[0], 1);
        for (int left = conn_count; left;) {
            int ready = wait_readable(8000);
            expect_something(ready);
            for (int i = 0; i < ready; i++) {
                Conn *conn = readable(i);
                if (receive(conn) <= 0 || conn->done) continue;
                conn->done = true;
                left--;
            }
        }
        last[rep] = now() - start;
        usleep(2000);
    }
    Snapshot to = snapshot();
    sort(last, (size_t)reps);
    printf("{\"rate\":%.1f,\"last_ms\":%.3f,\"last_ms_p90\":%.3f", conn_count / last[reps / 2], last[reps / 2] * 1e3,
           last[reps * 9 / 10] * 1e3);
    print_cpu(from, to, (double)conn_count * reps);
}

static void run_idle(void) {
    printf("READY\n");
    fflush(stdout);
    double end = now() + atof(option("dur", "2"));
    while (now() < end) {
        int ready = wait_readable(100);
        for (int i = 0; i < ready; i++) receive(readable(i));
    }
}

static void run_stall(void) {
    send_requests(&conns[0], 1);
    printf("READY\n");
    fflush(stdout);
    usleep((useconds_t)(atof(option("dur", "2")) * 1e6));
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: wsload echo|push|upload|fanout|idle|stall PORT PATH [key=value ...]\n");
        return 1;
    }
    argument_count = argc;
    arguments = argv;
    const char *mode = argv[1], *count = option("count", "frame");
    counting = *count == 'f' ? COUNT_FRAMES : *count == 'j' ? COUNT_JSON : COUNT_MSGPACK;
    deflating = atoi(option("deflate", "0"));
#ifndef WITH_ZLIB
    if (deflating) {
        fprintf(stderr, "built without zlib: no permessage-deflate\n");
        return 1;
    }
#endif
    make_ring();
    open_connections(!strcmp(mode, "stall") ? 8192 : 0);
    if (!strcmp(mode, "echo")) run_echo();
    else if (!strcmp(mode, "push")) run_push();
    else if (!strcmp(mode, "upload")) run_upload();
    else if (!strcmp(mode, "fanout")) run_fanout();
    else if (!strcmp(mode, "idle")) run_idle();
    else if (!strcmp(mode, "stall")) run_stall();
    else return 1;
    return 0;
}
