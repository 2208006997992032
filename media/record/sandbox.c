#include "media/record/sandbox.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
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

/* Refused to every child: networks, other processes, the kernel's back doors (io_uring would go round this filter). */
static const uint16_t NEVER[] = {
    SYS_socket,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept4,
    SYS_sendto,
    SYS_sendmsg,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_unshare,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_userfaultfd,
    SYS_init_module,
    SYS_finit_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    SYS_memfd_create,
};

/* All that making a file of open descriptors takes, threads included. */
static const uint16_t COMPUTE[] = {
    SYS_read,
    SYS_readv,
    SYS_pread64,
    SYS_write,
    SYS_writev,
    SYS_pwrite64,
    SYS_lseek,
    SYS_close,
    SYS_fstat,
    SYS_newfstatat,
    SYS_ftruncate,
    SYS_fsync,
    SYS_fdatasync,
    SYS_fcntl,
    SYS_dup,
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_clone,
    SYS_clone3,
    SYS_exit,
    SYS_exit_group,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_tgkill,
    SYS_gettid,
    SYS_getpid,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_getrandom,
    SYS_getrusage,
    SYS_prctl,
    SYS_ppoll,
    SYS_pipe2,
    SYS_eventfd2,
    SYS_restart_syscall,
    SYS_sysinfo,
    SYS_uname,
    SYS_membarrier,
#ifdef SYS_poll
    SYS_poll,
    SYS_getppid,
#endif
};

#define FILTER_MAX 96
struct filter {
    struct sock_filter code[FILTER_MAX];
    unsigned short len;
};

static void put(struct filter *f, struct sock_filter one)
{
    f->code[f->len++] = one;
}

/* Calls of the list get `listed`, all others `others`. */
static bool install(const uint16_t *list, unsigned n, uint32_t listed, uint32_t others)
{
    const uint32_t kill = SECCOMP_RET_KILL_PROCESS;
    struct filter f = {.len = 0};

    if (n + 8 > FILTER_MAX)
        return false;
    put(&f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
    put(&f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
    put(&f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, kill));
    put(&f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    put(&f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
    put(&f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, kill));
    for (unsigned i = 0; i < n; i++)
        put(&f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, list[i], (uint8_t)(n - i), 0));
    put(&f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, others));
    put(&f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, listed));
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
    const uint32_t deny = SECCOMP_RET_ERRNO | EPERM;

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setpriority(PRIO_PROCESS, 0, 10);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, 64);
    limit(RLIMIT_CPU, limits->cpu_s);
    limit(RLIMIT_FSIZE, limits->file_bytes);
#if !defined(__SANITIZE_ADDRESS__) &&                                                                        \
    !defined(__SANITIZE_THREAD__) /* their shadow is larger than any limit */
    limit(RLIMIT_AS, limits->memory_bytes);
#endif
    /* A namespace without interfaces where we may; the filter below holds in any case. */
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        errno = 0;
    return install(NEVER, sizeof NEVER / sizeof NEVER[0], deny, SECCOMP_RET_ALLOW);
}

bool sandbox_only_compute(void)
{
    return install(COMPUTE, sizeof COMPUTE / sizeof COMPUTE[0], SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EPERM);
}
