"""Boot, runlevels and throttle as scenarios: an inittab, and what follows each step (see machine_world)."""

from __future__ import annotations

import pytest

from tests.unit.machine.machine_world import play

Case = tuple[str, str]  # inittab, scenario

BOOT = """
    id:2:initdefault:
    s1::sysinit:x
    b1::boot:x
    w1::bootwait:x
    b2::boot:x
    r2:2:respawn:x
    s2::sysinit:x
    ~~:S:wait:x
"""
LEVELS = """
    id:2:initdefault:
    w2:2:wait:x
    o2:2:once:x
    oo:23:once:x
    r2:2:respawn:x
    rr:23:respawn:x
    r3:3:respawn:x
    ~~:S:wait:x
"""
IN_LEVEL_2 = """
    boot      -> start w2
    w2 ends   -> start o2; start oo; start r2; start rr
"""
IN_LEVEL_2_IDLE = f"""{IN_LEVEL_2}
    o2 ends   ->
    oo ends   ->
"""
EVENTS = """
    id:2:initdefault:
    r1:2:respawn:x
    w2:2:wait:x
    r2:2:respawn:x
    kb:2:kbrequest:x
    rs:2:resume:x
    pw::powerwait:x
    pf::powerfail:x
    pl::powerfailnow:x
    po::powerokwait:x
    ca:2:ctrlaltdel:x
    k3:3:kbrequest:x
    ~~:S:wait:x
"""
IN_EVENTS = """
    boot      -> start r1; start w2
    w2 ends   -> start r2
"""

NOTHING_LEFT_SAID = "say no more processes left in this runlevel"
TERM_SAID = "say Sending processes configured via /etc/inittab the TERM signal"

