/* A stand-in for NVIDIA's driver: numba-cuda's own host code runs on it, without a GPU. Memory of a
   device is the host's with an owner, and a kernel is handed to a function that runs it. What would
   be refused by NVIDIA's driver, or crash there, is counted as a fault. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK, INVALID, NO_MEMORY, NO_CONTEXT = 201, UNKNOWN = 801 };
enum { DEVICES = 2, MOST = 4096, DEEP = 64, MOST_THREADS = 256 };
typedef unsigned long Pointer;
typedef void Launcher(const char *name, int device, int blocks, int threads, void **arguments);
struct Launch { unsigned grid[3], block[3], shared; void *stream, *attributes; unsigned count; };
struct Allocation { char *start; size_t size; int device; };

static struct Allocation allocations[MOST];
static int contexts[DEVICES] = {0, 1}, faults = 0;
static size_t used[DEVICES], memory = 1 << 26;
static __thread int stack[DEEP], depth = 0;
static Launcher *launcher = NULL;

/* ---- for the tests ---- */
int driver_faults(void) { return faults; }
int driver_depth(void) { return depth; }
size_t driver_used(int device) { return used[device]; }
void driver_set_memory(size_t bytes) { memory = bytes; }
void driver_set_launcher(Launcher *given) { launcher = given; }

static int present(void) { return depth ? stack[depth - 1] : -1; }
static struct Allocation *holding(Pointer p) {
    for (struct Allocation *of = allocations; of < allocations + MOST; of++)
        if ((char *)p >= of->start && (char *)p < of->start + of->size) return of;
    return NULL;
}
int driver_owner(Pointer p) { return holding(p) ? holding(p)->device : -1; }
static int fault(void) { faults++; return INVALID; }

/* ---- devices and contexts ---- */
int cuInit(unsigned flags) { return OK; }
int cuDriverGetVersion(int *version) { return *version = 13990, OK; } /* newer than packages */
int cuDeviceGetCount(int *count) { return *count = DEVICES, OK; }
int cuDeviceGet(int *device, int number) { return *device = number, OK; }
int cuDeviceGetName(char *name, int length, int device) { return strcpy(name, "Stand-in"), OK; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { return *bytes = memory, OK; }
int cuDeviceGetUuid_v2(void *id, int device) { return memset(id, device + 1, 16), OK; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    return *value = attribute == 75 ? 9 - device : attribute == 76 ? 0 : 1024, OK; /* 9.0 and 8.0 */
}
int cuDevicePrimaryCtxRetain(void **context, int device) {
    return *context = &contexts[device], OK;
}
int cuDevicePrimaryCtxRelease_v2(int device) { return OK; }
int cuCtxPushCurrent_v2(int *context) {
    return depth == DEEP ? fault() : (stack[depth++] = *context, OK);
}
int cuCtxPopCurrent_v2(void **context) {
    return depth ? (*context = &contexts[stack[--depth]], OK) : NO_CONTEXT;
}
int cuCtxGetCurrent(void **context) { return *context = depth ? &contexts[present()] : NULL, OK; }
int cuCtxSetCurrent(int *context) {
    depth -= depth > 0;
    return context ? cuCtxPushCurrent_v2(context) : OK;
}
int cuCtxGetDevice(int *device) { return depth ? (*device = present(), OK) : NO_CONTEXT; }
int cuCtxSynchronize(void) { return depth ? OK : NO_CONTEXT; }

/* ---- memory ---- */
int cuMemAlloc_v2(Pointer *p, size_t size) {
    int k = 0, device = present();
    if (device < 0 || !size) return fault();
    if (used[device] + size > memory) return NO_MEMORY;
    while (allocations[k].start) k++;
    allocations[k] = (struct Allocation){malloc(size), size, device};
    memset(allocations[k].start, 0xA5, size);
    return used[device] += size, *p = (Pointer)allocations[k].start, OK;
}
int cuMemFree_v2(Pointer p) {
    struct Allocation *of = holding(p);
    if (!of || of->start != (char *)p) return fault();
    used[of->device] -= of->size;
    memset(of->start, 0x5A, of->size);
    free(of->start);
    return *of = (struct Allocation){0}, OK;
}
int cuMemGetInfo_v2(size_t *left, size_t *all) {
    return *all = memory, *left = memory - used[present()], OK;
}
static int copy(Pointer there, const void *here, size_t size, int is_read) {
    struct Allocation *of = holding(there);
    if (!of || of->device != present() || holding((Pointer)here)) return fault();
    if ((char *)there + size > of->start + of->size) return fault();
    return memcpy(is_read ? (void *)here : (void *)there, is_read ? (void *)there : here, size), OK;
}
int cuMemcpyHtoD_v2(Pointer there, const void *here, size_t size) {
    return copy(there, here, size, 0);
}
int cuMemcpyDtoH_v2(void *here, Pointer there, size_t size) {
    return copy(there, here, size, 1);
}

/* ---- kernels, whose names are their handles ---- */
static char code[64] = "code";
int cuLinkCreate_v2(unsigned n, void *names, void *values, void **link) { return *link = code, OK; }
int cuLinkAddData_v2(void *link, int kind, void *data, size_t size) { return OK; }
int cuLinkComplete(void *link, void **made, size_t *size) { return *made = code, *size = 64, OK; }
int cuLinkDestroy(void *link) { return OK; }
int cuLibraryLoadData(void **library, const void *data) { return *library = malloc(1), OK; }
int cuLibraryUnload(void *library) { return OK; }
int cuLibraryGetKernel(void **kernel, void *library, const char *name) {
    return *kernel = strdup(name), OK;
}
int cuKernelGetAttribute(int *value, int attribute) { return *value = 64, OK; }
int cuKernelGetLibrary(void **library, void *kernel) { return *library = code, OK; }
int cuLaunchKernelEx(const struct Launch *of, void *kernel, void **arguments, void **extra) {
    if (present() < 0 || of->block[0] > MOST_THREADS) return fault();
    return launcher(kernel, present(), of->grid[0], of->block[0], arguments), OK;
}
int cuGetErrorName(int error, const char **name) {
    return *name = error == NO_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR", OK;
}
int cuGetErrorString(int error, const char **words) { return *words = "stand-in", OK; }

static int unknown(void) { return UNKNOWN; }
int cuGetProcAddress_v2(const char *name, void **function, int version, long flags, int *how) {
    static const char *const endings[] = {"_v2", ""};
    void *own = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    char whole[128];
    *function = NULL;
    for (int k = 0; k < 2 && !*function; k++) {
        snprintf(whole, sizeof whole, "%s%s", name, endings[k]);
        *function = dlsym(own, whole);
    }
    if (!*function) *function = unknown;
    if (how) *how = 0;
    return OK;
}
