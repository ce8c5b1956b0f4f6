// The kernel's capabilities by name (capabilities(7)): a report tells them as one number.
"use strict";

// In the order of their bits in linux/capability.h.
const RIGHTS = [
  "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
  "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
  "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
  "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
  "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
  "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
];

/** The rights in `"0000000000080004"` that are not permitted. What is no such number is an excess. */
function findExcess(seen, permitted) {
  if (!/^[0-9a-f]{1,16}$/.test(seen)) return ["unreadable rights"];
  const bits = Array.from(BigInt(`0x${seen}`).toString(2)).reverse();
  const names = bits.flatMap((bit, at) => (bit === "1" ? [nameRight(at)] : []));
  return names.filter((name) => !permitted.includes(name));
}

function nameRight(bit) {
  return bit < RIGHTS.length ? `CAP_${RIGHTS[bit]}` : `right ${bit}`;
}