BOOTS: dict[str, Case] = {
    "2.3, 2.4: sysinit, then boot, then the level; what waits holds back what follows": (
        BOOT,
        """
        boot      -> start s1
        s1 ends   -> start s2
        s2 ends   -> record-boot; start b1; start w1
        w1 ends   -> start b2; say Entering runlevel: 2; record-level 2 from N; start r2
        b1 ends   ->
        """,
    ),
    "2.2: what is done first": (
        BOOT,
        """
        inittab is slow
        boot      -> sane-console; say version 0 booting; show #; read
        inittab is read -> start s1
        """,
    ),
    "2.7, 2.2: each stage is shown; S has a sane console": (
        "b1::bootwait:x\n~~:S:wait:x",
        """
        boot S    -> sane-console; show #; read; sane-console; show S; start ~~
        ~~ ends   -> sane-console; ask
        answer 6  -> show *; start b1
        b1 ends   -> sane-console; show 6
        """,
    ),
    "2.1: -b runs sulogin first, then the boot goes on": (
        BOOT,
        """
        boot -b   -> start ~~
        ~~ ends   -> start s1
        """,
    ),
    "2.3: the kernel's argument goes before initdefault, and is used once": (
        BOOT.replace("r2:2:", "r2:23:"),
        """
        boot 3    -> start s1
        s1 ends   -> start s2
        s2 ends   -> start b1; start w1
        w1 ends   -> start b2; say Entering runlevel: 3; start r2
        telinit S -> say Going single user; TERM r2; start ~~
        ~~ ends   -> say Entering runlevel: 2; start r2
        """,
    ),
    "2.5: S at boot: no message, no record; S that ends goes by way of the boot entries": (
        BOOT,
        """
        boot s    -> start s1
        s1 ends   -> start s2
        s2 ends   -> record-boot; start ~~
        ~~ ends   -> start b1; start w1
        w1 ends   -> start b2; say Entering runlevel: 2; record-level 2 from N; start r2
        """,
    ),
    "2.5: a request out of S enters the level without the boot entries; the next way out of S runs them": (
        BOOT,
        """
        boot S    -> start s1
        s1 ends   -> start s2
        s2 ends   -> start ~~
        telinit 2 -> record-level 2 from S; TERM ~~; start r2
        telinit S -> record-level S from 2; TERM r2; start ~~
        ~~ ends   -> start b1; start w1
        w1 ends   -> start b2; record-level 2 from N; start r2
        telinit S -> record-level S from 2; TERM r2; start ~~
        ~~ ends   -> record-level 2 from S; start r2
        """,
    ),
    "2.5: initdefault S, and S has ended: its entries run again": (
        "id:S:initdefault:\nso:S:once:x\nsw:S:wait:x",
        """
        boot      -> start so; start sw
        so ends   ->
        sw ends   -> start so; start sw
        """,
    ),
    "2.5: initdefault S, and nothing to run there: the question": (
        "id:S:initdefault:\nr2:2:respawn:x\n~~:S:wait:",
        """
        boot      -> ask
        answer S  -> ask
        answer 2  -> start r2
        """,
    ),
    "2.6: a request during sysinit ends it; PREVLEVEL is N; BOOT_TIME is written": (
        BOOT,
        """
        boot      -> start s1
        telinit 3 -> record-boot; say Switching to runlevel: 3; record-level 3 from N; TERM s1; \
say no more processes left in this runlevel
        telinit S -> say Going single user; record-level S from 3; start ~~
        ~~ ends   -> start b1; start w1
        w1 ends   -> start b2; say Entering runlevel: 2; record-level 2 from N; start r2
        """,
    ),
    "2.6: a request during boot ends what is waited for; what has not run runs on the way out of S": (
        BOOT.replace("~~:", "r3:3:respawn:x\n~~:"),
        """
        boot      -> start s1
        s1 ends   -> start s2
        s2 ends   -> start b1; start w1
        telinit 3 -> record-level 3 from N; TERM w1; start r3
        telinit S -> record-level S from 3; TERM r3; start ~~
        ~~ ends   -> start w1
        w1 ends   -> start b2; record-level 2 from N; start r2
        """,
    ),
    "2.6: also a request for the level that the boot is on its way to": (
        BOOT,
        """
        boot      -> start s1
        s1 ends   -> start s2
        s2 ends   -> start b1; start w1
        telinit 2 -> say Switching to runlevel: 2; TERM w1; start r2
        """,
    ),
    "2.6: back to S during the boot that S led to (regression: the level was still S, so nothing happened)": (
        BOOT,
        """
        boot S    -> start s1
        s1 ends   -> start s2
        s2 ends   -> start ~~
        ~~ ends   -> start b1; start w1
        telinit S -> record-level S from N; TERM w1; start ~~
        """,
    ),
    "2.6: a request before the inittab was read": (
        LEVELS,
        """
        inittab is slow
        boot      -> read
        telinit 3 -> record-level 3 from N; read
        inittab is read -> start oo; start rr; start r3
        """,
    ),
    "2: no more processes, said once": (
        "id:2:initdefault:\nb1::boot:x\no2:2:once:x\n~~:S:wait:x",
        """
        boot      -> start b1; say Entering runlevel: 2; start o2
        o2 ends   -> say no more processes left in this runlevel
        b1 ends   ->
        telinit q -> say Re-reading inittab
        telinit 3 -> say Switching to runlevel: 3; say no more processes left in this runlevel
        """,
    ),
    "2.4: a boot entry that cannot be forked keeps its place (regression: it was left behind)": (
        "id:2:initdefault:\ns1::sysinit:x\nb1::boot:x\nr2:2:respawn:x\n~~:S:wait:x",
        """
        boot      -> start s1
        forks fail
        s1 ends   -> start b1
        wait 0.9  ->
        forks work
        wait 0.2  -> start b1; start r2
        """,
    ),
    "2: entries with an empty process do nothing": (
        "id:2:initdefault:\nr2:2:respawn:\nw2:2:wait:+\ns1::sysinit:+@\n~~:S:wait:x",
        """
        boot      -> say Entering runlevel: 2; say no more processes left in this runlevel
        """,
    ),
    "1: no inittab at all: the question, sulogin in S": (
        "",
        """
        inittab unreadable
        boot      -> ask
        answer S  -> start ~~
        """,
    ),
    "1: characters that are no level never match (regression: # and * are names of stages)": (
        "id:2:initdefault:\nb1::bootwait:x\nx1:*#:once:x\nx2:#*2:once:x\n~~:S:wait:x",
        """
        boot      -> start b1
        b1 ends   -> start x2
        """,
    ),
    "1: ondemand runs in the digit levels it names, not in S; off and initdefault never": (
        "id:2:initdefault:/x\nod:S2:ondemand:x\nof:S2:off:x\n~~:S:wait:x",
        """
        boot S    -> start ~~
        telinit 2 -> TERM ~~; start od
        telinit S -> TERM od; start ~~
        """,
    ),
}

