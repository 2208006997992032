#include "core/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "name the audit architecture of this machine"
#endif
#define X32_BIT 0x40000000u

/* One call of a list. A condition looks at the low half of one argument: descriptors and protection bits need no more. */
enum when { ALWAYS, IF_EQUAL, UNLESS_SET };
struct rule {
    uint16_t call;
    uint8_t when, arg;
    uint32_t value;
};

/* Refused to every child: networks, other processes, the kernel's back doors (io_uring would go round this filter). */
static const struct rule NEVER[] = {
    {.call = SYS_socket},
    {.call = SYS_connect},
    {.call = SYS_bind},
    {.call = SYS_listen},
    {.call = SYS_accept4},
    {.call = SYS_sendto},
    {.call = SYS_sendmsg},
    {.call = SYS_ptrace},
    {.call = SYS_process_vm_readv},
    {.call = SYS_process_vm_writev},
    {.call = SYS_io_uring_setup},
    {.call = SYS_io_uring_enter},
    {.call = SYS_bpf},
    {.call = SYS_perf_event_open},
    {.call = SYS_mount},
    {.call = SYS_umount2},
    {.call = SYS_pivot_root},
    {.call = SYS_chroot},
    {.call = SYS_setns},
    {.call = SYS_unshare},
    {.call = SYS_keyctl},
    {.call = SYS_add_key},
    {.call = SYS_request_key},
    {.call = SYS_userfaultfd},
    {.call = SYS_init_module},
    {.call = SYS_finit_module},
    {.call = SYS_kexec_load},
    {.call = SYS_reboot},
    {.call = SYS_pidfd_open},
    {.call = SYS_pidfd_getfd},
    {.call = SYS_pidfd_send_signal},
    {.call = SYS_memfd_create},
};

/* All that making a file of open descriptors takes, threads included. */
static const struct rule COMPUTE[] = {
    {.call = SYS_read},
    {.call = SYS_readv},
    {.call = SYS_pread64},
    {.call = SYS_write},
    {.call = SYS_writev},
    {.call = SYS_pwrite64},
    {.call = SYS_lseek},
    {.call = SYS_close},
    {.call = SYS_fstat},
    {.call = SYS_newfstatat},
    {.call = SYS_ftruncate},
    {.call = SYS_fsync},
    {.call = SYS_fdatasync},
    {.call = SYS_fcntl},
    {.call = SYS_dup},
    {.call = SYS_mmap},
    {.call = SYS_munmap},
    {.call = SYS_mremap},
    {.call = SYS_mprotect},
    {.call = SYS_madvise},
    {.call = SYS_brk},
    {.call = SYS_futex},
    {.call = SYS_set_robust_list},
    {.call = SYS_rseq},
    {.call = SYS_clone},
    {.call = SYS_clone3},
    {.call = SYS_exit},
    {.call = SYS_exit_group},
    {.call = SYS_rt_sigaction},
    {.call = SYS_rt_sigprocmask},
    {.call = SYS_rt_sigreturn},
    {.call = SYS_sigaltstack},
    {.call = SYS_tgkill},
    {.call = SYS_gettid},
    {.call = SYS_getpid},
    {.call = SYS_clock_gettime},
    {.call = SYS_clock_nanosleep},
    {.call = SYS_nanosleep},
    {.call = SYS_gettimeofday},
    {.call = SYS_sched_yield},
    {.call = SYS_sched_getaffinity},
    {.call = SYS_sched_getparam},
    {.call = SYS_sched_getscheduler},
    {.call = SYS_getrandom},
    {.call = SYS_getrusage},
    {.call = SYS_prctl},
    {.call = SYS_ppoll},
    {.call = SYS_pipe2},
    {.call = SYS_eventfd2},
    {.call = SYS_restart_syscall},
    {.call = SYS_sysinfo},
    {.call = SYS_uname},
    {.call = SYS_membarrier},
#ifdef SYS_poll
    {.call = SYS_poll},
    {.call = SYS_getppid},
#endif
};

