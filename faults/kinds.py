"""The kinds of fault: their words, and the moments at which each can strike."""

import signal
from collections.abc import Mapping

from faults import strikes
from faults.fault import ALL, Kind

KINDS: Mapping[str, Kind] = {
    "kill": Kind(words="SIGKILL to the process group", where="instant", act=strikes.kill(signal.SIGKILL)),
    "kill-at": Kind(
        words="SIGKILL to the process group",
        where="any",
        sides=("before", "after"),
        act=strikes.kill(signal.SIGKILL),
    ),
    "kill-parent": Kind(
        words="SIGKILL to the command alone, its children live on",
        where="instant",
        act=strikes.kill(signal.SIGKILL, group=False),
    ),
    "terminate": Kind(
        words="SIGTERM", where="any", sides=("before", "after"), act=strikes.kill(signal.SIGTERM)
    ),
    "interrupt": Kind(
        words="SIGINT", where="any", sides=("before", "after"), act=strikes.kill(signal.SIGINT)
    ),
    "wipe": Kind(
        words=".local/releases is deleted",
        where="after",
        act=lambda s, _: s.forget_local_files(),
    ),
    "elsewhere": Kind(
        words="it goes on in another clone", where="after", act=lambda s, _: s.change_machine()
    ),
    "steps": Kind(
        words="each step alone, local files deleted after step {amount}",
        where="start",
        prepare=strikes.steps,
        act=strikes.nothing,
        amounts=tuple(range(len(strikes.VERBS))),
    ),
    "full-disk": Kind(
        words="{amount} MiB for all local files",
        where="start",
        prepare=strikes.full_disk,
        act=strikes.nothing,
        amounts=(1, 2, 4, 6, 8, 10),
        possible=strikes.can_mount,
    ),
    "clock": Kind(
        words="the clock jumps by {amount} days",
        where="s3",
        prepare=strikes.clock,
        act=strikes.jump,
        amounts=(-400, -1, 1, 400),
        possible=strikes.has_clock,
    ),
    "s3-power-cut": Kind(
        words="SeaweedFS gets SIGKILL and comes back after {amount} s",
        where="s3",
        sides=("before", "after"),
        act=strikes.power_cut,
        amounts=(0, 1, 3),
    ),
    "s3-refuse": Kind(words="no answer", where="s3", act=strikes.treat("refuse"), spans=(1, 3, ALL)),
    "s3-stall": Kind(
        words="an answer after {amount} s", where="s3", act=strikes.treat("stall"), amounts=(0.5, 2)
    ),
    "s3-cut-request": Kind(words="half a request arrives", where="write", act=strikes.treat("cut-request")),
    "s3-cut-answer": Kind(
        words="half an answer arrives", where="read", act=strikes.treat("cut-answer"), spans=(1, 2)
    ),
    "s3-lose": Kind(words="the answer is lost", where="write", act=strikes.treat("lose"), spans=(1, 2)),
    "s3-500": Kind(words="500 InternalError", where="s3", act=strikes.treat("500"), spans=(1, 3, ALL)),
    "s3-503": Kind(words="503 SlowDown", where="s3", act=strikes.treat("503"), spans=(1, 3, ALL)),
    "s3-403": Kind(words="403 AccessDenied", where="s3", act=strikes.treat("403"), spans=(1, ALL)),
    "s3-409": Kind(
        words="409 ConditionalRequestConflict", where="write", act=strikes.treat("409"), spans=(1, 2)
    ),
    "s3-skewed": Kind(
        words="403 RequestTimeTooSkewed", where="s3", act=strikes.treat("skewed"), spans=(1, 2)
    ),
    "s3-credentials": Kind(
        words="a wrong secret key", where="start", prepare=strikes.wrong_credentials, act=strikes.nothing
    ),
    "s3-lie": Kind(words="200, and nothing is stored", where="write", act=strikes.treat("lie")),
    "s3-corrupt": Kind(
        words="200, and other bytes are stored", where="write", act=strikes.treat("corrupt"), end="refusal"
    ),
    "s3-forget": Kind(
        words="the next {amount} reads of it see nothing",
        where="write",
        act=strikes.treat("forget"),
        amounts=(1, 2, 5, 20),
    ),
    "s3-late": Kind(
        words="SIGKILL, and the write arrives {amount} s later",
        where="write",
        act=strikes.late,
        amounts=(0.5, 1.5, 3),
    ),
    "accept-fail": Kind(
        words="a required test fails",
        where="start",
        prepare=strikes.suite("fail"),
        act=strikes.nothing,
    ),
    "accept-skip": Kind(
        words="a required test is skipped",
        where="start",
        prepare=strikes.suite("skip"),
        act=strikes.nothing,
    ),
    "accept-lack": Kind(
        words="a required row is missing in the report",
        where="start",
        prepare=strikes.suite("lack"),
        act=strikes.nothing,
    ),
    "accept-crash": Kind(
        words="the suite ends without a report",
        where="start",
        prepare=strikes.suite("crash"),
        act=strikes.nothing,
    ),
    "git-refuse": Kind(words="no answer", where="git", act=strikes.treat("refuse"), spans=(1, ALL)),
    "git-hang": Kind(
        words="an answer after {amount} s", where="git", act=strikes.treat("hang"), amounts=(1, 3)
    ),
    "git-cut": Kind(words="receive-pack gets SIGKILL", where="push", act=strikes.treat("cut")),
    "git-lose": Kind(words="accepted, and the connection is lost", where="push", act=strikes.treat("lose")),
    "git-reject": Kind(words="a hook refuses the push", where="push", act=strikes.reject),
    "git-protect": Kind(
        words="main is protected ({amount}: for good)",
        where="push",
        act=strikes.protect,
        amounts=(0, 1),
        end="refusal",
    ),
    "git-note": Kind(
        words="somebody pushes a note to main",
        where="any",
        sides=("before", "after"),
        act=strikes.note,
        end="note",
    ),
    "git-change": Kind(
        words="somebody pushes a change to main",
        where="any",
        sides=("before", "after"),
        act=strikes.change,
        end="newer",
    ),
    "rival-same": Kind(
        words="{amount} other clones release the same source while this one is held",
        where="any",
        act=strikes.rival(held=True),
        amounts=(1, 1, 1, 2, 4),
    ),
    "race-same": Kind(
        words="{amount} other clones release the same source at the same time",
        where="any",
        act=strikes.rival(held=False),
        amounts=(1, 1, 1, 2, 9),
    ),
    "rival-newer": Kind(
        words="{amount} other clone releases a newer source while this one is held",
        where="any",
        act=strikes.rival(held=True, newer=True),
        amounts=(1,),
        end="newer",
    ),
    "race-newer": Kind(
        words="{amount} other clone releases a newer source at the same time",
        where="any",
        act=strikes.rival(held=False, newer=True),
        amounts=(1, 1, 2),
        end="newer",
    ),
    "rival-older": Kind(
        words="another clone releases an older source, step by step, while this one is held",
        where="any",
        prepare=strikes.change,
        act=strikes.rival(held=True, older=True),
        amounts=(1,),
        end="newer",
    ),
    "race-older": Kind(
        words="another clone releases an older source, step by step, at the same time",
        where="any",
        prepare=strikes.change,
        act=strikes.rival(held=False, older=True),
        amounts=(1,),
        end="newer",
    ),
}