QUESTIONS: dict[str, Case] = {
    "2.3: no initdefault: asked until the answer is a level; s is S": (
        "s1::sysinit:x\n~~:S:wait:x",
        """
        boot      -> start s1
        s1 ends   -> ask
        answer a  -> ask
        answer 22 -> ask
        answer #  -> ask
        answer    -> ask
        answer s  -> start ~~
        """,
    ),
    "1: an invalid initdefault is named, then asked": (
        "id:2a:initdefault:\n~~:S:wait:x",
        """
        boot S    -> start ~~
        ~~ ends   -> say Initdefault level 'A' is invalid; ask
        """,
    ),
    "1: initdefault: the first one, its highest character, empty is 9": (
        "i1::initdefault:\ni2:2:initdefault:\nr9:9:respawn:x\n~~:S:wait:x",
        "boot -> start r9",
    ),
    "2.3: a request answers the question; a late answer, or none, changes nothing": (
        "b1::boot:x\nr2:2:respawn:x\n~~:S:wait:x",
        """
        boot      -> ask
        telinit q ->
        telinit 2 -> stop-asking; start b1; say Entering runlevel: 2; start r2
        answer 3  ->
        no answer ->
        """,
    ),
    "2.3: a request for S answers it too": (
        "~~:S:wait:x",
        """
        boot      -> ask
        telinit S -> stop-asking; start ~~
        ~~ ends   -> ask
        telinit S -> stop-asking; start ~~
        """,
    ),
    "2.3: no console to ask on: S": (
        "s1::sysinit:x\n~~:S:wait:x",
        """
        no console
        boot      -> start s1
        s1 ends   -> ask; start ~~
        """,
    ),
    "2.5: no console, and S has nothing: init waits; re-reading helps": (
        "~~:S:wait:",
        """
        no console
        boot      -> ask; ask; \
say no more processes left in this runlevel
        ctrlaltdel ->
        wait 1000 ->
        edit ~~:S:wait:x
        telinit q -> say Re-reading inittab; start ~~
        """,
    ),
    "2.5: no console, and what S has ends at once: ten rounds, then init waits": (
        "~~:S:wait:x\nkb:S:kbrequest:x",
        """
        no console
        child ~~ is missing
        boot      -> ask; """
        + "start ~~; ask; " * 11
        + """
        kbrequest -> start kb
        telinit S ->
        kb ends   -> ask
        SIGHUP    -> """
        + "ask; start ~~; " * 10
        + "ask",
    ),
    "2.5: a call while the question is open is used afterwards (regression: it was passed over)": (
        "id:S:initdefault:\nkb:S:kbrequest:x\n~~:S:wait:",
        """
        boot      -> ask
        kbrequest ->
        no answer -> start kb
        kb ends   -> ask
        """,
    ),
}