/* All that one thread takes which receives a job, reads a mapping and writes a file. */
static const struct rule DECODER[] = {
    {.call = SYS_recvmsg, .when = IF_EQUAL, .arg = 0, .value = SANDBOX_DECODER_FD},
    {.call = SYS_read},
    {.call = SYS_pread64},
    {.call = SYS_write}, /* the answers too: what is not opened here can only be what the pool sent */
    {.call = SYS_writev},
    {.call = SYS_pwrite64},
    {.call = SYS_lseek},
    {.call = SYS_close},
    {.call = SYS_fstat},
    {.call = SYS_newfstatat,
     .when = IF_EQUAL,
     .arg = 3,
     .value = AT_EMPTY_PATH}, /* newer C libraries' fstat() */
    {.call = SYS_ftruncate},
    {.call = SYS_mmap, .when = UNLESS_SET, .arg = 2, .value = PROT_EXEC},
    {.call = SYS_mprotect, .when = UNLESS_SET, .arg = 2, .value = PROT_EXEC},
    {.call = SYS_munmap},
    {.call = SYS_mremap},
    {.call = SYS_madvise},
    {.call = SYS_brk},
    {.call = SYS_futex},
    {.call = SYS_exit},
    {.call = SYS_exit_group},
    {.call = SYS_rt_sigaction},
    {.call = SYS_rt_sigprocmask},
    {.call = SYS_rt_sigreturn},
    {.call = SYS_sigaltstack},
    {.call = SYS_gettid},
    {.call = SYS_getpid},
    {.call = SYS_clock_gettime},
    {.call = SYS_gettimeofday},
    {.call = SYS_sched_yield},
    {.call = SYS_getrandom},
    {.call = SYS_getrusage},
    {.call = SYS_restart_syscall},
    {.call = SYS_membarrier},
    {.call = SYS_sysinfo},
};

/* What a listed call gets, and what any other. */
#define DENY    (SECCOMP_RET_ERRNO | EPERM)
#define LIST(l) .rules = (l), .n = sizeof(l) / sizeof(l)[0]
static const struct policy {
    const struct rule *rules;
    unsigned n;
    uint32_t listed, others;
} POLICIES[] = {
    [SANDBOX_NO_REACH] = {LIST(NEVER), .listed = DENY, .others = SECCOMP_RET_ALLOW},
    [SANDBOX_COMPUTE] = {LIST(COMPUTE), .listed = SECCOMP_RET_ALLOW, .others = DENY},
    [SANDBOX_DECODER] = {LIST(DECODER), .listed = SECCOMP_RET_ALLOW, .others = DENY},
};

#define FILTER_MAX 512
struct filter {
    struct sock_filter code[FILTER_MAX];
    unsigned short len;
};

static void put(struct filter *f, struct sock_filter one)
{
    f->code[f->len++] = one;
}

/* The number of a call is in the accumulator before and after a rule. */
static void put_rule(struct filter *f, const struct rule *r, uint32_t listed)
{
    const uint32_t low = offsetof(struct seccomp_data, args) + 8u * r->arg;

    if (r->when == ALWAYS) {
        put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->call, 0, 1));
        put(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, listed));
        return;
    }
    put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->call, 0, 4));
    put(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low));
    if (r->when == IF_EQUAL)
        put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->value, 0, 1));
    else
        put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, r->value, 1, 0));
    put(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, listed));
    put(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
}

bool sandbox_keep_to(enum sandbox_policy policy)
{
    const struct policy *p = &POLICIES[policy];
    const uint32_t kill = SECCOMP_RET_KILL_PROCESS;
    struct filter f = {.len = 0};

    if (p->n * 5 + 8 > FILTER_MAX)
        return false;
    put(&f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
    put(&f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
    put(&f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, kill));
    put(&f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    put(&f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
    put(&f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, kill));
    for (unsigned i = 0; i < p->n; i++)
        put_rule(&f, &p->rules[i], p->listed);
    put(&f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, p->others));
    struct sock_fprog program = {.len = f.len, .filter = f.code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

static void limit(__rlimit_resource_t what, uint64_t value)
{
    struct rlimit r = {.rlim_cur = value, .rlim_max = value};

    setrlimit(what, &r); /* a lower hard limit is in force already then */
}

bool sandbox_enter(const struct sandbox_limits *limits)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setpriority(PRIO_PROCESS, 0, 10);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, limits->open_files ? limits->open_files : 64);
    limit(RLIMIT_CPU, limits->cpu_s);
    limit(RLIMIT_FSIZE, limits->file_bytes);
    if (limits->stack_bytes)
        limit(RLIMIT_STACK, limits->stack_bytes);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    limit(RLIMIT_AS, limits->memory_bytes);
    if (limits->heap_bytes)
        limit(RLIMIT_DATA, limits->heap_bytes);
#endif
    /* A namespace without interfaces where we may; the filter holds in any case. */
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        errno = 0;
    return sandbox_keep_to(SANDBOX_NO_REACH);
}
