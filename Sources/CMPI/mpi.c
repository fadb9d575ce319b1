#define _GNU_SOURCE
#include "CMPI.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

// Handles are pointers in the standard interface and in Open MPI's, and ints in MPICH's, whose values travel in the
// lower half of the same register on x86-64 and AArch64. What is written to memory has room for either, from 0.
typedef void *handle;

static struct {
    int (*MPI_Init_thread)(int *, char ***, int, int *);
    int (*MPI_Finalize)(void);
    int (*MPI_Abort)(handle, int);
    int (*MPI_Comm_rank)(handle, int *);
    int (*MPI_Comm_size)(handle, int *);
    int (*MPI_Comm_dup)(handle, uint64_t *);
    int (*MPI_Iallgather)(const void *, int, handle, void *, int, handle, handle, uint64_t *);
    int (*MPI_Ialltoall)(const void *, int, handle, void *, int, handle, handle, uint64_t *);
    int (*MPI_Test)(uint64_t *, int *, void *);
    int (*MPI_Get_library_version)(char *, int *);
} mpi;

static const struct {
    const char *name;
    void **place;
} functions[] = {
    {"MPI_Init_thread", (void **)&mpi.MPI_Init_thread},
    {"MPI_Finalize", (void **)&mpi.MPI_Finalize},
    {"MPI_Abort", (void **)&mpi.MPI_Abort},
    {"MPI_Comm_rank", (void **)&mpi.MPI_Comm_rank},
    {"MPI_Comm_size", (void **)&mpi.MPI_Comm_size},
    {"MPI_Comm_dup", (void **)&mpi.MPI_Comm_dup},
    {"MPI_Iallgather", (void **)&mpi.MPI_Iallgather},
    {"MPI_Ialltoall", (void **)&mpi.MPI_Ialltoall},
    {"MPI_Test", (void **)&mpi.MPI_Test},
    {"MPI_Get_library_version", (void **)&mpi.MPI_Get_library_version},
};

static handle world, byte;
static handle lanes[HL_MPI_LANES];
/// MPI_THREAD_FUNNELED: one thread calls, others exist.
static int funnelled;
static const char *interface;
static char message[512], description[256];

// MARK: Which library

static void *open_first(const char *const *names, const char **opened) {
    message[0] = 0;
    for (; *names; names++) {
        // Plugins of the library look for its symbols among the global ones.
        void *library = dlopen(*names, RTLD_NOW | RTLD_GLOBAL);
        if (library) {
            *opened = *names;
            return library;
        }
        // What is wrong with one that is there says more than that others are not.
        const char *error = dlerror();
        if (!message[0] || !strstr(error, "No such file")) snprintf(message, sizeof message, "%s", error);
    }
    return NULL;
}

static void *open_library(const char **opened) {
    static const char *const of_open_mpi[] = {"libmpi.so.40", "libmpi_abi.so.1", "libmpi.so", NULL};
    static const char *const others[] = {"libmpi_abi.so.1", "libmpi.so.12", "libmpich.so.12",
                                         "libmpi.so.40",    "libmpi.so",    NULL};
    const char *named = getenv("HL_MPI_LIBRARY");
    if (named && *named) return open_first((const char *const[]){named, NULL}, opened);
    return open_first(getenv("OMPI_COMM_WORLD_SIZE") ? of_open_mpi : others, opened);
}

// The numbers are those of the three mpi.h. MPICH 5 exports symbols of the standard interface from its own library too, so
// that the name decides.
static const char *choose_interface(void *library, const char *name) {
    world = dlsym(library, "ompi_mpi_comm_world");
    if (world) {
        byte = dlsym(library, "ompi_mpi_byte");
        funnelled = 1;
        interface = "Open MPI's interface";
        return byte ? NULL : "it has no ompi_mpi_byte";
    }
    const char *file = strrchr(name, '/');
    if (strstr(file ? file : name, "mpi_abi")) {
        world = (handle)0x101;
        byte = (handle)0x247;
        funnelled = 1024;
        interface = "the standard interface";
    } else {
        world = (handle)0x44000000;
        byte = (handle)0x4c00010d;
        funnelled = 1;
        interface = "MPICH's interface";
    }
    return NULL;
}

static const char *load(void) {
    const char *name = "";
    void *library = open_library(&name);
    if (!library) return message;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        *functions[i].place = dlsym(library, functions[i].name);
        if (*functions[i].place) continue;
        snprintf(message, sizeof message, "%s has no %s", name, functions[i].name);
        return message;
    }
    return choose_interface(library, name);
}

// MARK: Joining and leaving

static void describe(void) {
    char text[8192] = "";
    int size = sizeof text;
    mpi.MPI_Get_library_version(text, &size);
    // "Open MPI v4.1.4, package: …", "MPICH Version:\t4.0.2\nMPICH Release date: …"
    text[strcspn(text, "\n,")] = 0;
    const char *version = strstr(text, " Version:");
    const int length = version ? (int)(version - text) : 0;
    if (version) version += strcspn(version, ":") + 1;
    if (version) version += strspn(version, " \t");
    snprintf(description, sizeof description, "%.*s%s%.100s by %s", length < 100 ? length : 100, text,
             version ? " " : "", version ? version : text, interface);
}

const char *hl_mpi_start(int *rank, int *count) {
    // Its own handlers of crashes would replace those that remove temporary files.
    setenv("OMPI_MCA_opal_signal", "", 0);
    const char *error = load();
    if (error) return error;
#if defined(__linux__)
    // Pauses between two looks are of some microseconds; by default the system makes 50 more of them.
    prctl(PR_SET_TIMERSLACK, 1UL);
#endif
    int provided = 0;
    if (mpi.MPI_Init_thread(NULL, NULL, funnelled, &provided) != 0) return "MPI_Init_thread failed";
    describe();
    for (int i = 0; i < HL_MPI_LANES; i++) {
        uint64_t lane = 0;
        if (mpi.MPI_Comm_dup(world, &lane) != 0) return "MPI_Comm_dup failed";
        lanes[i] = (handle)(uintptr_t)lane;
    }
    if (mpi.MPI_Comm_rank(world, rank) != 0 || mpi.MPI_Comm_size(world, count) != 0) return "MPI_Comm_size failed";
    return NULL;
}

const char *hl_mpi_description(void) { return description; }

void hl_mpi_finish(void) { mpi.MPI_Finalize(); }

void hl_mpi_abort(int status) { mpi.MPI_Abort(world, status); }

// MARK: Exchanges

int hl_mpi_gather(int lane, const void *own, int size, void *all, hl_mpi_exchange *exchange) {
    exchange->request = 0;
    return mpi.MPI_Iallgather(own, size, byte, all, size, byte, lanes[lane], &exchange->request);
}

int hl_mpi_transpose(int lane, const void *parts, int size, void *received, hl_mpi_exchange *exchange) {
    exchange->request = 0;
    return mpi.MPI_Ialltoall(parts, size, byte, received, size, byte, lanes[lane], &exchange->request);
}

int hl_mpi_is_done(hl_mpi_exchange *exchange) {
    // Room for any status: 20, 24 and 32 bytes.
    uint64_t status[8] = {0};
    int is_done = 0;
    return mpi.MPI_Test(&exchange->request, &is_done, status) == 0 ? is_done : -1;
}