CALLS: dict[str, Case] = {
    "2.5: an event in an S that was left empty, and then S has ended again": (
        "~~:S:wait:\nkb:S:kbrequest:x",
        """
        no console
        boot      -> ask; ask
        kbrequest -> start kb
        kb ends   -> ask
        """,
    ),
    "Events: resume holds back nothing": (
        "id:2:initdefault:\nrs:2:resume:x\nr2:2:respawn:x\n~~:S:wait:x",
        """
        boot      -> start r2
        resume    -> start rs
        r2 ends   -> start r2
        """,
    ),
    "Events: kbrequest and resume in file order, not waited for": (
        EVENTS,
        f"""{IN_EVENTS}
        kbrequest -> start kb
        resume    -> start rs
        r2 ends   -> start r2
        """,
    ),
    "Events: power and ctrlaltdel go first; who is waited for holds all back that follows": (
        EVENTS,
        f"""{IN_EVENTS}
        power failed -> start pw
        ctrlaltdel   ->
        r1 ends      ->
        kbrequest    ->
        pw ends      -> start pf; start ca
        ca ends      -> start r1; start kb
        power low    -> start pl
        pl ends      ->
        power ok     -> start po
        """,
    ),
    "Events: one before a running one is started at once": (
        "id:2:initdefault:\nca:2:ctrlaltdel:x\npw:2:powerwait:x\n~~:S:wait:x",
        """
        boot         ->
        power failed -> start pw
        ctrlaltdel   -> start ca
        """,
    ),
    "Events: marks made during the boot, or in another level, are kept; several are one": (
        EVENTS + "si::sysinit:x",
        """
        boot       -> start si
        kbrequest  ->
        ctrlaltdel ->
        ctrlaltdel ->
        si ends    -> start ca
        ca ends    -> start r1; start w2
        w2 ends    -> start r2; start kb
        telinit 3  -> TERM r1; TERM r2; TERM kb; start k3
        """,
    ),
    "Events: a mark made while it runs is used once": (
        EVENTS,
        f"""{IN_EVENTS}
        ctrlaltdel -> start ca
        ctrlaltdel ->
        ctrlaltdel ->
        ca ends    -> start ca
        ca ends    ->
        """,
    ),
    "Events: a call before the first reading is kept (regression: it was lost)": (
        EVENTS,
        """
        inittab is slow
        boot       ->
        ctrlaltdel ->
        ctrlaltdel ->
        inittab is read -> start ca
        ca ends    -> start r1; start w2
        """,
    ),
    "Events: a call that could not be forked is not lost": (
        EVENTS,
        f"""{IN_EVENTS}
        forks fail
        ctrlaltdel -> start ca
        r1 ends    ->
        forks work
        wait 1     -> start ca
        ca ends    -> start r1
        """,
    ),
    "2: a respawn before what is waited for starts at once, one after it has to wait": (
        EVENTS.replace("w2:2:wait", "w0:2:wait:x\n    r0:2:respawn:x\n    w2:2:wait"),
        """
        boot      -> start r1; start w0
        w0 ends   -> start r0; start w2
        r1 ends   -> start r1
        r0 ends   -> start r0
        w2 ends   -> start r2
        """,
    ),
}

