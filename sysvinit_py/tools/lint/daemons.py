"""Which well-known programs go to the background, and which stay: init sees only the process that it started.

From their manuals. What a program's own config file decides (nginx, redis, pppd) is not here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.tools.lint.command import Command

    Options = tuple[str, ...]

#: They go to the background by themselves, but for one of these options.
GOES: dict[str, Options] = {
    "acpid": ("-f", "-d", "--foreground"),
    "apache2": ("-DFOREGROUND", "-D", "-X"),
    "apcupsd": ("-b",),
    "atd": ("-f", "-d"),
    "automount": ("-f", "--foreground"),
    "bluetoothd": ("-n", "--nodetach"),
    "boa": ("-d",),
    "chronyd": ("-d", "-n"),
    "collectd": ("-f",),
    "connmand": ("-n", "--nodaemon"),
    "cron": ("-f", "-n"),
    "crond": ("-f", "-n", "-d"),
    "cupsd": ("-f", "-F"),
    "dhclient": ("-d",),
    "dhcpcd": ("-B", "--nobackground"),
    "dhcpd": ("-f", "-d"),
    "dnsmasq": ("-k", "-d", "--keep-in-foreground", "--no-daemon"),
    "dropbear": ("-F",),
    "gdm": ("-nodaemon", "--nodaemon"),
    "gpm": ("-D",),
    "haveged": ("-F", "--Foreground"),
    "httpd": ("-DFOREGROUND", "-D", "-X", "-f"),  # Apache's, and BusyBox's with its -f
    "ifplugd": ("-n", "--no-daemon"),
    "inetd": ("-f", "-i", "-d"),
    "irqbalance": ("-f", "--foreground", "-d", "--debug"),
    "iscsid": ("-f", "--foreground"),
    "kdm": ("-nodaemon",),
    "keepalived": ("-n", "--dont-fork"),
    "klogd": ("-n",),
    "lighttpd": ("-D",),
    "lircd": ("-n", "--nodaemon"),
    "minidlnad": ("-S", "-d"),
    "mini_httpd": ("-D",),
    "monit": ("-I",),
    "mpd": ("--no-daemon",),
    "multipathd": ("-d",),
    "named": ("-f", "-g"),
    "NetworkManager": ("-n", "--no-daemon", "-d", "--debug"),
    "nmbd": ("-F", "-i", "--foreground"),
    "nscd": ("-F", "--foreground", "-d", "--debug"),
    "nslcd": ("-n", "--nofork", "-d", "--debug"),
    "ntpd": ("-n", "--nofork", "-d"),
    "ofonod": ("-n", "--nodetach"),
    "prefdm": ("-nodaemon",),
    "proftpd": ("-n", "--nodaemon"),
    "radvd": ("-n", "--nodaemon", "-d"),
    "rngd": ("-f", "--foreground"),
    "rpc.gssd": ("-f",),
    "rpc.idmapd": ("-f",),
    "rpc.mountd": ("-F", "--foreground"),
    "rpc.statd": ("-F", "--foreground", "-d"),
    "rpcbind": ("-f", "-d"),
    "rsyslogd": ("-n",),
    "smartd": ("-n", "--no-fork", "-d"),
    "smbd": ("-F", "-i", "--foreground"),
    "snmpd": ("-f",),
    "squid": ("-N",),
    "sshd": ("-D", "-d", "-i"),
    "supervisord": ("-n", "--nodaemon"),
    "syslog-ng": ("-F", "--foreground"),
    "syslogd": ("-n", "-d", "-F"),
    "telnetd": ("-F", "-i"),
    "thttpd": ("-D",),
    "transmission-daemon": ("-f", "--foreground"),
    "udhcpc": ("-f", "--foreground"),
    "udhcpd": ("-f",),
    "upsd": ("-F", "-D"),
    "upsmon": ("-F", "-D"),
    "vncserver": ("-fg",),
    "watchdog": ("-F", "--foreground"),
    "wdm": ("-nodaemon",),
    "xdm": ("-nodaemon",),
    "xinetd": ("-dontfork", "-d"),
    "zabbix_agentd": ("-f", "--foreground"),
    "zcip": ("-f",),
}
#: They stay in the foreground and do not end, but for one of these options.
STAYS: dict[str, Options] = {
    "avahi-daemon": ("-D", "--daemonize"),
    "hostapd": ("-B",),
    "lightdm": (),
    "lxdm": ("-d",),
    "mosquitto": ("-d", "--daemon"),
    "pulseaudio": ("-D", "--daemonize", "--start"),
    "pure-ftpd": ("-B", "--daemonize"),
    "runsvdir": (),
    "s6-svscan": (),
    "sddm": (),
    "slim": ("-d",),
    "svscan": (),
    "svscanboot": (),
    "systemd-udevd": ("-d", "--daemon"),
    "tor": ("--runasdaemon",),
    "udevd": ("-d", "--daemon"),
    "watch": (),
    "wpa_supplicant": ("-B",),
    "Xorg": (),
    "Xvfb": (),
}
#: They may do something else altogether, but with one of these options they go to the background.
MAY_GO: dict[str, Options] = {
    "autossh": ("-f",),
    "dbus-daemon": ("--fork",),
    "in.tftpd": ("-l", "--listen"),
    "mdadm": ("--daemonise",),
    "memcached": ("-d", "--daemon"),
    "openvpn": ("--daemon",),
    "screen": ("-dm", "-dmS"),
    "ssh": ("-f",),
    "start-stop-daemon": ("-b", "--background"),
    "x11vnc": ("-bg",),
}
#: They do not end with one of these options, or words.
_ENDLESS: dict[str, Options] = {
    "dmesg": ("-w", "-W", "--follow", "--follow-new"),
    "sleep": ("infinity", "inf"),
    "tail": ("-f", "-F", "--follow", "--retry"),
}
#: With one of these they do something once, and end.
_ONCE: dict[str, Options] = {
    "avahi-daemon": ("-k", "--kill", "-r", "--reload", "-c", "--check"),
    "chronyd": ("-q", "-Q"),
    "ntpd": ("-q",),
    "pulseaudio": ("-k", "--kill", "--check"),
    "smartd": ("-q", "--quit"),
    "sshd": ("-t", "-T"),
    "udhcpc": ("-q", "--quit"),
}


def goes_by_itself(command: Command) -> bool:
    """Whether it goes to the background because no option keeps it."""
    return command.name in GOES and not command.has_option(*GOES[command.name], *_ONCE.get(command.name, ()))


def sent_by(command: Command) -> Options:
    """The options of which one sends it to the background."""
    options = STAYS.get(command.name) or MAY_GO.get(command.name, ())
    return options if command.has_option(*options) else ()


def stays(command: Command) -> bool:
    """Whether it stays in the foreground until it is killed."""
    name = command.name
    if command.has_option(*_ONCE.get(name, ()), "--help", "--version"):
        return False
    if name in _ENDLESS:
        return command.has_option(*_ENDLESS[name])
    return (name in GOES and not goes_by_itself(command)) or (name in STAYS and not sent_by(command))
