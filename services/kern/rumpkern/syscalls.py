"""Which handler serves which call. A call that is not here is answered with ENOSYS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpuser.component import Context, Entry, Support
from rumpuser.kauth import Action

if TYPE_CHECKING:
    from rumpkern.component import KernComponent

_OWN_TIME = (
    "ITIMER_VIRTUAL, ITIMER_PROF: ENOTSUP, a client's processor time is counted by its own host, see processes.md"
)


def syscalls(component: KernComponent) -> dict[str, Entry]:
    processes, cred, session = component.processes, component.credentials, component.sessions
    clocks, pipes, modules, timers = component.clocks, component.pipes, component.modules, component.timers
    sems = component.semaphores

    def reboot(ctx: Context, opt: int, bootstr: str) -> None:
        """May the caller? The gateway does the rest. EPERM."""
        processes.authorize(ctx, Action.SYSTEM_REBOOT)

    return {
        # processes, for the gateway
        "proc_create": Entry(processes.create),
        "proc_admit": Entry(processes.admit),
        "proc_fork": Entry(processes.fork),
        "proc_exit": Entry(processes.exit),
        "proc_exec": Entry(processes.exec),
        "proc_list": Entry(processes.list),
        "getpid": Entry(processes.getpid),
        "getppid": Entry(processes.getppid),
        # credentials
        "cred_get": Entry(cred.cred_get),
        "getuid": Entry(cred.getuid),
        "geteuid": Entry(cred.geteuid),
        "setuid": Entry(cred.setuid),
        "seteuid": Entry(cred.seteuid),
        "setreuid": Entry(cred.setreuid),
        "getgid": Entry(cred.getgid),
        "getegid": Entry(cred.getegid),
        "setgid": Entry(cred.setgid),
        "setegid": Entry(cred.setegid),
        "setregid": Entry(cred.setregid),
        "getgroups": Entry(cred.getgroups),
        "setgroups": Entry(cred.setgroups),
        "issetugid": Entry(cred.issetugid),
        # groups, sessions, limits
        "getpgrp": Entry(session.getpgrp),
        "getpgid": Entry(session.getpgid),
        "setpgid": Entry(session.setpgid),
        "getsid": Entry(session.getsid),
        "setsid": Entry(session.setsid),
        "getlogin": Entry(session.getlogin),
        "setlogin": Entry(session.setlogin),
        "getrlimit": Entry(session.getrlimit),
        "setrlimit": Entry(session.setrlimit),
        # signals
        "kill": Entry(component.signals.kill),
        "sigqueue": Entry(component.signals.sigqueue),
        "sigpending": Entry(component.signals.sigpending),
        "signal_post": Entry(component.signals.signal_post),
        # clocks
        "clock_gettime": Entry(clocks.clock_gettime),
        "clock_settime": Entry(clocks.clock_settime),
        "clock_getres": Entry(clocks.clock_getres),
        "gettimeofday": Entry(clocks.gettimeofday),
        "settimeofday": Entry(clocks.settimeofday),
        "nanosleep": Entry(clocks.nanosleep),
        "clock_nanosleep": Entry(clocks.clock_nanosleep),
        "adjtime": Entry(clocks.adjtime),
        "timer_create": Entry(timers.timer_create),
        "timer_delete": Entry(timers.timer_delete),
        "timer_settime": Entry(timers.timer_settime),
        "timer_gettime": Entry(timers.timer_gettime),
        "timer_getoverrun": Entry(timers.timer_getoverrun),
        "setitimer": Entry(timers.setitimer, Support.PARTIAL, _OWN_TIME),
        "getitimer": Entry(timers.getitimer, Support.PARTIAL, _OWN_TIME),
        # pipes
        "pipe": Entry(pipes.make),
        "pipe2": Entry(pipes.make2),
        **{name: sems.beside(name, entry) for name, entry in _on_pipes(component).items()},
        **component.watching.table(),
        # semaphores
        "ksem_init": Entry(sems.init),
        "ksem_open": Entry(sems.open),
        "ksem_unlink": Entry(sems.unlink),
        "ksem_close": Entry(sems.close_id),
        "ksem_post": Entry(sems.post),
        "ksem_wait": Entry(sems.wait),
        "ksem_trywait": Entry(sems.trywait),
        "ksem_getvalue": Entry(sems.getvalue),
        "ksem_destroy": Entry(sems.destroy),
        "ksem_timedwait": Entry(sems.timedwait),
        # configuration
        "sysctl": Entry(component.sysctl.sysctl),
        "modctl": Entry(modules.modctl),
        "module_init": Entry(modules.module_init),
        "module_fini": Entry(modules.module_fini),
        "module_upload": Entry(modules.module_upload),
        "module_list": Entry(modules.module_list),
        # the end
        "reboot": Entry(reboot),
    }


def _on_pipes(component: KernComponent) -> dict[str, Entry]:
    """The calls on any descriptor of kern's, as pipes take them."""
    pipes = component.pipes
    return {
        "read": Entry(pipes.read),
        "readv": Entry(pipes.readv),
        "write": Entry(pipes.write),
        "writev": Entry(pipes.writev),
        "close": Entry(pipes.close),
        "fstat": Entry(pipes.fstat),
        "fcntl": Entry(pipes.fcntl),
        "ioctl": Entry(pipes.ioctl),
        "fpathconf": Entry(pipes.fpathconf),
        "flock": Entry(pipes.flock),
        "posix_fadvise": Entry(pipes.cannot_seek),
        "lseek": Entry(pipes.cannot_seek),
        "pread": Entry(pipes.cannot_seek),
        "pwrite": Entry(pipes.cannot_seek),
        "preadv": Entry(pipes.cannot_seek),
        "pwritev": Entry(pipes.cannot_seek),
    }