SWITCHES: dict[str, Case] = {
    "3: groups with times of their own": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        child r2 hangs
        child rr ignores TERM
        telinit -t 1 3 -> TERM r2
        telinit -t 9 S -> TERM rr
        wait 1        -> KILL r2
        wait 7        ->
        wait 1        -> KILL rr; start ~~
        """,
    ),
    "3: nothing happens when the level is the one there is": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        telinit 2 ->
        """,
    ),
    "3: switch: message, record, reading, ends, starts, in this order; who stays in both keeps its process": (
        LEVELS,
        """
        inittab is slow
        boot      -> read
        inittab is read -> record-level 2 from N; start w2
        w2 ends   -> start o2; start oo; start r2; start rr
        telinit 3 -> record-level 3 from 2; read
        r2 ends   ->
        inittab is read -> TERM o2; start r3
        """,
    ),
    "3, 1: once and wait run on each new entering, not when the old level was also theirs": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        telinit 3 -> TERM r2; start r3
        telinit 2 -> TERM r3; start w2
        w2 ends   -> start o2; start r2
        telinit S -> TERM rr; TERM o2; TERM r2; start ~~
        telinit 3 -> TERM ~~; start oo; start rr; start r3
        """,
    ),
    "3: SIGTERM, after the wait time SIGKILL; as soon as all are gone it goes on": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        child r2 ignores TERM
        telinit -t 3 3 -> TERM r2
        rr ends       ->
        wait 2.9      ->
        wait 0.2      -> KILL r2; start rr; start r3
        """,
    ),
    "3: wait time 0 or less: SIGKILL at once; it stays for SIGHUP": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        child r2 ignores TERM
        child rr ignores TERM
        telinit -t -1 3 -> TERM r2; KILL r2; start r3
        edit r3:2:respawn:x
        edit rr:2:respawn:x
        SIGHUP         -> TERM rr; TERM r3; KILL rr; KILL r3
        """,
    ),
    "3: a wait time comes with power requests too; a bad request brings none": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        child rr ignores TERM
        wait time 0   ->
        telinit -t 9 x ->
        edit rr:3:respawn:x
        SIGHUP        -> TERM rr; KILL rr
        """,
    ),
    "3: what is said of ends": (
        LEVELS,
        """
        boot      -> say Entering runlevel: 2; start w2
        child w2 ignores TERM
        telinit -t 0 3 -> say Switching to runlevel: 3; \
say Sending processes configured via /etc/inittab the TERM signal; TERM w2; \
say Sending processes configured via /etc/inittab the KILL signal; KILL w2; start oo; start rr; start r3
        """,
    ),
    "3: a group is gone when no member is left": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        child r2 ignores TERM
        r2 leaves a member
        telinit 3 -> TERM r2
        r2 ends   ->
        wait 3    ->
        member of r2 ends
        wait 0.1  -> start r3
        """,
    ),
    "3: groups without leaders are looked at until the last is gone": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        child r2 ignores TERM
        r2 leaves a member
        child rr ignores TERM
        rr leaves a member
        telinit S -> TERM r2; TERM rr
        r2 ends   ->
        rr ends   ->
        member of r2 ends
        wait 1    ->
        member of rr ends
        wait 0.1  -> start ~~
        """,
    ),
    "3: members are killed like leaders": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        child r2 ignores TERM
        r2 leaves a member
        telinit 3 -> TERM r2
        r2 ends   ->
        wait 5.1  -> KILL r2; start r3
        """,
    ),
    "3: what SIGKILL does not end is given up; should it end later, that is recorded": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        child r2 hangs
        telinit 3 -> TERM r2
        wait 5.4  -> KILL r2
        wait 0.2  -> start r3
        telinit 2 -> TERM r3; start w2
        w2 ends   -> start o2; start r2
        """,
    ),
    "3: a leader and its members that hang": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        child r2 hangs
        r2 leaves a member
        telinit 3 -> TERM r2
        r2 ends   ->
        wait 5.4  -> KILL r2
        wait 0.2  -> start r3
        """,
    ),
    "2, 3: what boot entries started lives on, unless the entry is gone": (
        "id:2:initdefault:\nb1::boot:x\nr2:2:respawn:x\nr3:3:respawn:x\n~~:S:wait:x",
        """
        boot      -> start b1; start r2
        telinit 3 -> TERM r2; start r3
        telinit S -> TERM r3; start ~~
        remove b1
        telinit q -> TERM b1
        """,
    ),
    "3: a request while a wait entry runs is obeyed at once": (
        LEVELS,
        """
        boot      -> start w2
        telinit 3 -> TERM w2; start oo; start rr; start r3
        """,
    ),
    "3: a wait entry that has its place in both levels runs on and still holds back what follows": (
        "id:2:initdefault:\nww:23:wait:x\nr3:3:respawn:x\n~~:S:wait:x",
        """
        boot      -> start ww
        telinit 3 ->
        ww ends   -> start r3
        """,
    ),
    "3: a request while processes are being ended replaces the level under way": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE.replace("-> start w2", "-> record-level 2 from N; start w2")}
        child r2 ignores TERM
        telinit 3 -> record-level 3 from 2; TERM r2
        telinit S -> record-level S from 2; TERM rr
        wait 5    -> KILL r2; start ~~
        """,
    ),
    "3: 2, 3, 2: comes back; what was told to end is started again": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        child r2 ignores TERM
        telinit 3 -> TERM r2
        telinit 2 ->
        wait 5    -> KILL r2; start w2
        w2 ends   -> start o2; start r2
        """,
    ),
    "3: a request while the inittab is read replaces the level; nothing of the first one happens": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        inittab is slow
        telinit 3 ->
        rr ends   ->
        telinit 2 ->
        inittab is read -> start rr
        """,
    ),
    "3: q while a switch is under way; a request for the same level again": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        inittab is slow
        child r2 ignores TERM
        telinit 3 ->
        telinit q ->
        inittab is read -> TERM r2
        telinit 3 ->
        telinit q ->
        inittab is read ->
        wait 5    -> KILL r2; start r3
        """,
    ),
    "3: levels 7 to 9 are ordinary; other characters are bad": (
        "id:7:initdefault:\nr7:7:respawn:x\nr9:9:respawn:x\n~~:S:wait:x",
        f"""
        boot      -> say Entering runlevel: 7; start r7
        telinit 9 -> say Switching to runlevel: 9; {TERM_SAID}; TERM r7; start r9
        telinit x -> say bad runlevel: X
        telinit # -> say bad runlevel: #
        """,
    ),
    "8: u re-executes": (
        LEVELS,
        """
        boot      -> start w2
        telinit u -> re-execute
        telinit U -> re-execute
        """,
    ),
}

REREADS: dict[str, Case] = {
    "3: q and SIGHUP touch nothing that is unchanged": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        telinit q ->
        telinit Q ->
        SIGHUP    ->
        """,
    ),
    "3: ended: entries that are gone, whose action changed, whose levels lack the level": (
        LEVELS + "x1:2:respawn:x\nx2:2:respawn:x",
        f"""{IN_LEVEL_2_IDLE.replace("start rr", "start rr; start x1; start x2")}
        remove r2
        edit rr:2:ondemand:x
        edit x1:3:respawn:x
        edit x2:2:respawn:y
        SIGHUP    -> TERM r2; TERM rr; TERM x1; start rr
        """,
    ),
    "3: a changed action is a new entry: once that has run, as wait, runs": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        edit o2:2:wait:x
        SIGHUP    -> start o2
        edit o2:2:off:x
        SIGHUP    -> TERM o2
        """,
    ),
    "3: an entry that goes and comes back is a new one, after the old process": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        child r2 ignores TERM
        remove r2
        SIGHUP    -> TERM r2
        edit r2:2:respawn:x
        SIGHUP    ->
        wait 5    -> KILL r2; start r2
        """,
    ),
    "3: once whose levels go and come back runs again": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        edit o2:3:once:x
        SIGHUP    ->
        edit o2:2:once:x
        SIGHUP    -> start o2
        """,
    ),
    "3: new entries start, in their order": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        edit nw:2:wait:x
        edit nr:2:respawn:x
        SIGHUP    -> start nw
        rr ends   -> start rr
        nw ends   -> start nr
        """,
    ),
    "3: a re-read during sysinit: what has run does not run again, what is new runs": (
        BOOT,
        """
        boot      -> start s1
        s1 ends   -> start s2
        edit s3::sysinit:x
        SIGHUP    ->
        s2 ends   -> start s3
        remove s3
        SIGHUP    -> TERM s3; start b1; start w1
        edit b0::boot:x
        remove b2
        SIGHUP    ->
        w1 ends   -> start b0; start r2
        edit s4::sysinit:x
        edit b4::boot:x
        SIGHUP    ->
        """,
    ),
    "1: a re-read that fails leaves everything as it is": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        remove r2
        inittab unreadable
        SIGHUP    ->
        telinit 3 -> TERM r2; start r3
        """,
    ),
    "1: so does one that misses a file": (
        LEVELS,
        f"""{IN_LEVEL_2_IDLE}
        remove r2
        inittab incomplete ->
        """,
    ),
    "1: ~~ alone may repeat": (
        "id:2:initdefault:\n~~:S:wait:x\n~~:2:respawn:x\n~~:2:respawn:y",
        """
        boot      -> start ~~; start ~~
        SIGHUP    ->
        telinit S -> TERM ~~; TERM ~~; start ~~
        """,
    ),
}

ON_DEMAND: dict[str, Case] = {
    "3: once that was called has a place in every digit level, ended or not, and has run in it": (
        "id:2:initdefault:\noo:3a:once:x\n~~:S:wait:x",
        """
        boot      ->
        telinit a -> start oo
        oo ends   ->
        telinit q ->
        telinit 4 ->
        telinit 3 ->
        telinit S -> start ~~
        telinit 3 -> TERM ~~; start oo
        """,
    ),
    "3: a b c start the entries with the letter, and not those that wait for an event": (
        "id:2:initdefault:\noa:a:ondemand:x\nod:A:respawn:x\noo:a:once:x\now:a:wait:x\noz:a:respawn:x\n"
        "pf:a:powerfail:x\nkb:a:kbrequest:x\nrb:b:once:x\n~~:S:wait:x",
        """
        boot      ->
        telinit A -> start oa; start od; start oo; start ow
        ow ends   -> start oz
        oo ends   ->
        oa ends   -> start oa
        telinit a -> start oo; start ow
        telinit b ->
        ow ends   -> start rb
        """,
    ),
    "3: they live through all levels but S": (
        "id:2:initdefault:\noa:a:respawn:x\nro:2a:respawn:x\n~~:S:wait:x",
        """
        boot      -> start ro
        telinit a -> start oa
        telinit 3 ->
        oa ends   -> start oa
        telinit S -> TERM ro; TERM oa; start ~~
        telinit a ->
        telinit 2 -> TERM ~~; start ro
        """,
    ),
    "3: called again while it runs, it lives through levels (regression: it lost its place)": (
        "id:2:initdefault:\noa:a:once:x\n~~:S:wait:x",
        """
        boot      ->
        telinit a -> start oa
        telinit a ->
        oa ends   -> start oa
        telinit 3 ->
        oa ends   ->
        """,
    ),
    "3: two letters while the inittab is read: both are called (regression: only the last was)": (
        "id:2:initdefault:\noa:a:once:x\nob:b:once:x\n~~:S:wait:x",
        """
        boot      ->
        inittab is slow
        telinit a ->
        telinit b ->
        telinit a ->
        inittab is read -> start oa; start ob
        """,
    ),
    "oracle: a letter called during sysinit waits for the level": (
        "id:2:initdefault:\nsi::sysinit:x\noa:a:once:x\n~~:S:wait:x",
        """
        boot      -> start si
        telinit a ->
        si ends   -> start oa
        """,
    ),
    "oracle: what runs already when its letter is called runs once more, and in the next level": (
        "id:2:initdefault:\no2:2a:once:x\nr2:2a:respawn:x\n~~:S:wait:x",
        """
        boot      -> start o2; start r2
        telinit a ->
        o2 ends   -> start o2
        o2 ends   ->
        telinit 3 ->
        r2 ends   -> start r2
        """,
    ),
}

RESPAWN = "id:2:initdefault:\nr2:2:respawn:x\nrx:2:respawn:x\n~~:S:wait:x"
EIGHT_ENDS = "r2 ends -> start r2\n" * 8
NINE_ENDS = "r2 ends -> start r2\n" * 9
THROTTLED = f"boot -> start r2; start rx\n{NINE_ENDS}"

THROTTLES: dict[str, Case] = {
    "4: ten starts, then a rest of 300 s; others go on": (
        RESPAWN,
        f"""
        {THROTTLED}
        r2 ends   -> say Id "r2" respawning too fast: disabled for 5 minutes
        rx ends   -> start rx
        wait 299  ->
        wait 2    -> start r2
        {NINE_ENDS}
        r2 ends   -> say Id "r2" respawning too fast: disabled for 5 minutes
        """,
    ),
    "4: a start after the window opens a new one": (
        RESPAWN,
        f"""
        {THROTTLED}
        wait 120
        {NINE_ENDS}
        r2 ends   -> start r2
        r2 ends   ->
        """,
    ),
    "4: a re-read ends the rest": (
        RESPAWN,
        f"""
        {THROTTLED}
        r2 ends   ->
        SIGHUP    -> start r2
        {NINE_ENDS}
        r2 ends   ->
        telinit q -> start r2
        """,
    ),
    "4: a re-read clears the throttle before it has refused": (
        RESPAWN,
        f"""
        {THROTTLED}
        SIGHUP    ->
        r2 ends   -> start r2
        {NINE_ENDS}
        r2 ends   ->
        """,
    ),
    "4, 7: a re-read clears the throttle of one whose fork failed too": (
        RESPAWN,
        f"""
        boot      -> start r2; start rx
        {EIGHT_ENDS}
        forks fail
        r2 ends   -> start r2
        SIGHUP    -> start r2
        forks work
        wait 1    -> start r2
        {NINE_ENDS}
        r2 ends   ->
        """,
    ),
    "4: an entry that rests is gone": (
        RESPAWN,
        f"""
        {THROTTLED}
        r2 ends   ->
        remove r2
        SIGHUP    ->
        wait 400  ->
        """,
    ),
    "4: a switch does too": (
        RESPAWN.replace("r2:2:", "r2:23:"),
        f"""
        {THROTTLED}
        r2 ends   ->
        telinit 3 -> TERM rx; start r2
        """,
    ),
    "4: who rests does not keep a level from being left empty": (
        "id:2:initdefault:\nrs:S:respawn:x\nr2:2:respawn:x",
        """
        child rs is missing
        boot S    -> """
        + "start rs; " * 10
        + "start r2",
    ),
    "4: once and wait are not throttled; events neither": (
        "id:2:initdefault:\nkb:2:kbrequest:x\n~~:S:wait:x",
        "boot ->\n" + "kbrequest -> start kb\nkb ends ->\n" * 12,
    ),
    "7: a command that cannot be executed is throttled like any, and the others are started first": (
        "id:2:initdefault:\nr2:2:respawn:x y\nw2:2:wait:z\nrx:2:respawn:x\n~~:S:wait:x",
        """
        child r2 is missing
        child w2 is missing
        boot      -> say Entering runlevel: 2; \
start r2; say cannot execute "x y" (id r2, inittab[2]); start w2; \
say cannot execute "z" (id w2, inittab[3]); start rx; """
        + 'start r2; say cannot execute "x y" (id r2, inittab[2]); ' * 9
        + """say Id "r2" respawning too fast: disabled for 5 minutes
        """,
    ),
    "7: a fork that fails is tried again; who is waited for keeps its place; others go on": (
        "id:2:initdefault:\nr1:2:respawn:x\nw2:2:wait:x\nr2:2:respawn:x\n~~:S:wait:x",
        f"""
        boot      -> say Entering runlevel: 2; \
start r1; start w2
        w2 ends   -> start r2
        forks fail
        telinit 3 -> say Switching to runlevel: 3; {TERM_SAID}; TERM r1; TERM r2; {NOTHING_LEFT_SAID}
        telinit 2 -> say Switching to runlevel: 2; start r1; say cannot fork, retry..; start w2
        wait 1    -> start r1; start w2
        forks work
        wait 1    -> start r1; start w2
        w2 ends   -> start r2
        forks fail
        r2 ends   -> start r2; say cannot fork, retry..
        """,
    ),
    "7: failed forks are no starts for the throttle": (
        "id:2:initdefault:\nr2:2:respawn:x\n~~:S:wait:x",
        f"""
        forks fail
        boot      -> start r2
        wait 20   -> {"; ".join(["start r2"] * 20)}
        forks work
        wait 1    -> start r2
        {NINE_ENDS}
        r2 ends   ->
        """,
    ),
    "7: a level with a fork to be tried again is not empty": (
        "id:2:initdefault:\no2:2:once:x\n~~:S:wait:x",
        """
        forks fail
        boot      -> say Entering runlevel: 2; \
start o2; say cannot fork, retry..
        forks work
        wait 1    -> start o2
        o2 ends   -> say no more processes left in this runlevel
        """,
    ),
}

RECORDS: dict[str, Case] = {
    "7: records of starts and ends; none with +": (
        "id:2:initdefault:\nr2:2:respawn:x\nrp:2:respawn:+x\n~~:S:wait:x",
        """
        boot      -> start r2; record-start r2; start rp
        r2 ends   -> record-end r2; start r2; record-start r2
        rp ends   -> start rp
        """,
    ),
    "7: a + that comes while it runs: its record is ended all the same (regression)": (
        "id:2:initdefault:\nr2:2:respawn:x\n~~:S:wait:x",
        """
        boot      -> start r2; record-start r2
        edit r2:2:respawn:+x
        SIGHUP    ->
        r2 ends   -> record-end r2; start r2
        r2 ends   -> start r2
        """,
    ),
    "3: what was given up and ends later is recorded then (regression: its record stayed)": (
        "id:2:initdefault:\nr2:2:respawn:x\nr3:3:respawn:x\n~~:S:wait:x",
        """
        boot      -> start r2; record-start r2
        child r2 hangs
        telinit 3 -> TERM r2
        wait 6    -> KILL r2; start r3; record-start r3
        r2 ends   -> record-end r2
        """,
    ),
}

ALL = {
    "boot": BOOTS, "question": QUESTIONS, "events": CALLS, "switch": SWITCHES, "reread": REREADS,
    "on demand": ON_DEMAND, "throttle": THROTTLES, "records": RECORDS,
}  # fmt: skip


@pytest.mark.parametrize(
    ("inittab", "scenario"),
    [
        pytest.param(*case, id=f"{table} / {rule}")
        for table, cases in ALL.items()
        for rule, case in cases.items()
    ],
)
def test_scenario(inittab: str, scenario: str) -> None:
    play(inittab, scenario)
